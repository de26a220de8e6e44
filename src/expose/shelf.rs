//! The tasks of a cell in stretches of bounded length, each packed by itself: one new run packs its stretch anew, not
//! all of its cell.

use super::format::{self, Each, Format};
use super::piece::{Packer, Piece};
use super::renderer::Subject;
use crate::metrics::Span;
use crate::metrics::catalog::Family;
use crate::model::TaskKey;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Tasks of a new shelf. Shorter ones pack worse and are more to put together; longer ones cost more at each change.
const TASKS: usize = 128;

/// A shelf with more tasks is divided.
const FULL: usize = 2 * TASKS;

/// One family of one shelf, in each format.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub(super) pieces: Each<Piece>,
    pub(super) series: usize,
}

impl Sheet {
    /// Draws the family anew, and packs what came out otherwise than before.
    pub(super) fn draw(
        &mut self,
        (index, family): (usize, &Family),
        subject: &dyn Subject,
        span: &Span,
        packer: &mut Packer,
    ) {
        for format in Format::ALL {
            let plain = format::samples(family, format, |sink| subject.draw(index, span, sink));
            let piece = &mut self.pieces[format.index()];
            if piece.holds(&plain) {
                continue;
            }
            if format == Format::Text {
                // A line a series; names and values have no raw newline.
                self.series = plain.iter().filter(|byte| **byte == b'\n').count();
            }
            *piece = packer.pack(&plain);
        }
    }
}

/// A stretch of a cell's tasks.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The first key that may stand here; `None` on the first shelf.
    from: Option<TaskKey>,
    /// One for each family.
    pub(super) sheets: Vec<Sheet>,
}

/// All tasks of a cell, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Shelves(Vec<Shelf>);

impl Shelves {
    /// Begins anew with shelves for all tasks of `subject`; all of them are to be drawn.
    pub(super) fn build(&mut self, subject: &dyn Subject, families: usize) -> Vec<usize> {
        let all = (Bound::Unbounded, Bound::Unbounded);
        self.0 = divide(None, &subject.tasks(&all), families);
        (0..self.0.len()).collect()
    }

    /// Makes room for what changed; says which shelves are to be drawn.
    pub(super) fn touch(
        &mut self,
        subject: &dyn Subject,
        changed: &BTreeSet<TaskKey>,
        families: usize,
    ) -> Vec<usize> {
        let mut stale: BTreeSet<usize> = changed.iter().map(|task| self.place(task)).collect();
        // From behind, so that the places before stay what they are.
        for at in stale.clone().into_iter().rev() {
            let tasks = subject.tasks(&self.span(at));
            if tasks.is_empty() && at > 0 {
                self.0.remove(at);
                stale = shift(&stale, at, 0);
            } else if tasks.len() > FULL {
                let parts = divide(self.0[at].from.take(), &tasks, families);
                stale = shift(&stale, at, parts.len());
                self.0.splice(at..=at, parts);
            }
        }
        stale.into_iter().collect()
    }

    /// The keys that belong on a shelf.
    pub(super) fn span(&self, at: usize) -> Span {
        let key = |at: usize| self.0.get(at).and_then(|shelf| shelf.from.clone());
        (
            key(at).map_or(Bound::Unbounded, Bound::Included),
            key(at + 1).map_or(Bound::Unbounded, Bound::Excluded),
        )
    }

    /// Whether none were built yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shelf> {
        self.0.iter()
    }

    /// The shelves at `places`, which ascend.
    pub(super) fn some_mut(&mut self, places: &[usize]) -> impl Iterator<Item = &mut Shelf> {
        let wanted = |(at, _): &(usize, &mut Shelf)| places.binary_search(at).is_ok();
        self.0.iter_mut().enumerate().filter(wanted).map(|(_, shelf)| shelf)
    }

    fn place(&self, task: &TaskKey) -> usize {
        let after = self.0.partition_point(|shelf| shelf.from.as_ref().is_none_or(|from| from <= task));
        after.saturating_sub(1)
    }
}

/// Shelves for `tasks`, the first of which begins at `from`.
fn divide(from: Option<TaskKey>, tasks: &[&TaskKey], families: usize) -> Vec<Shelf> {
    let blank = |from: Option<TaskKey>| Shelf { from, sheets: vec![Sheet::default(); families] };
    let mut shelves = vec![blank(from)];
    shelves.extend(tasks.chunks(TASKS).skip(1).map(|part| blank(part.first().map(|task| (*task).clone()))));
    shelves
}

/// The places in `stale` after the one at `at` has become `parts`, all of them stale.
fn shift(stale: &BTreeSet<usize>, at: usize, parts: usize) -> BTreeSet<usize> {
    let before = stale.range(..at).copied();
    let after = stale.range(at + 1..).map(|place| place + parts - 1);
    before.chain(at..at + parts).chain(after).collect()
}

#[cfg(test)]
mod tests;
