//! How soon a cell is polled again.

use super::Schedule;
use crate::model::{Pulse, Timestamp};
use std::time::Duration;

/// Polls in a row without news after which nothing is taken to happen.
const QUIET: u32 = 5;

/// The intervals of a schedule that follows what happens; `running` ≤ `usual` ≤ `idle`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// While a run is queued, running or between two tries.
    pub running: Duration,
    /// Else; and whenever the last poll could not read everything, because then nobody knows.
    pub usual: Duration,
    /// After five polls in a row that showed no run under way and brought nothing new.
    pub idle: Duration,
}

impl Bounds {
    /// The interval after a poll that was read whole or not, and before which so many in a row were quiet.
    fn interval(&self, fresh: bool, pulse: Pulse, quiet: u32) -> Duration {
        match pulse {
            _ if !fresh => self.usual,
            Pulse { under_way: true, .. } => self.running,
            Pulse { .. } if quiet >= QUIET => self.idle,
            Pulse { .. } => self.usual,
        }
    }
}

/// The interval of one cell, poll after poll.
#[derive(Debug)]
pub(super) struct Tempo {
    schedule: Schedule,
    quiet: u32,
}

impl Tempo {
    /// Before the first poll.
    pub(super) fn new(schedule: Schedule) -> Self {
        Self { schedule, quiet: 0 }
    }

    /// The interval after a poll that ended at `at`.
    pub(super) fn after(&mut self, fresh: bool, pulse: Pulse, at: Timestamp) -> Option<Duration> {
        let is_quiet = fresh && pulse == Pulse::default();
        self.quiet = if is_quiet { self.quiet.saturating_add(1) } else { 0 };
        match &self.schedule {
            Schedule::Adaptive(bounds) => Some(bounds.interval(fresh, pulse, self.quiet)),
            other => other.interval(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BOUNDS: Bounds =
        Bounds { running: SECOND, usual: Duration::from_secs(10), idle: Duration::from_secs(60) };

    fn intervals(polls: &[(bool, bool, bool)]) -> Vec<u64> {
        let mut tempo = Tempo::new(Schedule::Adaptive(BOUNDS));
        let after = |(fresh, under_way, news): &(bool, bool, bool)| {
            let pulse = Pulse { under_way: *under_way, news: *news };
            tempo.after(*fresh, pulse, Timestamp::default()).unwrap().as_secs()
        };
        polls.iter().map(after).collect()
    }

    #[test]
    fn five_quiet_polls_in_a_row_make_it_idle_and_any_news_ends_that() {
        let (quiet, news) = ((true, false, false), (true, false, true));
        assert_eq!(intervals(&[quiet; 7]), [10, 10, 10, 10, 60, 60, 60]);
        assert_eq!(
            intervals(&[quiet, quiet, news, quiet, quiet, quiet, quiet, quiet, news]),
            [10, 10, 10, 10, 10, 10, 10, 60, 10]
        );
    }

    #[test]
    fn a_run_under_way_makes_it_fast_at_once_and_its_end_makes_it_usual() {
        let (running, quiet) = ((true, true, false), (true, false, false));
        assert_eq!(intervals(&[running, running, quiet]), [1, 1, 10]);
    }

    #[test]
    fn a_poll_that_failed_says_nothing_so_it_is_neither_fast_nor_slow() {
        let (quiet, failed) = ((true, false, false), (false, true, false));
        assert_eq!(
            intervals(&[quiet, quiet, quiet, quiet, quiet, failed, quiet]),
            [10, 10, 10, 10, 60, 10, 10]
        );
    }

    #[test]
    fn a_fixed_interval_stays_whatever_happens() {
        let mut tempo = Tempo::new(Schedule::Every(30 * SECOND));
        for under_way in [true, false, false, false, false, false, false] {
            let pulse = Pulse { under_way, news: false };
            assert_eq!(tempo.after(true, pulse, Timestamp::default()), Some(30 * SECOND));
        }
    }
}
