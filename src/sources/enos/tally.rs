//! What the reads of one poll come to together.

use crate::model::{Batch, RejectCause, Window};
use crate::sources::{Read, brief};
use crate::transport::Error;

/// Reads broken one after the other that mean the API is down.
const MOST_BROKEN: u32 = 3;

/// EnOS: the user has no privilege. Said of one flow, too.
const NO_PRIVILEGE: &str = "62103";

/// What a poll has come to so far.
#[derive(Default)]
pub(super) struct Tally {
    /// Ids that are unknown or may not be read.
    dropped: Vec<String>,
    /// Ids that could not be read now.
    broken: Vec<String>,
    broken_in_a_row: u32,
    /// Graphs and rows that are none.
    refused: u64,
    /// Whether the search had more than is read.
    torn: bool,
    /// Whether the day before the lookback had.
    cut: bool,
    any: bool,
    first_error: Option<Error>,
}

impl Tally {
    /// A read went well.
    pub(super) fn done(&mut self) {
        self.any = true;
        self.broken_in_a_row = 0;
    }

    /// The search had more than is read.
    pub(super) fn tear(&mut self) {
        self.torn = true;
    }

    /// The day before the lookback had more than is read.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// A record is none.
    pub(super) fn refuse(&mut self, batch: &mut Batch, cause: RejectCause) {
        self.refused += 1;
        batch.reject(cause);
    }

    /// An id is unknown, or may not be read.
    pub(super) fn drop_id(&mut self, id: &str) {
        self.broken_in_a_row = 0;
        self.dropped.push(id.to_owned());
    }

    /// An id could not be read. Says whether it is to be dropped; else it is tried again by the next poll.
    ///
    /// # Errors
    /// The failure itself, where every other read would fail alike.
    pub(super) fn failed(&mut self, id: &str, error: Error) -> Result<bool, Error> {
        let drop = matches!(error, Error::Rejected { .. }) || error.code() == Some(NO_PRIVILEGE);
        if drop {
            self.drop_id(id);
        } else if matches!(error, Error::Server { .. } | Error::Decode(_) | Error::TooLarge(_)) {
            self.broken_in_a_row += 1;
            if self.broken_in_a_row >= MOST_BROKEN {
                return Err(error);
            }
            self.broken.push(id.to_owned());
        } else {
            return Err(error);
        }
        self.first_error.get_or_insert(error);
        Ok(drop)
    }

    /// Completes the poll's last batch; the poll's verdict.
    ///
    /// # Errors
    /// The first failure, where nothing at all could be read.
    pub(super) fn close(self, batch: &mut Batch, window: &Window) -> Result<Read, Error> {
        let Self { dropped, broken, refused, torn, cut, any, first_error, .. } = self;
        if let (false, Some(error)) = (any, first_error) {
            return Err(error);
        }
        if broken.is_empty() && !torn {
            batch.complete = true;
            batch.watermark = Some(window.to);
        }
        batch.backlog = Some(broken.len() as u64);
        Ok(if torn {
            Read::Torn("more flow instances in the lookback than are ever read; shorten it".to_owned())
        } else if !broken.is_empty() {
            Read::Torn(format!("not read: {}", brief::list(&broken)))
        } else if !dropped.is_empty() {
            Read::Refused(format!(
                "instances unknown to the API or not to be read: {}",
                brief::list(&dropped)
            ))
        } else if cut {
            Read::Refused(
                "more flow instances in the day before the lookback than are ever read; of those still running then, \
                 some may be missing"
                    .to_owned(),
            )
        } else if refused > 0 {
            Read::Refused(format!("{refused} records without an id, or with a graph that is no JSON"))
        } else {
            Read::Whole
        })
    }
}
