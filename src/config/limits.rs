//! `[limits]`: how large the exposition and what is remembered may grow.

use super::findings::Findings;
use super::key::Key;
use serde::Deserialize;

/// The smallest bound on remembered runs.
const FEWEST_RUNS: usize = 1000;

/// `[limits]`. Tasks that do not fit are folded into `task="(overflow)"` and counted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Series of the whole exposition; at least 1.
    pub series: usize,
    /// Tasks of one source; at least 1.
    pub tasks_per_source: usize,
    /// Finished runs that are remembered, of all sources together; at least 1000. Beyond it the oldest are forgotten early.
    pub runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 2_000_000, tasks_per_source: 200_000, runs: 5_000_000 }
    }
}

impl Limits {
    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        for (name, value) in [("series", self.series), ("tasks_per_source", self.tasks_per_source)] {
            if value == 0 {
                findings.add(&at.child(name), "0 would show nothing; write at least 1");
            }
        }
        if self.runs < FEWEST_RUNS {
            findings.add(&at.child("runs"), "the polls of a minute may bring more; write at least 1000");
        }
    }
}
