//! What a ledger gives back after a start.

use super::{CellKey, CellMeta, ItemRecord, ItemSet, SeenRun, TaskKey, TaskRecord};
use std::sync::Arc;

/// Everything that was kept.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The cells, in no particular order.
    pub cells: Vec<RestoredCell>,
    /// Values that were kept and cannot be read any more.
    pub damaged: u64,
}

/// What was kept of one cell.
#[derive(Clone, Debug)]
pub struct RestoredCell {
    /// Which cell.
    pub key: CellKey,
    /// Its watermark, health and poll counters.
    pub meta: CellMeta,
    /// Its tasks.
    pub tasks: Vec<(TaskKey, TaskRecord)>,
    /// The runs that are remembered, each once.
    pub seen: Vec<SeenRun>,
    /// The things counted by status.
    pub items: Vec<((ItemSet, Arc<str>), ItemRecord)>,
}
