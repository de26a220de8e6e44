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

/// Pages of one reading: 10 000 invocations.
const MAX_PAGES: usize = 100;

/// How far the order may be off before it is not taken for "newest first": creation times have whole seconds, and
/// invocations of one moment may come in any order.
const DISORDER: Duration = Duration::from_secs(60);

/// The invocations of one poll.
#[derive(Default)]
pub(super) struct Listing {
    /// What can be used, each once.
    pub(super) activities: Vec<Activity>,
    /// Why others, or tasks of these, were refused.
    pub(super) rejected: Vec<RejectCause>,
    met: HashSet<Arc<str>>,
}

impl Listing {
    /// Pages back to `horizon`; `false` where the page cap came first. What was read stands even after an error.
    ///
    /// The API has no filter by time and documents no order; newest first is what it shows. A page that holds only
    /// invocations created before the horizon ends the reading, unless the order turned out to be another: then
    /// every page is read. New invocations push older ones to later pages, where they are met a second time, so
    /// none is missed.
    pub(super) async fn page(
        &mut self,
        api: &dyn Api,
        filters: Vec<Filter>,
        horizon: Timestamp,
    ) -> Result<bool, Error> {
        let mut ask = DescribeInvocations { filters, limit: LIMIT, ..DescribeInvocations::default() };
        let mut ordered = true;
        let mut oldest: Option<Timestamp> = None;
        for _ in 0..MAX_PAGES {
            let answer = api.invocations(&ask).await?;
            let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
            let rows = rows(answer.invocation_set, total)?;
            ask.offset += rows.len();
            let ended = rows.is_empty() || total.is_some_and(|total| ask.offset >= total);
            let mut old = true;
            for (created, fresh) in self.take(rows) {
                let Some(created) = created else {
                    old = false;
                    continue;
                };
                // A row met again stands further down than it did, which says nothing of the order.
                ordered &= !fresh || oldest.is_none_or(|oldest| created <= oldest.plus(DISORDER));
                oldest = Some(oldest.map_or(created, |oldest| oldest.min(created)));
                old &= created < horizon;
            }
            if ended || (ordered && old) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes one page's rows; gives the creation time of each, and whether it is met for the first time.
    pub(super) fn take(&mut self, rows: List<Invocation>) -> Vec<(Option<Timestamp>, bool)> {
        let mut created = Vec::new();
        for row in rows {
            let read = match &row {
                Field::Value(row) => normalize::activity(row),
                Field::Absent | Field::Malformed => Err(RejectCause::Malformed),
            };
            match read {
                Ok(activity) => {
                    let fresh = self.met.insert(Arc::clone(&activity.id));
                    created.push((activity.created, fresh));
                    if fresh {
                        self.rejected.extend_from_slice(&activity.rejected);
                        self.activities.push(activity);
                    }
                }
                Err(cause) => {
                    created.push((None, true));
                    self.rejected.push(cause);
                }
            }
        }
        created
    }

    /// Whether it holds the invocation.
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
