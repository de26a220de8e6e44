//! What is said of runs that are forgotten before their time: once an episode, not at every poll.

use crate::model::Timestamp;
use std::time::Duration;

/// An episode is over when nothing of it happened for so long.
const QUIET: Duration = Duration::from_secs(86_400);

/// When each of the two things happened last.
#[derive(Debug, Default)]
pub(super) struct Episode {
    forgotten: Option<Timestamp>,
    beyond: Option<Timestamp>,
}

impl Episode {
    /// Runs were forgotten early.
    pub(super) fn forgets(&mut self, runs: u64, most: u64, now: Timestamp) {
        if begins(&mut self.forgotten, now) {
            tracing::warn!(
                runs,
                limits.runs = most,
                "more finished runs are remembered than limits.runs allows, so the oldest are forgotten early; none is \
                 counted twice, but one that a source reports only now and that ended before them is not counted. Raise \
                 limits.runs, at 32 bytes of memory a run, or shorten state.retention"
            );
        }
    }

    /// Runs beyond the bound must be remembered.
    pub(super) fn is_beyond(&mut self, runs: u64, most: u64, now: Timestamp) {
        if begins(&mut self.beyond, now) {
            tracing::error!(
                beyond = runs,
                limits.runs = most,
                "more finished runs are remembered than limits.runs allows, and no more can be forgotten: what ended \
                 since is not all read yet, and would never be counted. Memory grows until the sources are read up to \
                 the present, see taskrun_source_watermark_timestamp_seconds; or raise limits.runs"
            );
        }
    }
}

/// Whether this is the first time for long.
fn begins(last: &mut Option<Timestamp>, now: Timestamp) -> bool {
    let begins = last.is_none_or(|last| last < now.minus(QUIET));
    *last = Some(now);
    begins
}
