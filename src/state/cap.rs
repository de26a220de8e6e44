//! The bound on remembered runs: which are forgotten before their time, so that memory has an end whatever the clouds
//! report.
//!
//! Forgetting goes by the floor, as always, so a run that is forgotten early is not counted again. What is lost is what a
//! source tells late: a run that ended before the floor and was never seen is not counted any more.

use super::CellState;
use crate::model::{CellKey, CellMeta, Delta, Slice, Timestamp};
use std::iter::Peekable;
use std::time::Duration;

/// How far back a cell is taken to read again that has not been polled since the start, so that nobody knows.
const UNPLANNED: Duration = Duration::from_secs(86_400);

/// What has to be forgotten early.
#[derive(Debug)]
pub struct Relief {
    /// For each cell that forgets, its higher floor, and how many runs that forgets.
    pub deltas: Vec<(Delta, u64)>,
    /// Runs beyond the bound that must be remembered all the same, because what ended after them is not read yet.
    pub beyond: u64,
}

/// What brings `cells` down to `most` remembered runs: the oldest slices go first, of the cells with the most runs.
pub(super) fn relief<'a>(cells: impl Iterator<Item = (&'a CellKey, &'a CellState)>, most: u64) -> Relief {
    let mut parts: Vec<Part<'a, _>> = cells
        .map(|(key, cell)| {
            let read_again = read_again(cell);
            let old =
                cell.slices().take_while(move |(slice, _)| read_again.is_some_and(|first| *slice < first));
            Part { key, cell, left: cell.remembered_runs() as u64, gone: 0, floor: None, old: old.peekable() }
        })
        .collect();
    let mut total: u64 = parts.iter().map(|part| part.left).sum();
    while total > most {
        let most_left = |part: &&mut Part<'a, _>| part.left;
        let Some(part) = parts.iter_mut().filter_map(Part::with_more).max_by_key(most_left) else { break };
        total -= part.forget();
    }
    let deltas = parts.into_iter().filter_map(Part::delta).collect();
    Relief { deltas, beyond: total.saturating_sub(most) }
}

/// The first slice of which a later poll may still read something new; `None` for a cell that was never read completely.
fn read_again(cell: &CellState) -> Option<Slice> {
    let reach = cell.plan().reach;
    let back = if reach.lookback.is_zero() { UNPLANNED } else { reach.lookback.max(reach.overlap) };
    Some(Slice::of(cell.meta().unread_since()?.minus(back)))
}

/// A cell, and what it can forget.
struct Part<'a, I: Iterator<Item = (Slice, usize)>> {
    key: &'a CellKey,
    cell: &'a CellState,
    /// Runs that it remembers still.
    left: u64,
    /// Runs that it forgets.
    gone: u64,
    floor: Option<Timestamp>,
    /// Its slices that may be forgotten, the oldest first.
    old: Peekable<I>,
}

impl<I: Iterator<Item = (Slice, usize)>> Part<'_, I> {
    fn with_more(&mut self) -> Option<&mut Self> {
        self.old.peek().is_some().then_some(self)
    }

    /// Forgets the oldest slice; how many runs that are.
    fn forget(&mut self) -> u64 {
        let Some((slice, runs)) = self.old.next() else { return 0 };
        self.floor = Some(Slice(slice.0.saturating_add(1)).start());
        self.gone += runs as u64;
        self.left -= runs as u64;
        runs as u64
    }

    fn delta(self) -> Option<(Delta, u64)> {
        let before = self.cell.meta();
        let meta = CellMeta { floor: before.floor.max(self.floor?), ..before.clone() };
        let delta = Delta {
            cell: self.key.clone(),
            meta,
            tasks: Vec::new(),
            seen: Vec::new(),
            idle: Vec::new(),
            items: Vec::new(),
            expired_items: Vec::new(),
            folded: 0,
        };
        Some((delta, self.gone))
    }
}
