//! How far the reading of changes came.

use super::details::{Details, Verdict};
use super::listing::{Listing, MAX_ROWS, Reading};
use super::normalize::Row;
use super::slice::Slice;
use crate::model::RunId;
use crate::sources::PollError;

/// What the slices read so far come to.
#[derive(Default)]
pub(super) struct Course {
    /// Why the watermark may not pass the first slice that was not whole.
    pub(super) torn: Option<String>,
    /// Changes known to be missing from slices that were not whole.
    pub(super) unread: u64,
    /// About how many changes stand in slices still to be read.
    pub(super) ahead: u64,
    /// What became of the details.
    pub(super) verdict: Verdict,
    /// Whether the unfinished instances could all be listed; `None` before that was tried.
    pub(super) all_open: Option<bool>,
    /// The open runs that were not listed because nothing of theirs can have changed.
    pub(super) still_open: Vec<RunId>,
}

impl Course {
    /// Notes how the reading of a slice ended.
    pub(super) fn pass(&mut self, slice: Slice, reading: Reading, changed: &Listing) {
        self.ahead = self.ahead.saturating_sub(changed.rows().len() as u64);
        let torn = match reading {
            Reading::Whole => return,
            Reading::Torn => {
                format!("{} changed instances could not be listed; the listing kept moving", changed.left())
            }
            Reading::TooLong => format!(
                "{} instances that changed within one second, {}, are beyond the {MAX_ROWS} that can be listed",
                changed.left(),
                slice.from.unwrap_or_default(),
            ),
        };
        self.unread += changed.left();
        self.torn.get_or_insert(torn);
    }

    /// Reads the details of a slice, unless those of one before are not done: they hold the watermark, so these are
    /// met again.
    pub(super) async fn take(&mut self, details: Details<'_>, rows: &[Row]) -> Result<(), PollError> {
        if self.verdict.left == 0 {
            let refused = std::mem::take(&mut self.verdict.refused);
            self.verdict = details.read(rows).await?;
            for refused in refused {
                self.verdict.refuse(Some(refused));
            }
        }
        Ok(())
    }
}
