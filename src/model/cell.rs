//! What is polled as one unit.

use super::{Buckets, Label};
use std::fmt;
use std::time::Duration;

/// One cell: the part of a source that is polled, fails and recovers on its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CellKey {
    /// The source's kind (`wedata`, `tat`, `scf`, `enos`).
    pub kind: &'static str,
    /// The source's name in the configuration.
    pub source: Label,
    /// The cloud region, empty where the kind has none.
    pub region: Label,
    /// The project, namespace or organisation; empty where the kind has none, and for the cell that
    /// stands for a source's own discovery.
    pub project: Label,
}

impl fmt::Display for CellKey {
    /// `source` or `source/region/project`, leaving out what is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        for part in [&self.region, &self.project] {
            if !part.is_empty() {
                write!(f, "/{part}")?;
            }
        }
        Ok(())
    }
}

/// How far a kind's reads must reach in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// How far back the very first poll reads.
    pub lookback: Duration,
    /// How far before the watermark every later poll reads again, because rows may arrive late.
    pub overlap: Duration,
}

/// What the keeper must know of a cell before its first poll.
#[derive(Clone, Debug)]
pub struct CellPlan {
    /// Which cell.
    pub key: CellKey,
    /// How far its reads reach.
    pub reach: Reach,
    /// The histogram buckets of its tasks.
    pub buckets: Buckets,
    /// The expected time between two runs of a task, where the source itself does not tell.
    pub expected_interval: Option<Duration>,
    /// The time between two polls, as it is now; `None` where there will be one alone.
    pub interval: Option<Duration>,
}
