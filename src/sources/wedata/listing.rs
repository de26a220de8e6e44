//! ListInstances, read whole although rows move under the paging.

use super::api::Api;
use super::names::Names;
use super::normalize::{self, Row};
use super::wire::{Instance, InstancePage, ListInstances};
use crate::model::{RejectCause, Timestamp, Zone};
use crate::sources::lenient::Field;
use crate::transport::Error;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most rows the API gives at once.
pub(super) const PAGE_SIZE: u64 = 200;

/// Pages of one reading. More than that is read in slices: a listing that takes minutes moves all the while.
const MAX_PAGES: u64 = 500;

/// The most rows that one reading takes.
pub(super) const MAX_ROWS: u64 = MAX_PAGES * PAGE_SIZE;

/// Readings of a listing that moves.
const MAX_PASSES: u32 = 4;

/// The rows of one listing, gathered over as many readings as it took.
#[derive(Default)]
pub(super) struct Listing {
    rows: Vec<Row>,
    places: HashMap<Arc<str>, usize>,
    rejected: Vec<RejectCause>,
    left: u64,
}

/// Reads one row, its names completed.
///
/// # Errors
/// Why it cannot be a run.
pub(super) fn row(item: Field<Instance>, names: &Names, zone: &Zone) -> Result<Row, RejectCause> {
    match item {
        Field::Value(mut instance) => {
            names.complete(&mut instance);
            normalize::row(&instance, zone)
        }
        Field::Absent | Field::Malformed => Err(RejectCause::Malformed),
    }
}

/// What became of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reading {
    /// All of it is read.
    Whole,
    /// It kept moving.
    Torn,
    /// It holds more than can be read in one go.
    TooLong,
}

/// One reading, first page to last.
#[derive(Default)]
struct Pass {
    /// The instances it showed.
    met: HashSet<Arc<str>>,
    /// Rows refused.
    refused: u64,
    /// Rows received, repeated ones included.
    received: u64,
    /// The largest total that a page told.
    most: u64,
    /// Whether the pages disagreed about the total.
    moved: bool,
    /// Rows that no reading before had, and that changed before the poll began.
    news: u64,
    /// Whether it was given up for its length.
    too_long: bool,
}

impl Pass {
    /// Different rows, refused ones included.
    fn rows(&self) -> u64 {
        self.met.len() as u64 + self.refused
    }

    fn shows_the_same_as(&self, other: &Self) -> bool {
        self.met == other.met && self.refused == other.refused
    }
}

impl Listing {
    /// Reads the listing until it is whole. What was read stands even after an error, and where it did not become so.
    /// One too long for a reading is given up at its first page where it `can_be_cut`, else read as far as it goes.
    ///
    /// Rows are asked for by ascending planned time, which never changes: a row that joins while the pages are read
    /// pushes others towards pages still to come, where they are met a second time instead of being missed. A total
    /// that the rows read do not reach means that some were missed all the same, and the listing is read again. When
    /// the total keeps moving, reading again is enough once it brings nothing that changed before the poll began:
    /// what changes later belongs to the next poll. And when two readings in a row show the same rows, nothing moved
    /// under the paging and the total counts what is not there: waiting for it would stop the watermark for ever.
    /// Where a whole page is missing it is the paging that fails, which a shorter listing may mend.
    pub(super) async fn read(
        &mut self,
        api: &dyn Api,
        request: &mut ListInstances,
        names: &Names,
        (zone, to): (&Zone, Timestamp),
        can_be_cut: bool,
    ) -> Result<Reading, Error> {
        let mut before: Option<Pass> = None;
        for _ in 0..MAX_PASSES {
            let pass = self.pass(api, request, names, (zone, to), can_be_cut).await?;
            self.left = pass.most.saturating_sub(self.len());
            if pass.too_long {
                return Ok(Reading::TooLong);
            }
            let reached = pass.rows() >= pass.most || self.len() >= pass.most;
            if reached || (before.is_some() && pass.moved && pass.news == 0) {
                self.left = 0;
                return Ok(Reading::Whole);
            }
            if pass.rows() > 0 && before.is_some_and(|before| before.shows_the_same_as(&pass)) {
                // A row shown twice is counted twice by the total, and hides none.
                self.left = pass.most.saturating_sub(pass.received);
                return Ok(if self.left < PAGE_SIZE { Reading::Whole } else { Reading::TooLong });
            }
            before = Some(pass);
        }
        Ok(Reading::Torn)
    }

    async fn pass(
        &mut self,
        api: &dyn Api,
        request: &mut ListInstances,
        names: &Names,
        (zone, to): (&Zone, Timestamp),
        can_be_cut: bool,
    ) -> Result<Pass, Error> {
        let mut pass = Pass::default();
        let mut before = None;
        self.rejected.clear();
        for page in 1..=MAX_PAGES {
            request.page_number = page;
            let answer = api.list(request).await?;
            let total = total(&answer)?;
            pass.moved |= before.is_some() && total.is_some() && before != total;
            before = total.or(before);
            pass.most = pass.most.max(total.unwrap_or(0));
            let items = match answer.items {
                Field::Value(items) => items,
                Field::Absent | Field::Malformed => Vec::new(),
            };
            let count = items.len() as u64;
            pass.received += count;
            let known = pass.rows();
            for item in items {
                match row(item, names, zone) {
                    Ok(row) if pass.met.insert(Arc::clone(&row.seen.run.instance)) => {
                        pass.news += u64::from(self.take(row, to));
                    }
                    Ok(row) => drop(self.take(row, to)),
                    Err(cause) => {
                        pass.refused += 1;
                        self.rejected.push(cause);
                    }
                }
            }
            // Different rows are compared, not received ones: a row met twice must not end the reading early.
            let full = count >= PAGE_SIZE;
            // One that shows only what was met before is a page again, and so would be all that follow.
            let again = pass.rows() == known;
            if count == 0 || again || before.map_or(!full, |total| pass.rows() >= total) {
                pass.too_long = pass.most > MAX_ROWS;
                return Ok(pass);
            }
            if can_be_cut && pass.most > MAX_ROWS {
                break;
            }
        }
        pass.too_long = true;
        Ok(pass)
    }

    /// Keeps `row` unless a newer one of the same instance is kept; tells whether the instance is new and changed
    /// before `to`.
    fn take(&mut self, row: Row, to: Timestamp) -> bool {
        let place = *self.places.entry(Arc::clone(&row.seen.run.instance)).or_insert(self.rows.len());
        match self.rows.get_mut(place) {
            Some(kept) => {
                if row.seen.updated >= kept.seen.updated {
                    *kept = row;
                }
                false
            }
            None => {
                let due = row.seen.updated.is_none_or(|updated| updated < to);
                self.rows.push(row);
                due
            }
        }
    }

    /// Different rows, refused ones included.
    fn len(&self) -> u64 {
        (self.rows.len() + self.rejected.len()) as u64
    }

    /// The newest state of each instance.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether it shows the instance.
    pub(super) fn shows(&self, instance: &str) -> bool {
        self.places.contains_key(instance)
    }

    /// Why rows of the last reading were refused.
    pub(super) fn rejected(&self) -> &[RejectCause] {
        &self.rejected
    }

    /// Rows that the total tells of and that were not read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

/// The page's total.
///
/// # Errors
/// Where it holds neither rows nor a total of none: taken for an empty page, it would hide runs.
fn total(page: &InstancePage) -> Result<Option<u64>, Error> {
    let total = page.total_count.get().and_then(|total| u64::try_from(*total).ok());
    if page.items.get().is_none() && total != Some(0) {
        return Err(Error::Decode("a page of ListInstances without Items".into()));
    }
    Ok(total)
}

#[cfg(test)]
mod tests;
