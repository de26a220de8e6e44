//! What the status page shows of a cell's last polls. Not kept: it begins with the process.

use crate::model::{Failure, PollReport, PollTrace, Reason};
use std::sync::Arc;

/// The polls that are remembered of a cell.
const POLLS: usize = 20;

/// The last polls of one cell.
#[derive(Default)]
pub(super) struct History {
    /// Newest first. Shared with what is published, which is put together far more often than it changes.
    trail: Arc<[PollTrace]>,
    last_error: Option<Arc<Failure>>,
    /// What the poll under way has handed over.
    records: u64,
}

impl History {
    /// The poll under way handed over so many records.
    pub(super) fn handed_over(&mut self, records: u64) {
        self.records += records;
    }

    /// The poll under way has ended.
    pub(super) fn polled(&mut self, report: PollReport) {
        let PollReport { at, took, reason, requests, message, .. } = report;
        let records = std::mem::take(&mut self.records);
        let trace = PollTrace { began: at.minus(took), took, result: reason, requests, records };
        self.trail = std::iter::once(trace).chain(self.trail.iter().copied()).take(POLLS).collect();
        if !matches!(reason, Reason::Ok | Reason::Cancelled) {
            self.last_error = Some(Arc::new(Failure { at, reason, message }));
        }
    }

    /// The newest poll.
    pub(super) fn last(&self) -> Option<&PollTrace> {
        self.trail.first()
    }

    /// The polls, newest first.
    pub(super) fn trail(&self) -> Arc<[PollTrace]> {
        Arc::clone(&self.trail)
    }

    /// The newest poll that did not go well.
    pub(super) fn last_error(&self) -> Option<Arc<Failure>> {
        self.last_error.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::{NOW, plan};
    use std::time::Duration;

    fn report(reason: Reason, minute: u32) -> PollReport {
        PollReport {
            cell: plan().key,
            at: NOW.plus(Duration::from_secs(60) * minute),
            took: Duration::from_secs(2),
            reason,
            fresh: reason == Reason::Ok,
            requests: 3,
            skipped_ticks: 0,
            message: "said".into(),
        }
    }

    #[test]
    fn the_newest_twenty_polls_are_there_each_with_what_it_handed_over() {
        let mut history = History::default();
        for minute in 0..25 {
            history.handed_over(u64::from(minute));
            history.handed_over(1);
            history.polled(report(Reason::Ok, minute));
        }
        let trail = history.trail();
        assert_eq!((trail.len(), trail[0].records, trail[19].records), (20, 25, 6));
        assert_eq!(trail[0].began, NOW.plus(Duration::from_secs(60 * 24 - 2)));
    }

    #[test]
    fn an_error_is_remembered_until_the_next_one_and_a_stop_is_none() {
        let mut history = History::default();
        for (minute, reason) in [Reason::Auth, Reason::Ok, Reason::Cancelled].into_iter().enumerate() {
            history.polled(report(reason, u32::try_from(minute).unwrap()));
        }
        let error = history.last_error().unwrap();
        assert_eq!((error.reason, error.at), (Reason::Auth, NOW));
    }
}
