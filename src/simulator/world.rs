//! What all simulated clouds share: the seed, the tempo and the number of tasks.

use super::{Character, Dice, WorldError};
use std::ops::RangeInclusive;

/// The shortest time between two runs of a task, in seconds, however fast the world goes: times are written in
/// whole seconds, and two runs must not get the same id.
const SHORTEST_INTERVAL: i64 = 5;

/// A world without state: what any task does at any time is computed from the seed, so history reaches back
/// for ever and two worlds of one seed are the same world.
///
/// Speed is tempo, not time: intervals and durations are divided by it while the clock stays honest, so that
/// any client can talk to a fast world.
#[derive(Clone, Copy, Debug)]
pub struct World {
    seed: u64,
    /// Thousandths, so that all arithmetic is in integers and the same on every machine.
    speed: i64,
    tasks: usize,
}

impl World {
    /// The number of tasks of each kind where nothing else is asked for.
    pub const TASKS: usize = 8;
    /// The most tasks of each kind: ids have room for these.
    pub const MOST_TASKS: usize = 50_000;

    /// A world of `tasks` tasks of each kind, `speed` times as fast as life.
    ///
    /// # Errors
    /// Where `speed` is not in 0.01..=10000, or `tasks` not in 1..=[`World::MOST_TASKS`].
    pub fn try_new(seed: u64, speed: f64, tasks: usize) -> Result<Self, WorldError> {
        if !(0.01..=10_000.0).contains(&speed) {
            return Err(WorldError::Speed(speed));
        }
        if !(1..=Self::MOST_TASKS).contains(&tasks) {
            return Err(WorldError::Tasks(tasks));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above to lie far inside the range")]
        let speed = (speed * 1000.0).round() as i64;
        Ok(Self { seed, speed, tasks })
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many tasks each kind has.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// The chance of one kind.
    pub fn dice(&self, kind: &str) -> Dice {
        Dice::new(self.seed).named(kind)
    }

    /// How many seconds something takes here that takes `secs` in life; at least one.
    pub fn span(&self, secs: i64) -> i64 {
        self.millis(secs * 1000).div_euclid(1000).max(1)
    }

    /// How many milliseconds something takes here that takes `millis` in life; at least one.
    pub fn millis(&self, millis: i64) -> i64 {
        (millis.saturating_mul(1000) + self.speed / 2).div_euclid(self.speed).max(1)
    }

    /// When the runs of a task are planned that runs every `secs` in life.
    pub fn rhythm(&self, secs: i64, dice: Dice) -> Rhythm {
        let every = self.span(secs).max(SHORTEST_INTERVAL);
        let phase = dice.named("phase").between(0, every - 1);
        // People plan on whole minutes where they can.
        let phase = if every % 60 == 0 { phase - phase % 60 } else { phase };
        Rhythm { every, phase }
    }

    /// The longest that anything of a run may happen after it was planned, for a task of this character: what
    /// was planned earlier than that before a time has come to rest by then.
    pub fn reach(&self, character: Character) -> i64 {
        self.span(character.longest() * 8 + 3600) + 900
    }
}

/// The planned times of one task: whole seconds since the Unix epoch, evenly spaced, without beginning or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    every: i64,
    phase: i64,
}

impl Rhythm {
    /// Seconds between two runs.
    pub fn every(self) -> i64 {
        self.every
    }

    /// When run `k` is planned.
    pub fn at(self, k: i64) -> i64 {
        self.phase + k * self.every
    }

    /// The runs planned in `from..=to`.
    pub fn between(self, from: i64, to: i64) -> RangeInclusive<i64> {
        let first = (from - self.phase + self.every - 1).div_euclid(self.every);
        let last = (to - self.phase).div_euclid(self.every);
        first..=last
    }

    /// The run planned at exactly `at`, if there is one.
    pub fn index(self, at: i64) -> Option<i64> {
        let since = at - self.phase;
        (since.rem_euclid(self.every) == 0).then(|| since.div_euclid(self.every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_divides_spans_but_never_below_a_second() {
        let life = World::try_new(1, 1.0, 8).unwrap();
        let fast = World::try_new(1, 60.0, 8).unwrap();
        assert_eq!((life.span(3600), fast.span(3600), fast.span(5)), (3600, 60, 1));
        assert_eq!(fast.rhythm(60, Dice::new(1)).every(), SHORTEST_INTERVAL);
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(World::try_new(1, speed, 8).is_err(), "{speed}");
        }
        assert!(World::try_new(1, 1.0, 0).is_err());
    }

    #[test]
    fn rhythm_counts_what_it_plans_before_1970_too() {
        let rhythm = Rhythm { every: 60, phase: 7 };
        for k in [-3, 0, 12] {
            assert_eq!(rhythm.index(rhythm.at(k)), Some(k));
            assert_eq!(rhythm.between(rhythm.at(k), rhythm.at(k)), k..=k);
        }
        assert_eq!(rhythm.index(8), None);
        assert!(rhythm.between(8, 66).is_empty());
    }
}
