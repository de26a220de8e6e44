//! `[state]`: where what has been counted is remembered.

use super::Duration;
use super::findings::Findings;
use super::key::Key;
use serde::Deserialize;
use std::path::PathBuf;

/// `[state]`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// What keeps it.
    pub backend: Backend,
    /// The directory; systemd's `$STATE_DIRECTORY` where no file names one.
    pub path: PathBuf,
    /// How long a finished run is remembered; at least an hour.
    pub retention: Duration,
}

/// What keeps the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Backend {
    /// One file on this machine.
    Embedded,
}

impl TryFrom<String> for Backend {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "embedded" => Ok(Self::Embedded),
            "redis" => Err("redis comes in a later version; until then write \"embedded\""),
            _ => Err("unknown backend; write \"embedded\""),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            backend: Backend::Embedded,
            path: "/var/lib/taskrun-exporter".into(),
            retention: Duration::from_secs(7 * 86_400),
        }
    }
}

impl State {
    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        if self.path.as_os_str().is_empty() {
            findings.add(&at.child("path"), "is empty; write a directory");
        }
        if self.retention < Duration::from_secs(3600) {
            findings.add(
                &at.child("retention"),
                "a run forgotten so soon could be counted twice; write at least \"1h\"",
            );
        }
    }
}
