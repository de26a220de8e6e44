//! `[limits]`: how large the exposition may grow.

use super::findings::Findings;
use super::key::Key;
use serde::Deserialize;

/// `[limits]`. What does not fit is folded into `task="(overflow)"` and counted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Series of the whole exposition; at least 1.
    pub series: usize,
    /// Tasks of one source; at least 1.
    pub tasks_per_source: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 2_000_000, tasks_per_source: 200_000 }
    }
}

impl Limits {
    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        for (name, value) in [("series", self.series), ("tasks_per_source", self.tasks_per_source)] {
            if value == 0 {
                findings.add(&at.child(name), "0 would show nothing; write at least 1");
            }
        }
    }
}
