//! What the log is told of polls that fail.

use super::verdict::Verdict;
use crate::model::{CellKey, Reason};

/// Trouble that goes on is told again every so many times.
const EVERY: u64 = 10;

/// Remembers what went wrong last, so that the log tells changes and not every repetition.
#[derive(Default, Debug)]
pub(super) struct Trouble {
    last: Option<(Reason, String)>,
    times: u64,
}

/// What there is to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Remark {
    Nothing,
    Failing { times: u64 },
    Recovered { after: u64 },
}

impl Trouble {
    /// Tells the log of a poll of `cell`, if there is something to tell.
    pub(super) fn tell(&mut self, cell: &CellKey, verdict: &Verdict) {
        match self.note(verdict) {
            Remark::Nothing => {}
            Remark::Failing { times } => tracing::warn!(
                cell = %cell,
                kind = cell.kind,
                reason = verdict.reason.name(),
                times,
                fresh = verdict.fresh,
                "poll: {}",
                verdict.message
            ),
            Remark::Recovered { after } => {
                tracing::info!(cell = %cell, kind = cell.kind, after, "poll: well again");
            }
        }
    }

    fn note(&mut self, verdict: &Verdict) -> Remark {
        match verdict.reason {
            Reason::Cancelled => Remark::Nothing,
            Reason::Ok => {
                let after = std::mem::take(&mut self.times);
                match self.last.take() {
                    Some(_) => Remark::Recovered { after },
                    None => Remark::Nothing,
                }
            }
            reason => {
                let known = |(old, subject): &(Reason, String)| *old == reason && *subject == verdict.subject;
                if self.last.as_ref().is_some_and(known) {
                    self.times += 1;
                } else {
                    self.last = Some((reason, verdict.subject.clone()));
                    self.times = 1;
                }
                match self.times {
                    times if times == 1 || times.is_multiple_of(EVERY) => Remark::Failing { times },
                    _ => Remark::Nothing,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Read;

    fn torn(page: u32) -> Verdict {
        Verdict::of_poll(&Ok(Ok(Read::Torn(format!("page {page} is missing")))))
    }

    #[test]
    fn repeated_trouble_is_told_once_then_every_tenth_time() {
        let mut trouble = Trouble::default();
        let told: Vec<u64> = (1..=25)
            .filter_map(|page| match trouble.note(&torn(page)) {
                Remark::Failing { times } => Some(times),
                _ => None,
            })
            .collect();
        assert_eq!(told, [1, 10, 20]);
        assert_eq!(
            trouble.note(&Verdict::of_cut(super::super::attempt::Cut::Panicked)),
            Remark::Failing { times: 1 }
        );
    }

    #[test]
    fn recovery_is_told_once_and_a_stop_is_no_trouble() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.note(&Verdict::ok()), Remark::Nothing);
        trouble.note(&torn(1));
        trouble.note(&torn(2));
        assert_eq!(trouble.note(&Verdict::of_cut(super::super::attempt::Cut::Stopped)), Remark::Nothing);
        assert_eq!(trouble.note(&Verdict::ok()), Remark::Recovered { after: 2 });
        assert_eq!(trouble.note(&Verdict::ok()), Remark::Nothing);
    }
}
