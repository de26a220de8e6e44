//! The difference between this machine's clock and the cloud's.

use crate::model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// Signatures are refused from 5 minutes of difference on; a smaller one is not why a request was refused.
const TOLERATED: Duration = Duration::from_secs(240);

/// The cloud's time: this machine's, corrected by what answers have shown.
pub(super) struct Skew {
    account: String,
    clock: Arc<dyn Clock>,
    offset_millis: AtomicI64,
    warned: AtomicBool,
}

impl Skew {
    pub(super) fn new(account: String, clock: Arc<dyn Clock>) -> Self {
        Self { account, clock, offset_millis: AtomicI64::new(0), warned: AtomicBool::new(false) }
    }

    /// The present time by the cloud's clock.
    pub(super) fn now(&self) -> Timestamp {
        let offset = self.offset_millis.load(Ordering::Relaxed);
        Timestamp::from_millis(self.clock.now().millis().saturating_add(offset))
    }

    /// Learns from the `Date` of an answer that calls the time wrong. Whether that explains it, so that the request
    /// is worth sending again.
    pub(super) fn learn(&self, date: Option<Timestamp>) -> bool {
        let Some(date) = date else { return false };
        let now = self.now();
        let off = date.since(now).or_else(|| now.since(date)).unwrap_or_default();
        if off < TOLERATED {
            return false;
        }
        let offset = date.millis().saturating_sub(self.clock.now().millis());
        self.offset_millis.store(offset, Ordering::Relaxed);
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                account.name = %self.account,
                clock.offset_seconds = offset / 1000,
                "this machine's clock is wrong and is compensated for; is it synchronised (NTP)?"
            );
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(i64);
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(self.0)
        }
    }

    #[test]
    fn only_a_real_difference_is_learnt() {
        let skew = Skew::new("a".into(), Arc::new(Fixed(10_000)));
        assert!(!skew.learn(None));
        assert!(!skew.learn(Some(Timestamp::from_secs(10_100))));
        assert_eq!(skew.now(), Timestamp::from_secs(10_000));
        assert!(skew.learn(Some(Timestamp::from_secs(6400))));
        assert_eq!(skew.now(), Timestamp::from_secs(6400));
        // What is known already explains nothing.
        assert!(!skew.learn(Some(Timestamp::from_secs(6401))));
        // The clock was put right meanwhile, so that the offset is what is wrong now.
        assert!(skew.learn(Some(Timestamp::from_secs(10_000))));
        assert_eq!(skew.now(), Timestamp::from_secs(10_000));
    }
}
