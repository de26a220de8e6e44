//! Clocks that tests and the simulated clouds can hold still.

use crate::model::{Clock, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.millis()))
    }

    /// Moves to `at`, backwards too.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.millis(), Ordering::SeqCst);
    }

    /// Moves by `millis`.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Another clock, which can be frozen, shifted and released. The clouds and an exporter may share one, so that
/// signatures stay valid while time stands.
pub struct SimClock {
    inner: Arc<dyn Clock>,
    hold: Mutex<Hold>,
}

#[derive(Clone, Copy)]
enum Hold {
    Shifted(i64),
    Frozen(Timestamp),
}

impl SimClock {
    /// Goes with `inner` until told otherwise.
    pub fn new(inner: Arc<dyn Clock>) -> Self {
        Self { inner, hold: Mutex::new(Hold::Shifted(0)) }
    }

    /// Stands still at `at`.
    pub fn freeze(&self, at: Timestamp) {
        self.put(Hold::Frozen(at));
    }

    /// Goes with the inner clock again, without any shift.
    pub fn release(&self) {
        self.put(Hold::Shifted(0));
    }

    /// Moves by `millis`, frozen or not.
    pub fn advance(&self, millis: i64) {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        *hold = match *hold {
            Hold::Shifted(by) => Hold::Shifted(by.saturating_add(millis)),
            Hold::Frozen(at) => Hold::Frozen(Timestamp::from_millis(at.millis().saturating_add(millis))),
        };
    }

    fn put(&self, hold: Hold) {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = hold;
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        match *self.hold.lock().unwrap_or_else(PoisonError::into_inner) {
            Hold::Shifted(by) => Timestamp::from_millis(self.inner.now().millis().saturating_add(by)),
            Hold::Frozen(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_stands_and_a_released_one_follows() {
        let inner = Arc::new(ManualClock::new(Timestamp::from_secs(100)));
        let clock = SimClock::new(inner.clone());
        clock.freeze(Timestamp::from_secs(50));
        inner.advance(5_000);
        assert_eq!(clock.now(), Timestamp::from_secs(50));
        clock.advance(1_000);
        assert_eq!(clock.now(), Timestamp::from_secs(51));
        clock.release();
        assert_eq!(clock.now(), Timestamp::from_secs(105));
        clock.advance(-5_000);
        assert_eq!(clock.now(), Timestamp::from_secs(100));
    }
}
