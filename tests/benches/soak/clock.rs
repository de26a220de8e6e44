//! Time that passes faster, and stands when it has passed: the same in two processes that know its beginning.

use std::fmt;
use std::time::Duration;
use taskrun_exporter::clock::SystemClock;
use taskrun_exporter::model::{Clock, Timestamp};

/// From `begin` on `speed` times as fast as the machine's clock, until `passes` have passed.
#[derive(Clone, Copy)]
pub(crate) struct FastClock {
    begin: Timestamp,
    speed: f64,
    passes: Duration,
}

impl FastClock {
    pub(crate) fn start(speed: f64, passes: Duration) -> Self {
        // A whole second, so that it also ends with one: what is told in whole seconds is all told by then.
        Self { begin: Timestamp::from_secs(SystemClock.now().secs()), speed, passes }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// What [`fmt::Display`] wrote.
    pub(crate) fn read(text: &str) -> Self {
        let [begin, speed, passes] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        Self {
            begin: Timestamp::from_millis(begin.parse().unwrap()),
            speed: speed.parse().unwrap(),
            passes: Duration::from_secs(passes.parse().unwrap()),
        }
    }
}

impl fmt::Display for FastClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.begin.millis(), self.speed, self.passes.as_secs())
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.now().since(self.begin).unwrap_or_default();
        self.begin.plus(passed.mul_f64(self.speed).min(self.passes))
    }
}
