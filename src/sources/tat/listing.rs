//! DescribeInvocations, newest first, back to where nothing new can be.

use super::api::Api;
use super::normalize::{self, Activity};
use super::wire::{DescribeInvocations, Filter, Invocation, LIMIT};
use crate::model::{RejectCause, Timestamp};
use crate::sources::lenient::{Field, List};
use crate::transport::Error;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Pages of one reading: 100 000 invocations, a minute's calls at the budgeted rate.
const MAX_PAGES: usize = 1000;

/// Times that a page is read again because it does not join the one before.
const MAX_RETRIES: u32 = 3;

/// How far the order may be off before it is not taken for "newest first": creation times have whole seconds, and
/// invocations of one moment may come in any order.
const DISORDER: Duration = Duration::from_secs(60);

/// The invocations of one poll, page by page.
///
/// The API has no filter by time and documents no order; newest first is what it shows. A page that reaches past the
/// horizon ends the reading, unless the order turned out to be another: then every page is read. New invocations push older ones to later pages, where they are met a second time, so none is missed.
/// Each page begins with the last row of the one before: one that does not show it says that rows have left in between,
/// and is read again from further up.
pub(super) struct Listing {
    ask: DescribeInvocations,
    horizon: Timestamp,
    before: Option<Progress>,
    pages: usize,
    /// Whether the next page has to begin with a row met before.
    seam: bool,
    retries: u32,
    ended: bool,
    /// Whether a page came again: an API that takes no offset gives it for ever, and the rest cannot be had.
    stuck: bool,
    ordered: bool,
    oldest: Option<Timestamp>,
    met: HashSet<Arc<str>>,
}

/// How far a reading came that was cut short, so that the next one need not begin again: a long way back takes
/// hundreds of calls, and one of them failing must not mean that the end is never reached.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Progress {
    /// Everything created before this is read, down to `offset`.
    pub(super) since: Timestamp,
    /// Rows read, counted from the newest of that time. New ones only push the rest further down.
    pub(super) offset: usize,
}

/// What one answer held.
#[derive(Default)]
pub(super) struct Page {
    /// What can be used, each met for the first time.
    pub(super) activities: Vec<Activity>,
    /// Why others, or tasks of these, were refused.
    pub(super) rejected: Vec<RejectCause>,
}

impl Listing {
    /// A reading back to `horizon`, that leaves out what the reading before has read.
    pub(super) fn back_to(horizon: Timestamp, filters: Vec<Filter>, before: Option<Progress>) -> Self {
        let ask = DescribeInvocations { filters, limit: LIMIT, ..DescribeInvocations::default() };
        Self {
            ask,
            horizon,
            before,
            pages: 0,
            seam: false,
            retries: 0,
            ended: false,
            stuck: false,
            ordered: true,
            oldest: None,
            met: HashSet::new(),
        }
    }

    /// How far it came, to be remembered once the page is handed over; `since` is when the poll began, less the
    /// overlap. `None` before it has met what the reading before had read, and without an order to rely on.
    pub(super) fn progress(&self, since: Timestamp) -> Option<Progress> {
        (self.before.is_none() && self.ordered).then_some(Progress { since, offset: self.ask.offset })
    }

    /// The next page; `None` where nothing new can follow, or the page cap is reached.
    pub(super) async fn next(&mut self, api: &dyn Api) -> Result<Option<Page>, Error> {
        if self.ended || self.stuck || self.pages == MAX_PAGES {
            return Ok(None);
        }
        let answer = api.invocations(&self.ask).await?;
        self.pages += 1;
        let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
        let rows = rows(answer.invocation_set, total)?;
        let begin = self.ask.offset;
        let end = begin + rows.len();
        let joins = !self.seam || rows.is_empty() || rows.iter().any(|row| self.knows(row));
        self.stuck = self.seam && rows.len() > 1 && rows.iter().all(|row| self.knows(row));
        let order = (self.ordered, self.oldest);
        let (page, newest) = self.take(rows);
        if self.stuck {
            return Ok(Some(page));
        }
        if !joins && self.retries < MAX_RETRIES {
            self.retries += 1;
            // What lies in between is yet to come, newer than this page, and no sign of another order.
            (self.ordered, self.oldest) = order;
            self.ask.offset = begin.saturating_sub(LIMIT / 2);
            return Ok(Some(page));
        }
        self.retries = 0;
        self.ended = end == begin || total.is_some_and(|total| end >= total);
        // Never by nothing, or a page of one row would be read for ever.
        self.ask.offset = end.saturating_sub(1).max(begin + 1);
        self.seam = true;
        if !self.ordered {
            return Ok(Some(page));
        }
        let past = self.horizon.minus(DISORDER);
        self.ended |= newest.is_some_and(|newest| newest < self.horizon)
            || (newest.is_some() && self.oldest.is_some_and(|oldest| oldest < past));
        if let Some(before) = self.before.take_if(|before| newest.is_some_and(|newest| newest < before.since))
        {
            // One page again, should the API have dropped rows in between.
            let offset = before.offset.saturating_sub(LIMIT);
            self.seam = offset <= self.ask.offset;
            self.ask.offset = self.ask.offset.max(offset);
        }
        Ok(Some(page))
    }

    fn knows(&self, row: &Field<Invocation>) -> bool {
        row.get().and_then(|row| row.invocation_id.get()).is_some_and(|id| self.met.contains(id.as_str()))
    }

    /// Whether the reading came to its end, and not to the page cap.
    pub(super) fn is_whole(&self) -> bool {
        self.ended
    }

    /// Takes rows; gives besides when the newest of them was created, `None` where one does not tell.
    pub(super) fn take(&mut self, rows: List<Invocation>) -> (Page, Option<Timestamp>) {
        let mut page = Page::default();
        let mut newest = Some(Timestamp::default());
        for row in rows {
            let read = match &row {
                Field::Value(row) => normalize::activity(row),
                Field::Absent | Field::Malformed => Err(RejectCause::Malformed),
            };
            let activity = match read {
                Ok(activity) => activity,
                Err(cause) => {
                    newest = None;
                    page.rejected.push(cause);
                    continue;
                }
            };
            newest = newest.zip(activity.created).map(|(newest, created)| newest.max(created));
            // A row met again stands further down than it did, which says nothing of the order.
            if self.met.insert(Arc::clone(&activity.id)) {
                self.order(activity.created);
                page.rejected.extend_from_slice(&activity.rejected);
                page.activities.push(activity);
            }
        }
        (page, newest)
    }

    fn order(&mut self, created: Option<Timestamp>) {
        let Some(created) = created else { return };
        self.ordered &= self.oldest.is_none_or(|oldest| created <= oldest.plus(DISORDER));
        self.oldest = Some(self.oldest.map_or(created, |oldest| oldest.min(created)));
    }

    /// Whether it showed the invocation.
    pub(super) fn shows(&self, invocation: &str) -> bool {
        self.met.contains(invocation)
    }
}

/// The rows of a page.
///
/// # Errors
/// Where there is neither a list nor a total of none: taken for an empty page, it would hide runs.
pub(super) fn rows(set: Field<List<Invocation>>, total: Option<usize>) -> Result<List<Invocation>, Error> {
    match set {
        Field::Value(rows) => Ok(rows),
        Field::Absent | Field::Malformed if total == Some(0) => Ok(Vec::new()),
        Field::Absent | Field::Malformed => {
            Err(Error::Decode("a page of DescribeInvocations without InvocationSet".into()))
        }
    }
}
