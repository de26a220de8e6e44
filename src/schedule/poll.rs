//! One poll of one cell, from the keeper's window to the report.

use super::attempt::contain;
use super::verdict::Verdict;
use crate::model::{CellPlan, Clock, Desk, IntakeClosed, Pulse};
use crate::sources::{Source, counted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a poll needs.
pub(super) struct Poll<'a> {
    /// What is polled.
    pub(super) plan: &'a CellPlan,
    /// Who reads it.
    pub(super) source: &'a Arc<dyn Source>,
    /// Who says what to read and takes the report.
    pub(super) desk: &'a dyn Desk,
    /// The present time.
    pub(super) clock: &'a dyn Clock,
    /// How long it may take.
    pub(super) deadline: Duration,
    /// Ends it early.
    pub(super) stop: &'a CancellationToken,
}

impl Poll<'_> {
    /// Polls and reports; `skipped` is asked at the end for the ticks that fell into the poll.
    ///
    /// # Errors
    /// [`IntakeClosed`] where the keeper is gone: then nobody can be told anything.
    pub(super) async fn run(&self, skipped: impl FnOnce() -> u64) -> Result<(Verdict, Pulse), IntakeClosed> {
        let window = self.desk.begin(self.plan).await?;
        let began = Instant::now();
        let (source, cell) = (Arc::clone(self.source), self.plan.key.clone());
        let intake = self.desk.intake(&cell);
        let requests = Arc::new(AtomicU64::new(0));
        let work = async move { source.poll(&cell, &window, &*intake).await };
        let work = counted(Arc::clone(&requests), work);
        let verdict = Verdict::of_poll(&contain(work, self.deadline, self.stop).await);
        let requests = requests.load(Ordering::Relaxed);
        let report = verdict.report(&self.plan.key, self.clock.now(), began.elapsed(), requests, skipped());
        let pulse = self.desk.report(report).await?;
        Ok((verdict, pulse))
    }
}
