//! The worker of one cell.

use super::Schedule;
use super::liveness::Mourner;
use super::poll::Poll;
use super::tempo::Tempo;
use super::tick::Ticks;
use super::trouble::Trouble;
use crate::model::{CellPlan, Clock, Desk};
use crate::sources::Source;
use std::sync::Arc;
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
    /// When it is polled.
    pub(super) schedule: Schedule,
    /// Ends the worker; a poll under way is dropped and reported as cancelled.
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Works until it is stopped or the keeper is gone. `mourner` goes with it.
    pub(super) async fn run(mut self, mut ticks: Ticks, _mourner: Mourner) {
        let mut trouble = Trouble::default();
        let mut tempo = Tempo::new(self.schedule.clone());
        self.plan.interval = self.schedule.interval(self.clock.now());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                tick = ticks.next() => if tick.is_none() { return },
            }
            let poll = Poll {
                plan: &self.plan,
                source: &self.source,
                desk: &*self.desk,
                clock: &*self.clock,
                deadline: self.schedule.deadline(),
                stop: &self.stop,
            };
            let Ok((verdict, pulse)) = poll.run(|| ticks.take_skipped()).await else { return };
            trouble.tell(&self.plan.key, &verdict);
            let next = tempo.after(verdict.fresh, pulse, self.clock.now());
            if let Some(interval) = next.filter(|_| next != self.plan.interval) {
                self.plan.interval = next;
                ticks.tell(interval);
                if self.desk.pace(&self.plan.key, interval).await.is_err() {
                    return;
                }
            }
        }
    }
}
