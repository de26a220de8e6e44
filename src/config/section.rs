//! One `[sources.NAME]`.

use super::{Duration, Problem};
use serde::de::DeserializeOwned;

/// One configured source, its settings still unread: only its kind knows them.
pub struct Section {
    /// The name after `sources.`; becomes the label `source`.
    pub name: String,
    /// `wedata`, `tat`, `scf`, `enos`.
    pub kind: String,
    /// The account it reads with.
    pub account: String,
    /// The regions to poll; empty for kinds that have none.
    pub regions: Vec<String>,
    /// An interval (`30s`) or a cron expression with seconds, in UTC. Checked already.
    pub schedule: String,
    /// Histogram buckets that replace the kind's.
    pub buckets: BucketSection,
    /// The expected time between two runs of a task, where the source does not tell.
    pub expected_interval: Option<Duration>,
}

/// Histogram buckets of one source; `None` keeps the kind's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketSection {
    /// Upper bounds of durations, in seconds, ascending.
    pub duration: Option<Vec<f64>>,
    /// Upper bounds of waits, in seconds, ascending.
    pub wait: Option<Vec<f64>>,
    /// Upper bounds of memory, in bytes, ascending.
    pub memory: Option<Vec<f64>>,
}

impl Section {
    /// Reads the settings as the kind's own type, whose fields all need a default (`#[serde(default, deny_unknown_fields)]`).
    ///
    /// # Errors
    /// Every unknown key and wrong value found, with file and key.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        Err(Vec::new())
    }

    /// A problem with a key of the settings that only the kind could find.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem {
            file: String::new(),
            key: format!("sources.{}.settings.{key}", self.name),
            message: message.into(),
        }
    }
}
