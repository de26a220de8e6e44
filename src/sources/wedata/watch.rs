//! When everything unfinished is to be listed again.

use crate::model::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Polls from one such listing to the next, and the longest time. What changes is shown by the listing of changes, at
/// once; this one is for what was deleted, and for a change that became visible later than the overlap allows for.
/// At every poll it would double the calls of every project in which something waits for tomorrow.
pub(super) const POLLS: u32 = 12;
pub(super) const AT_MOST: Duration = Duration::from_secs(3600);

/// How long ago the unfinished instances of a project were listed. A restart loses it, and they are listed.
#[derive(Default)]
pub(super) struct Watch(Mutex<Option<Last>>);

/// The last listing.
struct Last {
    at: Timestamp,
    /// Polls since then that would have had something to look for.
    polls: u32,
    /// Whether it showed everything that was looked for. What is missing once may only have moved under the paging,
    /// so it is looked for again at once; missing twice, it is gone.
    showed_all: bool,
}

impl Watch {
    /// Counts a poll at `now` that has open runs which no change was shown of; whether they are to be looked for.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        match &mut *self.lock() {
            None => true,
            Some(last) => {
                last.polls += 1;
                last.polls >= POLLS || !last.showed_all || now >= last.at.plus(AT_MOST) || now < last.at
            }
        }
    }

    /// They were listed at `at`.
    pub(super) fn done(&self, at: Timestamp, showed_all: bool) {
        *self.lock() = Some(Last { at, polls: 0, showed_all });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn every_twelfth_poll_and_every_hour_is_due() {
        let watch = Watch::default();
        assert!(watch.is_due(at(0)));
        assert!(watch.is_due(at(1)), "the listing failed");
        watch.done(at(1), true);
        let due = (0..12).filter(|poll| watch.is_due(at(2 + poll))).count();
        assert_eq!(due, 1);
        watch.done(at(14), true);
        assert!(!watch.is_due(at(14 + 3599)));
        assert!(watch.is_due(at(14 + 3600)));
        assert!(watch.is_due(at(0)), "the clock was set back");
    }

    #[test]
    fn what_was_missing_is_looked_for_again_at_once() {
        let watch = Watch::default();
        watch.done(at(0), false);
        assert!(watch.is_due(at(1)));
        watch.done(at(1), true);
        assert!(!watch.is_due(at(2)));
    }
}
