//! One mistake in the configuration.

use std::fmt;

/// A mistake: where it stands and what to do about it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The file, with the line where known (`/etc/…/config.toml:12`), or `environment` or `defaults`.
    pub file: String,
    /// The key's full path: `sources.dataflows.settings.lookback`.
    pub key: String,
    /// What is wrong and what to write instead. Never a secret's value.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.key, self.message)
    }
}
