//! `[sources.NAME.buckets]`.

use crate::config::findings::Findings;
use crate::config::key::Key;

/// More would cost more series than any histogram is worth.
const MOST: usize = 64;

/// Histogram buckets of one source; `None` keeps the kind's.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketSection {
    /// Upper bounds of durations, in seconds, ascending.
    pub duration: Option<Vec<f64>>,
    /// Upper bounds of waits, in seconds, ascending.
    pub wait: Option<Vec<f64>>,
    /// Upper bounds of memory, in bytes, ascending.
    pub memory: Option<Vec<f64>>,
}

impl BucketSection {
    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        for (name, bounds) in [("duration", &self.duration), ("wait", &self.wait), ("memory", &self.memory)] {
            let Some(bounds) = bounds else { continue };
            let key = at.child(name);
            if findings.touches(&key) {
                continue;
            }
            if bounds.is_empty() || bounds.len() > MOST {
                findings.add(&key, format!("has {} bounds; write 1 to {MOST}", bounds.len()));
            } else if bounds.iter().any(|bound| !bound.is_finite() || *bound <= 0.0) {
                findings.add(&key, "bounds are finite numbers above 0; +Inf is added by itself");
            } else if !bounds.is_sorted_by(|a, b| a < b) {
                findings.add(&key, "bounds must ascend, each greater than the one before");
            }
        }
    }
}
