//! All that polls.

use super::cron::{Bell, CronThread};
use super::liveness::{Enrolled, Liveness};
use super::scout::Scout;
use super::tick::Pace;
use super::{Schedule, Scheduled};
use crate::model::{Clock, Desk};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The scouts of every configured source, and through them every worker. Dropping it ends them all at once.
pub struct Fleet {
    desk: Arc<dyn Desk>,
    clock: Arc<dyn Clock>,
    liveness: Liveness,
    patrols: Vec<Patrol>,
}

/// A scout at work.
struct Patrol {
    scheduled: Scheduled,
    stop: CancellationToken,
    scout: AbortOnDropHandle<()>,
    /// The places of the scout and of its bell.
    _enrolled: Vec<Enrolled>,
    /// Rings for all cron schedules that were started with it, as long as one of them is there.
    cron: Option<Arc<CronThread>>,
}

impl Fleet {
    /// Starts polling. Needs a tokio runtime around it.
    pub fn start(scheduled: Vec<Scheduled>, desk: Arc<dyn Desk>, clock: Arc<dyn Clock>) -> Self {
        let mut fleet = Self { desk, clock, liveness: Liveness::default(), patrols: Vec::new() };
        fleet.send_out(scheduled);
        fleet
    }

    /// Whether all that was started goes on; it follows every [`Fleet::replace`].
    pub fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    /// Polls this from now on. What is polled already, from the very same source in the same way, is not touched: it is
    /// neither polled once more nor misses a tick. What is not wanted any more is stopped as by [`Fleet::stop`] before
    /// anything new is started, so that nothing is ever polled twice at once. Returns how many went on untouched.
    pub async fn replace(&mut self, scheduled: Vec<Scheduled>, grace: Duration) -> usize {
        let wanted = |patrol: &Patrol| scheduled.iter().any(|one| one.is(&patrol.scheduled));
        let (stay, go) = std::mem::take(&mut self.patrols).into_iter().partition(wanted);
        self.patrols = stay;
        recall(go, grace).await;
        let untouched = self.patrols.len();
        let new = |one: &Scheduled| !self.patrols.iter().any(|patrol| one.is(&patrol.scheduled));
        let new = scheduled.into_iter().filter(new).collect();
        self.send_out(new);
        untouched
    }

    /// Stops: polls under way are dropped and reported as cancelled. Whoever is not done after `grace` is abandoned.
    /// Returns whether all were done.
    pub async fn stop(self, grace: Duration) -> bool {
        recall(self.patrols, grace).await
    }

    fn send_out(&mut self, scheduled: Vec<Scheduled>) {
        let (first, mut bells) = (self.patrols.len(), Vec::new());
        for scheduled in scheduled {
            let name = format!("{}/{}", scheduled.name, scheduled.region);
            let name = name.trim_end_matches('/');
            let place = self.liveness.enrol(format!("the scout of {name}"));
            let stop = CancellationToken::new();
            let mourner = place.mourner(&stop);
            let mut enrolled = vec![place];
            let pace = match &scheduled.schedule {
                Schedule::Every(interval) => Pace::Every(*interval),
                Schedule::Adaptive(bounds) => Pace::Told(bounds.usual),
                Schedule::Cron(expression) => {
                    let (ring, bell) = watch::channel(0);
                    let place = self.liveness.enrol(Liveness::cron_of(&scheduled.name, &scheduled.region));
                    bells.push(Bell { expression: expression.clone(), ring, sign: place.sign() });
                    enrolled.push(place);
                    Pace::Bell(bell)
                }
            };
            let (desk, clock) = (Arc::clone(&self.desk), Arc::clone(&self.clock));
            let scout = Scout::new(scheduled.clone(), pace, desk, clock, stop.clone(), self.liveness.clone());
            let scout = AbortOnDropHandle::new(tokio::spawn(scout.run(mourner)));
            self.patrols.push(Patrol { scheduled, stop, scout, _enrolled: enrolled, cron: None });
        }
        if !bells.is_empty() {
            let cron = Arc::new(CronThread::start(bells, Arc::clone(&self.clock)));
            for patrol in &mut self.patrols[first..] {
                if matches!(patrol.scheduled.schedule, Schedule::Cron(_)) {
                    patrol.cron = Some(Arc::clone(&cron));
                }
            }
        }
    }
}

/// Ends these scouts and their workers; see [`Fleet::stop`].
async fn recall(patrols: Vec<Patrol>, grace: Duration) -> bool {
    for patrol in &patrols {
        patrol.stop.cancel();
    }
    let drained = async {
        for Patrol { scout, cron, .. } in patrols {
            // A scout that failed is known of already.
            let _ended = scout.await;
            drop(cron);
        }
    };
    let in_time = tokio::time::timeout(grace, drained).await.is_ok();
    if !in_time {
        tracing::warn!("polls did not end within {grace:?} and are abandoned; nothing committed is lost");
    }
    in_time
}
