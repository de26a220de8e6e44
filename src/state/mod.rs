//! The state: what has been counted, and the pure step from one batch to what it changes.

mod apply;
mod cap;
mod cell;
mod count;
mod index;
mod last;
mod limit;
mod series;
#[cfg(test)]
pub(crate) mod tests;

pub use cap::Relief;
pub use cell::CellState;
pub use limit::Limits;
pub use series::of as series_of;

use crate::model::{Batch, CellKey, CellPlan, Delta, Known, PollReport, Restored, RunId, Timestamp, Window};
use std::collections::BTreeMap;
use std::time::Duration;

/// All that is remembered, by cell. One task owns it; nothing in it waits, reads a clock or does I/O.
#[derive(Debug)]
pub struct Store {
    cells: BTreeMap<CellKey, CellState>,
    /// Cells that are not polled now, by a change of the configuration or because the source shows them no more. They
    /// are remembered but not shown; their next poll brings them back.
    dormant: BTreeMap<CellKey, CellState>,
    limits: Limits,
    retention: Duration,
}

impl Store {
    /// An empty store that remembers a finished run for `retention`.
    pub fn new(limits: Limits, retention: Duration) -> Self {
        Self { cells: BTreeMap::new(), dormant: BTreeMap::new(), limits, retention }
    }

    /// Takes over what a ledger has kept, before the first poll. `interval` tells how far apart two polls of a cell are
    /// at the most, and `None` for one that is not polled: it is remembered, not shown.
    pub fn restore(
        &mut self,
        restored: Restored,
        now: Timestamp,
        interval: impl Fn(&CellKey) -> Option<Duration>,
    ) {
        for cell in restored.cells {
            let interval = interval(&cell.key);
            let cells = if interval.is_some() { &mut self.cells } else { &mut self.dormant };
            let key = cell.key.clone();
            cells.insert(key, CellState::restored(cell, now, interval.unwrap_or_default()));
        }
    }

    /// The cells, in the order of their keys.
    pub fn cells(&self) -> impl Iterator<Item = (&CellKey, &CellState)> {
        self.cells.iter()
    }

    /// One cell.
    pub fn cell(&self, key: &CellKey) -> Option<&CellState> {
        self.cells.get(key)
    }

    /// How many finished runs are remembered, those of cells that are not shown too.
    pub fn remembered_runs(&self) -> usize {
        self.cells.values().chain(self.dormant.values()).map(CellState::remembered_runs).sum()
    }

    /// What has to be forgotten so that no more runs are remembered than the limits allow, or `None` if all is well.
    /// Forgets nothing itself: its deltas are committed and adopted like any others.
    pub fn relief(&mut self) -> Option<Relief> {
        let most = self.limits.runs;
        if self.remembered_runs() as u64 <= most {
            return None;
        }
        self.cells.values_mut().chain(self.dormant.values_mut()).for_each(CellState::settle);
        Some(cap::relief(self.cells.iter().chain(&self.dormant), most))
    }

    /// The bounds.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Begins a poll: makes the cell known if it is new, and says what is to be read.
    pub fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window {
        let dormant = &mut self.dormant;
        let cell = self
            .cells
            .entry(plan.key.clone())
            .or_insert_with_key(|key| dormant.remove(key).unwrap_or_else(|| CellState::new(plan, now)));
        cell.begin(plan, now)
    }

    /// What is known of each of `runs`, in their order.
    pub fn recall(&self, key: &CellKey, runs: &[RunId]) -> Vec<Known> {
        self.cells.get(key).map_or_else(|| vec![Known::No; runs.len()], |cell| cell.recall(runs))
    }

    /// What `batch` changes, or `None` for a cell that is not known (any more). Changes nothing itself:
    /// the delta is first committed, then adopted, so applying it again after a failed commit is safe.
    pub fn apply(&self, key: &CellKey, batch: &Batch, now: Timestamp) -> Option<Delta> {
        let cell = self.cells.get(key)?;
        let room = self
            .limits
            .room(self.cells.iter().filter(|(other, _)| other.source == key.source), self.series());
        Some(apply::apply(key, cell, batch, now, self.retention, room))
    }

    /// What a poll's report changes, or `None` for a cell that is not known (any more).
    pub fn record(&self, report: &PollReport) -> Option<Delta> {
        let cell = self.cells.get(&report.cell)?;
        Some(apply::record(cell, report))
    }

    /// Whether a delta that was not adopted yet tells more than that what is known was seen again.
    pub fn is_news(&self, delta: &Delta) -> bool {
        self.cells.get(&delta.cell).is_some_and(|cell| cell.is_news(delta))
    }

    /// Whether a run of the cell is queued, running or between two tries.
    pub fn is_under_way(&self, key: &CellKey) -> bool {
        self.cells.get(key).is_some_and(CellState::is_under_way)
    }

    /// Notes that a cell is polled at another interval from now on.
    pub fn pace(&mut self, key: &CellKey, interval: Duration) {
        if let Some(cell) = self.cells.get_mut(key) {
            cell.pace(interval);
        }
    }

    /// Takes over a committed delta.
    pub fn adopt(&mut self, delta: Delta) {
        if let Some(cell) = self.cells.get_mut(&delta.cell).or_else(|| self.dormant.get_mut(&delta.cell)) {
            cell.adopt(delta);
        }
    }

    /// Shows a cell no more. It stays remembered, because what was taken away may come back: a project that is missing
    /// from one listing, a source that is commented out for a day.
    pub fn withdraw(&mut self, key: &CellKey) {
        if let Some(mut cell) = self.cells.remove(key) {
            cell.grow_old();
            self.dormant.insert(key.clone(), cell);
        }
    }

    /// Forgets the cells that were withdrawn and not polled for as long as a run is remembered; says which.
    pub fn forget_dormant(&mut self, now: Timestamp) -> Vec<CellKey> {
        let oldest = now.minus(self.retention);
        let old = |cell: &CellState| {
            let meta = cell.meta();
            meta.last_success.max(meta.watermark).unwrap_or(meta.floor) < oldest
        };
        let forgotten: Vec<CellKey> =
            self.dormant.iter().filter(|(_, cell)| old(cell)).map(|(key, _)| key.clone()).collect();
        self.dormant.retain(|_, cell| !old(cell));
        forgotten
    }

    /// The series that the tasks of all cells make.
    pub fn series(&self) -> u64 {
        self.cells.values().map(CellState::series).sum()
    }
}
