//! The rows of one function over one stretch of time, page by page.

use super::api::Api;
use super::span::Span;
use super::target::Target;
use super::wire::{FunctionLog, LogsRequest};
use crate::model::{Stretch, Timestamp, Zone};
use crate::sources::lenient::{Field, List};
use crate::transport::Error;

/// The API shows no row past this one: `Offset` + `Limit` may not be more.
const REACHABLE: u32 = 10_000;

/// Rows asked for at once. Each carries its log, so a page of these is some megabytes.
pub(super) const PAGE: u32 = 500;

/// Single rows too large to be read that are passed over in a row before the function is given up for this poll.
const MOST_PASSED: u32 = 3;

/// What could not be read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Missing {
    /// The stretches of which rows are missing.
    pub(super) stretches: Vec<Stretch>,
    /// Rows known to be missing.
    pub(super) rows: u64,
    /// Rows too large to be read, passed over for good.
    pub(super) too_large: u64,
}

/// Pages of rows. Stretches are read newest first, the rows of one oldest first.
pub(super) struct Pages<'a> {
    api: &'a dyn Api,
    target: &'a Target,
    zone: Zone,
    /// What is still to be read; the next one stands last.
    spans: Vec<Span>,
    offset: u32,
    limit: u32,
    passed: u32,
    /// The first row of the page before, of the same span.
    before: Option<(String, i64)>,
    missing: Missing,
}

impl<'a> Pages<'a> {
    pub(super) fn new(api: &'a dyn Api, target: &'a Target, zone: Zone, stretch: Stretch) -> Self {
        let spans = Span::cover(stretch).collect();
        let (before, missing) = (None, Missing::default());
        Self { api, target, zone, spans, offset: 0, limit: PAGE, passed: 0, before, missing }
    }

    /// The next page; `None` at the end. Never an empty one.
    pub(super) async fn next(&mut self) -> Result<Option<List<FunctionLog>>, Error> {
        while let Some(span) = self.spans.last().copied() {
            let request = self.request(span);
            let answer = match self.api.logs(&request).await {
                Ok(answer) => answer,
                Err(Error::TooLarge(bytes)) => {
                    self.shrink(bytes)?;
                    continue;
                }
                Err(error) if error.code() == Some("LimitExceeded.Offset") => {
                    self.overflow(span, 1);
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.passed = 0;
            self.limit = self.limit.saturating_mul(2).min(PAGE);
            let rows = match answer.data {
                Field::Value(rows) => rows,
                Field::Absent => List::new(),
                Field::Malformed => return Err(Error::Decode("Data is no list".into())),
            };
            let received = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let total = answer.total_count.get().and_then(|total| u64::try_from(*total).ok());
            let first = rows.first().and_then(|row| identity(row.get()?));
            if first.is_some() && first == self.before {
                // The same page again: an API that takes no offset gives it for ever.
                self.leave(span, total.unwrap_or(0).saturating_sub(self.offset.into()));
                continue;
            }
            self.before = first;
            // A total of just what is reachable may be all that the API counts. Beside a page with room left it is
            // none that can be believed before as many rows have come.
            let end = self.offset.saturating_add(received);
            let many = received >= request.limit || end >= REACHABLE;
            if many && total.is_some_and(|total| total >= u64::from(REACHABLE)) && span.halves().is_some() {
                self.overflow(span, 0);
                continue;
            }
            self.offset = end;
            let missing = total.map(|total| total.saturating_sub(self.offset.into()));
            if received == 0 || missing == Some(0) || self.offset >= REACHABLE {
                match missing {
                    None if self.offset >= REACHABLE => self.overflow(span, 1),
                    _ => self.leave(span, missing.unwrap_or(0)),
                }
            }
            if received > 0 {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// Where what is still to be read ends; everything after it was read, but for what is missing. `None` at the end.
    pub(super) fn unread_to(&self) -> Option<Timestamp> {
        self.spans.last().map(|span| span.stretch().to)
    }

    /// What was left out since the last question.
    pub(super) fn take_missing(&mut self) -> Missing {
        std::mem::take(&mut self.missing)
    }

    fn request(&self, span: Span) -> LogsRequest {
        let (start_time, end_time) = span.write(self.zone);
        LogsRequest {
            namespace: self.target.namespace.clone(),
            function_name: self.target.function.clone(),
            qualifier: self.target.qualifier.clone(),
            start_time,
            end_time,
            // Oldest first: what arrives while the pages are read comes after them, or shifts rows into the next page,
            // where they are read twice, but never out of it.
            order: "asc",
            order_by: "start_time",
            offset: self.offset,
            limit: self.limit.min(REACHABLE - self.offset),
        }
    }

    /// The span holds more rows than can be reached: reads its halves instead, or leaves it.
    fn overflow(&mut self, span: Span, missing: u64) {
        match span.halves() {
            Some((older, newer)) => {
                self.spans.pop();
                self.spans.extend([older, newer]);
                (self.offset, self.before) = (0, None);
            }
            None => self.leave(span, missing),
        }
    }

    /// Goes on to the next span.
    fn leave(&mut self, span: Span, missing: u64) {
        self.spans.pop();
        (self.offset, self.before) = (0, None);
        if missing > 0 {
            self.missing.stretches.push(span.stretch());
            self.missing.rows += missing;
        }
    }

    /// The page was larger than is ever read: asks for fewer rows, and passes over a single one that is too large.
    fn shrink(&mut self, bytes: usize) -> Result<(), Error> {
        if self.limit > 1 {
            self.limit = self.limit.div_ceil(2).min(self.limit - 1);
            return Ok(());
        }
        self.passed += 1;
        if self.passed > MOST_PASSED {
            return Err(Error::TooLarge(bytes));
        }
        self.missing.too_large += 1;
        self.offset += 1;
        if self.offset >= REACHABLE {
            self.spans.pop();
            (self.offset, self.before) = (0, None);
        }
        Ok(())
    }
}

/// What makes a row the same row on two pages.
fn identity(row: &FunctionLog) -> Option<(String, i64)> {
    Some((row.request_id.get()?.clone(), row.retry_num.get().copied().unwrap_or(0)))
}
