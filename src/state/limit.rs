//! How many tasks may have series of their own, and how many runs may be remembered.

use super::CellState;
use crate::model::CellKey;

/// The configured bounds. A task that does not fit is folded into one overflow task a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series of all tasks together.
    pub series: u64,
    /// Tasks of one source, over all its cells.
    pub tasks_per_source: u64,
    /// Finished runs that are remembered, of all cells together.
    pub runs: u64,
}

/// What is left of the bounds when a batch comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Tasks that may still become known.
    pub(super) tasks: u64,
    /// Series that may still be made.
    pub(super) series: u64,
}

/// The fewest series a new task makes once it has finished a run: the two seeded counters, a duration histogram
/// of 13 buckets with its sum and count, and the gauges of its last run. Admitting a task reserves as many, so that a
/// batch of new tasks cannot overshoot the bound by what their histograms will need.
pub(super) const SERIES_PER_TASK: u64 = 30;

impl Limits {
    /// What is left, given the cells of the batch's source and the series of all.
    pub(super) fn room<'a>(
        self,
        source: impl Iterator<Item = (&'a CellKey, &'a CellState)>,
        series: u64,
    ) -> Room {
        let tasks: u64 = source.map(|(_, cell)| cell.tasks().len() as u64).sum();
        Room {
            tasks: self.tasks_per_source.saturating_sub(tasks),
            series: self.series.saturating_sub(series),
        }
    }
}

impl Room {
    /// Takes the room of one more task, if there is any.
    pub(super) fn admit(&mut self) -> bool {
        let fits = self.tasks > 0 && self.series >= SERIES_PER_TASK;
        if fits {
            self.tasks -= 1;
            self.series -= SERIES_PER_TASK;
        }
        fits
    }
}
