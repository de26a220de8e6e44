//! How far the reading of changes came, and what is read next.

use super::details::{Allowance, Details, Verdict};
use super::listing::{Listing, MAX_ROWS, Reading};
use super::normalize::Row;
use super::slice::Slice;
use crate::model::{Batch, Gaps, RunId, Stretch, Timestamp, Window};
use crate::sources::{HELD, PollError};

/// Seconds that hold more changes than can be listed, in one poll, that are believed to.
const MOST_TOO_LONG: u32 = 3;

/// What is read of a window so far, and what is left.
pub(super) struct Course<'a> {
    window: &'a Window,
    /// Slices still to be read, the next one last: the newest first, so that what is new is shown before what is old.
    slices: Vec<Slice>,
    /// All that is not read whole: what is still to be read, and what could not be.
    unread: Gaps,
    /// Why a slice could not be read whole.
    pub(super) torn: Option<String>,
    /// Changes known to be missing from slices that were not whole.
    missing: u64,
    /// About how many changes stand in slices still to be read.
    ahead: u64,
    /// Slices too long to be read, and not cut.
    too_long: u32,
    /// What became of the details.
    pub(super) verdict: Verdict,
    allowance: Allowance,
    /// Whether the unfinished instances could all be listed; `None` before that was tried.
    pub(super) all_open: Option<bool>,
    /// The open runs that were not listed because nothing of theirs can have changed.
    pub(super) still_open: Vec<RunId>,
}

impl<'a> Course<'a> {
    /// Nothing read yet.
    pub(super) fn of(window: &'a Window) -> Self {
        let old = window.gaps.of("").iter().filter(|gap| gap.from < window.from);
        let old = old.map(|gap| Slice::of(Stretch { to: gap.to.min(window.from), ..*gap }));
        Self {
            window,
            slices: old.chain([Slice::since(Some(window.from))]).collect(),
            unread: window.unread(),
            torn: None,
            missing: 0,
            ahead: 0,
            too_long: 0,
            verdict: Verdict::default(),
            allowance: Allowance::default(),
            all_open: None,
            still_open: Vec::new(),
        }
    }

    /// The slice to read next.
    pub(super) fn next(&mut self) -> Option<Slice> {
        self.slices.pop()
    }

    /// A slice held too much to be read at once: its halves are read in its place, the newer one first.
    pub(super) fn halve(&mut self, (older, newer): (Slice, Slice), changed: &Listing) {
        self.slices.extend([older, newer]);
        self.ahead = self.ahead.max(changed.left());
    }

    /// Whether a slice that is too long may be cut. Where several seconds alone were too long, the total may be wrong at
    /// any length, and cutting on would have no end.
    pub(super) fn may_cut(&self) -> bool {
        self.too_long < MOST_TOO_LONG
    }

    /// Notes how the reading of a slice ended.
    pub(super) fn pass(&mut self, slice: Slice, reading: Reading, changed: &Listing) {
        self.ahead = self.ahead.saturating_sub(changed.rows().len() as u64);
        let torn = match reading {
            Reading::Whole => return self.settle(slice),
            Reading::Torn => {
                format!("{} changed instances could not be listed; the listing kept moving", changed.left())
            }
            Reading::TooLong => {
                self.too_long += 1;
                format!(
                    "{} instances that changed within one second, {}, are beyond the {MAX_ROWS} that can be listed",
                    changed.left(),
                    slice.from.unwrap_or_default(),
                )
            }
        };
        self.missing += changed.left();
        self.torn.get_or_insert(torn);
        self.give_up(slice);
    }

    /// Reads the details of a slice. What is left of them makes a gap, so that a later poll meets them again.
    pub(super) async fn take(
        &mut self,
        details: Details<'_>,
        slice: Slice,
        rows: &[Row],
    ) -> Result<(), PollError> {
        let since = slice.from.unwrap_or(self.window.from);
        let verdict = details.read(rows, since, &mut self.allowance).await?;
        if let Some(before) = verdict.before {
            self.unread.add("", before.max(since), self.end(slice));
            self.give_up(slice);
        }
        self.verdict.add(verdict);
        Ok(())
    }

    /// How far the reading came: what is read stands, whatever becomes of the rest.
    pub(super) fn progress(&self) -> Batch {
        let mut batch = Batch::of(self.window);
        batch.watermark = self.window.reached(&self.unread);
        batch.gaps = Some(self.unread.clone());
        batch.backlog = Some(self.verdict.left + self.missing + self.ahead);
        batch
    }

    /// The time over which slices are left, where there are any.
    pub(super) fn rest(&self) -> Option<(Timestamp, Timestamp)> {
        let oldest = self.slices.first()?.from?;
        Some((oldest, self.end(*self.slices.last()?)))
    }

    /// Whether there is another slice to read.
    pub(super) fn goes_on(&self) -> bool {
        !self.slices.is_empty()
    }

    /// What is still not whole after so long is taken for lost: it would hold the floor, and with it the memory of
    /// runs, for ever.
    fn give_up(&mut self, slice: Slice) {
        if self.end(slice).plus(HELD) < self.window.to {
            self.settle(slice);
        }
    }

    fn settle(&mut self, slice: Slice) {
        self.unread.remove("", slice.from.unwrap_or_default(), self.end(slice));
    }

    fn end(&self, slice: Slice) -> Timestamp {
        slice.to.unwrap_or(self.window.to)
    }
}
