//! Milliseconds that are never used twice.

use std::sync::atomic::{AtomicI64, Ordering};

/// A clock set back by more than this is followed: stamps far ahead of the time would be refused.
const SET_BACK: i64 = 1000;

/// The last stamp given. The token service refuses one it has seen (code 1001).
#[derive(Default)]
pub(super) struct Stamp(AtomicI64);

impl Stamp {
    /// `now`, or the next free millisecond after it.
    pub(super) fn next(&self, now: i64) -> i64 {
        let after = |last: i64| if now > last || last - now > SET_BACK { now } else { last + 1 };
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        after(last.unwrap_or_else(|last| last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_millisecond_is_used_twice() {
        let stamp = Stamp::default();
        assert_eq!([5, 5, 5, 6, 9].map(|now| stamp.next(1_000_000 + now) - 1_000_000), [5, 6, 7, 8, 9]);
        assert_eq!(stamp.next(10), 10);
    }
}
