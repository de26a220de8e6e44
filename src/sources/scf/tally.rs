//! What the functions of one poll come to together.

use super::pages::Missing;
use super::target::Target;
use crate::model::{Batch, OpenRun, RejectCause, Stretch, Timestamp, Window};
use crate::sources::{Read, brief};
use crate::transport::Error;
use std::time::Duration;

/// How long a stretch of which rows are missing is read again. What is still missing then is missing for good.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What to do where the configuration names what is not there.
pub(super) const CHECK_NAMES: &str = "check the source's namespaces, functions, qualifiers and regions";

/// Functions broken one after the other that mean the API is down.
const MOST_BROKEN: u32 = 3;

/// What a failed call says about the functions after this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Blame {
    /// There are no function logs here at all.
    Withdrawn,
    /// This function, or its qualifier, does not exist.
    Gone,
    /// This function may not be read; others may.
    Refused,
    /// This function could not be read now; others may be.
    Broken,
    /// Network, credentials or quota: the others would fail alike.
    Everywhere,
}

impl Blame {
    pub(super) fn of(error: &Error) -> Self {
        let code = error.code().unwrap_or_default();
        match error {
            _ if code == "ActionOffline" => Self::Withdrawn,
            _ if code.starts_with("ResourceNotFound") => Self::Gone,
            Error::Rejected { .. } => Self::Refused,
            // CAM grants function by function; what is wrong with the credentials is wrong for all.
            _ if code.starts_with("UnauthorizedOperation") => Self::Refused,
            Error::Server { .. } | Error::Decode(_) | Error::TooLarge(_) => Self::Broken,
            _ => Self::Everywhere,
        }
    }
}

/// What a poll has come to so far.
#[derive(Default)]
pub(super) struct Tally {
    batch: Batch,
    /// Functions read to the end.
    read: usize,
    /// Functions that are not there though named: read later, when they are.
    gone: Vec<String>,
    /// Functions that may not be read: read later, when they may.
    refused: Vec<String>,
    /// Functions whose reading failed: read later.
    broken: Vec<String>,
    /// Functions of which rows are missing.
    torn: Vec<String>,
    broken_in_a_row: u32,
    first_error: Option<Error>,
    /// Rows known to be missing.
    missing: u64,
    /// Whether some of them may still be read.
    to_be_read: bool,
    refused_rows: u64,
}

impl Tally {
    pub(super) fn of(window: &Window) -> Self {
        Self { batch: Batch::of(window), ..Self::default() }
    }

    /// A function was read.
    pub(super) fn done(&mut self, target: &Target) {
        self.read += 1;
        self.broken_in_a_row = 0;
        self.batch.tasks.push((target.task.clone(), target.info.clone()));
    }

    /// A row was no run.
    pub(super) fn refuse_row(&mut self) {
        self.refused_rows += 1;
    }

    /// Nothing was learnt of these runs, least of all that they are gone.
    pub(super) fn keep<'a>(&mut self, open: impl Iterator<Item = &'a OpenRun>) {
        self.batch.still_open.extend(open.map(|run| run.run.clone()));
    }

    /// Takes up what was left out of a function; says which stretches are to be read again because of it.
    pub(super) fn miss(&mut self, target: &Target, missing: Missing, window: &Window) -> Vec<Stretch> {
        for _ in 0..missing.too_large {
            self.batch.reject(RejectCause::Malformed);
        }
        self.refused_rows += missing.too_large;
        let mut again = missing.stretches;
        if !again.is_empty() {
            self.torn.push(format!("{} ({} rows)", &*target.task.task, missing.rows));
        }
        self.missing += missing.rows;
        again.retain(|stretch| stretch.from.plus(PATIENCE) > window.to);
        self.to_be_read |= !again.is_empty();
        again
    }

    /// Whether any function was read.
    pub(super) fn has_read(&self) -> bool {
        self.read > 0
    }

    /// Rows known to be missing.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// A function could not be read.
    ///
    /// # Errors
    /// The failure itself, where it ends the poll.
    pub(super) fn failed(&mut self, target: &Target, blame: Blame, error: Error) -> Result<(), Error> {
        let named = format!("{} ({})", &*target.task.task, error.code().unwrap_or(error.reason().name()));
        match blame {
            Blame::Withdrawn | Blame::Everywhere => return Err(error),
            Blame::Gone => {
                self.broken_in_a_row = 0;
                self.gone.push(named);
            }
            Blame::Refused => {
                self.broken_in_a_row = 0;
                self.refused.push(named);
            }
            Blame::Broken => {
                self.broken_in_a_row += 1;
                if self.broken_in_a_row >= MOST_BROKEN {
                    return Err(error);
                }
                self.broken.push(named);
            }
        }
        self.first_error.get_or_insert(error);
        Ok(())
    }

    /// The poll's last batch, and its verdict. `behind` says from when on, and of how many functions, something is left
    /// for want of time.
    ///
    /// # Errors
    /// The first failure, where no function at all could be read.
    pub(super) fn close(
        self,
        window: &Window,
        behind: Option<(Timestamp, usize)>,
    ) -> Result<(Batch, Read), Error> {
        let Self { mut batch, read, gone, refused, broken, torn, first_error, refused_rows, .. } = self;
        if let (0, Some(error)) = (read, first_error) {
            return Err(error);
        }
        // A function that is refused holds no other back: it is read from where it stands once it is granted.
        batch.complete = broken.is_empty() && !self.to_be_read && behind.is_none();
        batch.watermark = Some(window.to);
        batch.backlog = Some(self.missing);
        let read = if !broken.is_empty() {
            Read::Torn(format!("functions not read: {}", brief::list(&broken)))
        } else if !torn.is_empty() {
            Read::Torn(format!("rows that GetFunctionLogs counts but does not show: {}", brief::list(&torn)))
        } else if let Some((from, functions)) = behind {
            Read::Torn(format!(
                "what {functions} functions ran since {from} is left in part for the next polls"
            ))
        } else if !gone.is_empty() {
            Read::Refused(format!("functions that are not there: {}; {CHECK_NAMES}", brief::list(&gone)))
        } else if !refused.is_empty() {
            Read::Refused(format!("functions that may not be read: {}", brief::list(&refused)))
        } else if refused_rows > 0 {
            Read::Refused(format!("{refused_rows} rows of GetFunctionLogs that have no id or are no record"))
        } else {
            Read::Whole
        };
        Ok((batch, read))
    }
}
