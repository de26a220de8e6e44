//! Who acts in the simulated world: characters that every kind has, each in its own terms.

use super::Dice;

/// How a task behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Character {
    /// Often, and over in seconds: its runs begin and end between two polls.
    Brief,
    /// Fine, now and then not.
    Flaky,
    /// Everything that can happen to a run happens to its runs.
    Odd,
    /// Always fine.
    Steady,
    /// Never fine.
    Failing,
    /// Takes its time.
    Slow,
    /// There long before its time.
    Early,
    /// Seldom, and running nearly all the time in between.
    Stuck,
}

impl Character {
    /// Every character, in the order in which tasks get them.
    pub const ALL: [Self; 8] = [
        Self::Brief,
        Self::Flaky,
        Self::Odd,
        Self::Steady,
        Self::Failing,
        Self::Slow,
        Self::Early,
        Self::Stuck,
    ];

    /// The character of the task with this number.
    pub fn of(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    /// Seconds between two runs, at the pace of life.
    pub fn every(self) -> i64 {
        match self {
            Self::Brief => 60,
            Self::Flaky => 300,
            Self::Odd => 450,
            Self::Steady => 600,
            Self::Failing => 900,
            Self::Slow | Self::Early => 3600,
            Self::Stuck => 6 * 3600,
        }
    }

    /// Seconds a try takes at least and at most, at the pace of life.
    pub const fn lasts(self) -> (i64, i64) {
        match self {
            Self::Brief => (2, 5),
            Self::Flaky => (10, 90),
            Self::Odd => (20, 120),
            Self::Steady => (20, 60),
            Self::Failing => (5, 15),
            Self::Slow => (600, 1800),
            Self::Early => (30, 120),
            Self::Stuck => (4 * 3600, 5 * 3600),
        }
    }

    /// The most seconds a try takes, at the pace of life.
    pub const fn longest(self) -> i64 {
        self.lasts().1
    }

    /// How many tries in a hundred fail.
    pub fn fails(self) -> i64 {
        match self {
            Self::Steady => 0,
            Self::Brief | Self::Slow | Self::Early => 5,
            Self::Stuck => 10,
            Self::Flaky => 30,
            Self::Odd => 40,
            Self::Failing => 100,
        }
    }

    /// How many seconds before its time a run exists, at the pace of life.
    pub fn ahead(self) -> i64 {
        if self == Self::Early { 24 * 3600 } else { 120 }
    }

    /// The seconds that one try takes, at the pace of life.
    pub fn lasting(self, dice: Dice) -> i64 {
        let (least, most) = self.lasts();
        dice.named("lasts").between(least, most)
    }

    /// What people call the task with this number: names with everything in them that has to be escaped somewhere.
    pub fn name(index: usize) -> String {
        let base = match Self::of(index) {
            Self::Brief => "heartbeat".to_owned(),
            Self::Flaky => r#"dq check "orders""#.to_owned(),
            Self::Odd => r"share\in\out".to_owned(),
            Self::Steady => "每日同步_订单明细".to_owned(),
            Self::Failing => "naïve_übertragung{x=1}".to_owned(),
            Self::Slow => format!("wide_{}", "very_".repeat(36)),
            Self::Early => "tomorrow, or later".to_owned(),
            Self::Stuck => "stream \u{1f422}".to_owned(),
        };
        let round = index / Self::ALL.len();
        if round == 0 { base } else { format!("{base}_{round}") }
    }
}
