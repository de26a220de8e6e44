//! What is still to be read of each function.

use super::target::Target;
use crate::model::{Gaps, Stretch, Timestamp, Window};
use crate::sources::HELD;
use std::collections::HashSet;
use std::time::Duration;

/// What is new is read in one go up to here. Beyond, its newest part is read first, so that no function keeps the
/// others' newest runs waiting.
const PLENTY: Duration = Duration::from_secs(2 * 3600);

/// The newest part of what is new, where there is plenty.
const NEWEST: Duration = Duration::from_secs(3600);

/// The most that is read of one function's gaps before it is another's turn: what one query may cover.
const TURN: Duration = Duration::from_secs(86_400);

/// How long the gaps of a function are kept that is not listed: it may be missing from one listing only.
const MISSED: Duration = Duration::from_secs(86_400);

/// What is left of a window, function by function.
pub(super) struct Position {
    to: Timestamp,
    /// Where nothing earlier is worth a call: what ended before the floor never counts.
    bottom: Timestamp,
    /// Still to be read by this poll.
    ahead: Gaps,
    /// Tried by it in vain: left for the next ones.
    aside: Gaps,
}

impl Position {
    /// Nothing read yet. What is new, and what earlier polls left of all functions, is to be read of each of `targets`.
    pub(super) fn of(window: &Window, targets: &[Target], overlap: Duration) -> Self {
        let bottom = window.floor.minus(overlap);
        // A run that ended just inside the lookback started before it.
        let from = if window.first { window.from.minus(overlap) } else { window.from };
        let (mut ahead, mut aside) = (Gaps::default(), Gaps::default());
        for Target { part, .. } in targets {
            for gap in window.gaps.of("").iter().chain(window.gaps.of(part)) {
                ahead.add(part, gap.from.max(bottom), gap.to);
            }
            ahead.add(part, from.max(bottom), window.to);
        }
        let known: HashSet<&str> = targets.iter().map(|target| target.part.as_str()).collect();
        let unknown = |part: &str| !part.is_empty() && !known.contains(part);
        for (part, gap) in window.gaps.stretches().filter(|(part, _)| unknown(part)) {
            if gap.to.plus(MISSED) > window.to {
                aside.add(part, gap.from, gap.to);
            }
        }
        Self { to: window.to, bottom, ahead, aside }
    }

    /// What to read of `part` first; back to `since`, where runs may be open that began then. All that is new, or the
    /// newest of it where there is plenty.
    pub(super) fn newest(&mut self, part: &str, since: Option<Timestamp>) -> Stretch {
        let since = since.unwrap_or(self.to).max(self.bottom);
        let from = self.ahead.of(part).last().map_or(self.to, |newest| newest.from);
        if from.plus(PLENTY) >= self.to {
            return Stretch { from: from.min(since), to: self.to };
        }
        self.ahead.add(part, since, self.to);
        Stretch { from: self.to.minus(NEWEST), to: self.to }
    }

    /// The newest stretch that is left of any function, no longer than a turn.
    pub(super) fn next(&self) -> Option<(String, Stretch)> {
        let (part, newest) = self.ahead.newest().max_by_key(|(_, newest)| newest.to)?;
        Some((part.to_string(), Stretch { from: newest.from.max(newest.to.minus(TURN)), ..newest }))
    }

    /// A stretch is read.
    pub(super) fn read(&mut self, part: &str, stretch: Stretch) {
        self.ahead.remove(part, stretch.from, stretch.to);
    }

    /// A stretch was read, and rows of it are missing.
    pub(super) fn miss(&mut self, part: &str, stretch: Stretch) {
        self.read(part, stretch);
        self.aside.add(part, stretch.from, stretch.to.min(self.to));
    }

    /// A function cannot be read by this poll. What is left of it waits for the next ones, though not for ever: it would
    /// hold the floor, and with it the memory of runs.
    pub(super) fn put_aside(&mut self, part: &str) {
        let oldest = self.to.minus(HELD);
        for stretch in self.ahead.of(part) {
            self.aside.add(part, stretch.from.max(oldest), stretch.to);
        }
        self.ahead.forget(part);
    }

    /// There is no such function: nothing is left of it.
    pub(super) fn forget(&mut self, part: &str) {
        self.ahead.forget(part);
        self.aside.forget(part);
    }

    /// All that is left.
    pub(super) fn left(&self) -> Gaps {
        let mut left = self.ahead.clone();
        left.extend(&self.aside);
        left
    }

    /// What this poll might have read and has not: from when, and of how many functions.
    pub(super) fn behind(&self) -> Option<(Timestamp, usize)> {
        Some((self.ahead.oldest()?, self.ahead.newest().count()))
    }
}
