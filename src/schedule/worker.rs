//! The worker of one cell.

use super::poll::Poll;
use super::tick::Ticks;
use super::trouble::Trouble;
use crate::model::{CellPlan, Clock, Desk};
use crate::sources::Source;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Polls one cell at every tick, one poll at a time.
pub(super) struct Worker {
    /// Which cell.
    pub(super) plan: CellPlan,
    /// Who reads it.
    pub(super) source: Arc<dyn Source>,
    /// Who says what to read and takes the reports.
    pub(super) desk: Arc<dyn Desk>,
    /// The present time.
    pub(super) clock: Arc<dyn Clock>,
    /// How long one poll may take.
    pub(super) deadline: Duration,
    /// Ends the worker; a poll under way is dropped and reported as cancelled.
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Works until it is stopped or the keeper is gone.
    pub(super) async fn run(self, mut ticks: Ticks) {
        let mut trouble = Trouble::default();
        let poll = Poll {
            plan: &self.plan,
            source: &self.source,
            desk: &*self.desk,
            clock: &*self.clock,
            deadline: self.deadline,
            stop: &self.stop,
        };
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                tick = ticks.next() => if tick.is_none() { return },
            }
            match poll.run(|| ticks.take_skipped()).await {
                Ok(verdict) => trouble.tell(&self.plan.key, &verdict),
                Err(_) => return,
            }
        }
    }
}
