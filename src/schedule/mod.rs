//! When cells are polled, and what becomes of a poll that fails, hangs or panics.
//!
//! A [`Fleet`] has one scout for each source and region. The scout asks its source for the cells there are and keeps one
//! worker on each; a worker waits for a tick, polls, reports, and never does two of these at once. A source that fails
//! disturbs nobody: each attempt runs in a task of its own, under a deadline, and whatever becomes of it is a report.

mod attempt;
mod cron;
mod fleet;
mod liveness;
mod once;
mod poll;
mod scout;
mod survey;
mod tempo;
#[cfg(test)]
mod tests;
mod tick;
mod trouble;
mod verdict;
mod worker;

pub use cron::{CronError, CronExpression};
pub use fleet::Fleet;
pub use liveness::Liveness;
pub use once::once;
pub use tempo::Bounds;
pub use tick::Schedule;

use crate::model::{Buckets, CellKey, CellPlan, Label};
use crate::sources::Source;
use std::sync::Arc;
use std::time::Duration;

/// One source in one region, and when to poll it.
#[derive(Clone)]
pub struct Scheduled {
    /// The source's name in the configuration; the label `source`.
    pub name: Label,
    /// The kind of source.
    pub kind: &'static str,
    /// The region, empty where the kind has none.
    pub region: Label,
    /// What is polled.
    pub source: Arc<dyn Source>,
    /// When each of its cells is polled.
    pub schedule: Schedule,
    /// The histogram buckets of its tasks.
    pub buckets: Buckets,
    /// The expected time between two runs of a task, where the source itself does not tell.
    pub expected_interval: Option<Duration>,
}

impl Scheduled {
    /// Whether both are the same work: the very same source, polled in the same way.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
            && (self.kind, &self.name, &self.region) == (other.kind, &other.name, &other.region)
            && self.schedule == other.schedule
            && self.buckets == other.buckets
            && self.expected_interval == other.expected_interval
    }

    /// The cell that stands for the source's own discovery.
    fn discovery_cell(&self) -> CellKey {
        CellKey {
            kind: self.kind,
            source: self.name.clone(),
            region: self.region.clone(),
            project: Label::empty(),
        }
    }

    /// What the keeper must know of `cell`.
    fn plan(&self, cell: CellKey) -> CellPlan {
        CellPlan {
            key: cell,
            reach: self.source.reach(),
            buckets: self.buckets.clone(),
            expected_interval: self.expected_interval,
            interval: None,
        }
    }
}
