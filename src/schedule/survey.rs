//! One discovery of the cells of a source.

use super::Scheduled;
use super::attempt::contain;
use super::trouble::Trouble;
use super::verdict::Verdict;
use crate::model::{CellKey, CellPlan, Clock, Desk, IntakeClosed};
use crate::sources::counted;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a discovery needs.
pub(super) struct Survey<'a> {
    /// Whose cells are looked for.
    pub(super) scheduled: &'a Scheduled,
    /// Who takes the report.
    pub(super) desk: &'a dyn Desk,
    /// The present time.
    pub(super) clock: &'a dyn Clock,
    /// Ends it early.
    pub(super) stop: &'a CancellationToken,
}

impl Survey<'_> {
    /// Discovers; `None` where that failed. It is reported as a poll of a cell of its own, but only where it makes calls:
    /// a configuration that names every cell cannot fail.
    ///
    /// # Errors
    /// [`IntakeClosed`] where the keeper is gone: then nobody can be told anything.
    pub(super) async fn run(&self, trouble: &mut Trouble) -> Result<Option<BTreeSet<CellKey>>, IntakeClosed> {
        let again = self.scheduled.source.rediscover();
        let calls = again.is_some();
        let plan = self.scheduled.plan(self.scheduled.discovery_cell());
        let plan = CellPlan { interval: again, ..plan };
        if calls {
            self.desk.begin(&plan).await?;
        }
        let began = Instant::now();
        let source = Arc::clone(&self.scheduled.source);
        let requests = Arc::new(AtomicU64::new(0));
        let work = counted(Arc::clone(&requests), async move { source.discover().await });
        let (cells, verdict) = match contain(work, self.scheduled.schedule.deadline(), self.stop).await {
            Ok(Ok(cells)) => (Some(cells.into_iter().collect()), Verdict::ok()),
            Ok(Err(error)) => (None, Verdict::of_error(&error)),
            Err(cut) => (None, Verdict::of_cut(cut)),
        };
        if calls {
            let requests = requests.load(Ordering::Relaxed);
            let report = verdict.report(&plan.key, self.clock.now(), began.elapsed(), requests, 0);
            self.desk.report(report).await?;
        }
        trouble.tell(&plan.key, &verdict);
        Ok(cells)
    }
}
