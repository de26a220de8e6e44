//! All that polls.

use super::cron::CronThread;
use super::scout::Scout;
use super::tick::Pace;
use super::{Schedule, Scheduled};
use crate::model::{Clock, Desk};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The scouts of every configured source, and through them every worker. Dropping it ends them all at once.
pub struct Fleet {
    stop: CancellationToken,
    scouts: JoinSet<()>,
    _cron: Option<CronThread>,
}

impl Fleet {
    /// Starts polling. Needs a tokio runtime around it.
    pub fn start(scheduled: Vec<Scheduled>, desk: Arc<dyn Desk>, clock: Arc<dyn Clock>) -> Self {
        let stop = CancellationToken::new();
        let mut scouts = JoinSet::new();
        let mut bells = Vec::new();
        for scheduled in scheduled {
            let pace = match &scheduled.schedule {
                Schedule::Every(interval) => Pace::Every(*interval),
                Schedule::Adaptive(bounds) => Pace::Told(bounds.usual),
                Schedule::Cron(expression) => {
                    let (ring, bell) = watch::channel(0);
                    bells.push((expression.clone(), ring));
                    Pace::Bell(bell)
                }
            };
            let scout = Scout::new(scheduled, pace, Arc::clone(&desk), Arc::clone(&clock), stop.clone());
            scouts.spawn(scout.run());
        }
        let cron = (!bells.is_empty()).then(|| CronThread::start(bells, clock));
        Self { stop, scouts, _cron: cron }
    }

    /// Stops: polls under way are dropped and reported as cancelled. Whoever is not done after `grace` is abandoned.
    /// Returns whether all were done.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.stop.cancel();
        let drained = async { while self.scouts.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(grace, drained).await.is_ok();
        if !in_time {
            tracing::warn!("polls did not end within {grace:?} and are abandoned; nothing committed is lost");
        }
        in_time
    }
}
