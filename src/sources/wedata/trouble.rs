//! What went wrong without ending a poll.

use crate::model::Batch;
use crate::sources::Read;

/// Causes told in one line; the rest is a number.
const TOLD: usize = 3;

/// What a poll has to tell beside what it read.
#[derive(Default)]
pub(super) struct Trouble(Vec<String>);

impl Trouble {
    pub(super) fn note(&mut self, what: String) {
        self.0.push(what);
    }

    pub(super) fn note_rejected(&mut self, batch: &Batch) {
        for (cause, count) in &batch.rejected {
            self.note(format!("{count} records refused ({})", cause.name()));
        }
    }

    /// How a poll went that read everything.
    pub(super) fn read(self) -> Read {
        let more = self.0.len().saturating_sub(TOLD);
        let mut told: Vec<String> = self.0.into_iter().take(TOLD).collect();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        if told.is_empty() { Read::Whole } else { Read::Refused(told.join("; ")) }
    }
}
