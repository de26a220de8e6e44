//! The scout of one source in one region: finds its cells and keeps a worker on each.

use super::Scheduled;
use super::liveness::{Enrolled, Liveness, Mourner};
use super::survey::Survey;
use super::tick::{Pace, Ticks, jitter};
use super::trouble::Trouble;
use super::worker::Worker;
use crate::model::{CellKey, Clock, Desk, IntakeClosed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How many discoveries in a row must leave a cell out before it is retired: one answer alone may be incomplete.
const ABSENCES: u32 = 2;
/// The pauses after a failed discovery: the first, doubled each time, up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Finds cells and minds their workers.
pub(super) struct Scout {
    scheduled: Scheduled,
    pace: Pace,
    desk: Arc<dyn Desk>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    liveness: Liveness,
    posts: BTreeMap<CellKey, Post>,
    /// Whether its source has told its cells before: the first time, whatever else the keeper has of it goes.
    surveyed: bool,
    trouble: Trouble,
}

/// A cell and its worker.
struct Post {
    worker: AbortOnDropHandle<()>,
    stop: CancellationToken,
    absences: u32,
    _enrolled: Enrolled,
}

impl Scout {
    /// A scout that has no cells yet.
    pub(super) fn new(
        scheduled: Scheduled,
        pace: Pace,
        desk: Arc<dyn Desk>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
        liveness: Liveness,
    ) -> Self {
        Self {
            scheduled,
            pace,
            desk,
            clock,
            stop,
            liveness,
            posts: BTreeMap::new(),
            surveyed: false,
            trouble: Trouble::default(),
        }
    }

    /// Discovers, again and again where the source wants it, until it is stopped or the keeper is gone. `mourner` goes with it.
    pub(super) async fn run(mut self, _mourner: Mourner) {
        let mut failures = 0;
        while let Ok(found) = self.survey().await {
            let again = self.scheduled.source.rediscover();
            let pause = match found {
                Some(cells) => {
                    failures = 0;
                    if self.settle(cells).await.is_err() {
                        break;
                    }
                    again
                }
                None => {
                    failures += 1;
                    Some(backoff(failures, again))
                }
            };
            let waited = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause.max(BACKOFF.0)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                () = waited => {}
            }
        }
        for (cell, post) in std::mem::take(&mut self.posts) {
            post.ended(&cell).await;
        }
    }

    /// Asks the source for its cells; `None` where that failed.
    async fn survey(&mut self) -> Result<Option<BTreeSet<CellKey>>, IntakeClosed> {
        let (scheduled, desk, clock, stop) = (&self.scheduled, &*self.desk, &*self.clock, &self.stop);
        Survey { scheduled, desk, clock, stop }.run(&mut self.trouble).await
    }

    /// Brings the posts in line with the cells there are.
    async fn settle(&mut self, cells: BTreeSet<CellKey>) -> Result<(), IntakeClosed> {
        if !std::mem::replace(&mut self.surveyed, true) {
            let of = self.scheduled.discovery_cell();
            let own = self.scheduled.source.rediscover().map(|_| of.clone());
            self.desk.keep_only(&of, cells.iter().cloned().chain(own).collect()).await?;
        }
        for post in self.posts.values_mut() {
            post.absences += 1;
        }
        for cell in cells {
            match self.posts.get_mut(&cell) {
                Some(post) => post.absences = 0,
                None => {
                    let post = self.post(cell.clone());
                    self.posts.insert(cell, post);
                }
            }
        }
        let gone: Vec<_> = self
            .posts
            .iter()
            .filter(|(_, post)| post.absences >= ABSENCES)
            .map(|(cell, _)| cell.clone())
            .collect();
        for cell in gone {
            if let Some(post) = self.posts.remove(&cell) {
                tracing::info!(cell = %cell, kind = cell.kind, "no longer there; its series go");
                post.stop.cancel();
                post.ended(&cell).await;
                self.desk.retire(cell).await?;
            }
        }
        Ok(())
    }

    /// Puts a worker on `cell`.
    fn post(&self, cell: CellKey) -> Post {
        let schedule = &self.scheduled.schedule;
        let stop = self.stop.child_token();
        let enrolled = self.liveness.enrol(cell.to_string());
        let mourner = enrolled.mourner(&stop);
        let worker = Worker {
            plan: self.scheduled.plan(cell),
            source: Arc::clone(&self.scheduled.source),
            desk: Arc::clone(&self.desk),
            clock: Arc::clone(&self.clock),
            schedule: schedule.clone(),
            stop: stop.clone(),
        };
        let ticks = Ticks::start(self.pace.clone(), jitter(schedule.spread()), enrolled.sign());
        let worker = AbortOnDropHandle::new(tokio::spawn(worker.run(ticks, mourner)));
        Post { worker, stop, absences: 0, _enrolled: enrolled }
    }
}

impl Post {
    /// Waits until the worker is gone.
    async fn ended(self, cell: &CellKey) {
        if self.worker.await.is_err_and(|error| error.is_panic()) {
            tracing::error!(cell = %cell, "the worker itself failed; please report this");
        }
    }
}

/// How long to wait after so many failures in a row, never longer than the source's own pause.
fn backoff(failures: u32, again: Option<Duration>) -> Duration {
    let longest = again.unwrap_or(BACKOFF.1).min(BACKOFF.1);
    let pause = BACKOFF.0.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(longest);
    // A fifth more or less, so that sources that failed together do not come back together.
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}
