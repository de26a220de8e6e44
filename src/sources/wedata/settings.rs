//! What can be set for a source of this kind.

use crate::config::Duration;
use crate::model::{Outcome, Zone};
use serde::Deserialize;

/// The most instance keys that are read one by one.
const MAX_INSTANCES: usize = 1000;

/// `[sources.NAME.settings]`.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Project ids, or `*` alone for every enabled project of the tenant.
    pub(super) projects: Vec<String>,
    /// The time zone in which times are asked for and answered.
    pub(super) time_zone: String,
    /// How far back (last update) the very first poll reads.
    pub(super) lookback: Duration,
    /// Instances planned longer ago than this are not watched.
    pub(super) window: Duration,
    /// Which finished runs GetTaskInstance is asked about.
    pub(super) detail: Which,
    /// Which finished runs GetInstanceLog is asked about.
    pub(super) logs: Which,
    /// Instance keys to read with GetTaskInstance alone.
    pub(super) instances: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            projects: Vec::new(),
            time_zone: "UTC+8".into(),
            lookback: Duration::from_secs(24 * 3600),
            window: Duration::from_secs(30 * 86400),
            detail: Which::All,
            logs: Which::Failed,
            instances: Vec::new(),
        }
    }
}

/// A choice of finished runs.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub(super) enum Which {
    /// Every one.
    All,
    /// Those that failed.
    Failed,
    /// None.
    Never,
}

impl Which {
    /// Whether a run that ended so is among them.
    pub(super) fn takes(self, outcome: Outcome) -> bool {
        match self {
            Self::All => true,
            Self::Failed => outcome.is_failure(),
            Self::Never => false,
        }
    }
}

impl Settings {
    /// Whether the projects are to be discovered.
    pub(super) fn discovers(&self) -> bool {
        self.projects.iter().any(|project| project == "*")
    }

    /// What is wrong with values that each have the right type: key and message.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut say = |key, message: String| found.push((key, message));
        if self.projects.is_empty() {
            say("projects", "is empty; name project ids, or write [\"*\"] for every enabled project".into());
        }
        if self.projects.iter().any(|project| project.trim() != project || project.is_empty()) {
            say("projects", "has an entry that is empty or begins or ends with a space".into());
        }
        if self.discovers() && self.projects.len() > 1 {
            say("projects", "\"*\" already means every project; leave the ids out, or the \"*\"".into());
        }
        if ApiZone::parse(&self.time_zone).is_none() {
            say(
                "time_zone",
                format!(
                    "{:?} is not a zone that the API takes; write whole hours, like \"UTC+8\"",
                    self.time_zone
                ),
            );
        }
        if self.lookback.0.is_zero() {
            say("lookback", "is zero; write how far back the first poll reads, like \"24h\"".into());
        }
        if self.window < self.lookback {
            say("window", format!("is {}, shorter than the lookback of {}", self.window, self.lookback));
        }
        if self.instances.len() > MAX_INSTANCES {
            say("instances", format!("has {} keys; at most {MAX_INSTANCES} are read", self.instances.len()));
        }
        if !self.instances.is_empty() && (self.discovers() || self.projects.len() > 1) {
            say("instances", "needs exactly one id in projects: the one that the instances belong to".into());
        }
        for key in self.instances.iter().filter(|key| !is_key(key)) {
            say(
                "instances",
                format!(
                    "{key:?} is no instance key; write <TaskId>_<CurRunDate>, like \"2025032615_2025-03-28 00:00:00\""
                ),
            );
        }
        found
    }
}

/// Whether `text` is `<TaskId>_<yyyy-MM-dd HH:mm:ss>`.
fn is_key(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(task, date)| !task.is_empty() && Zone::utc().read(date).is_some())
}

/// A time zone as this API takes it: UTC with whole hours.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ApiZone {
    /// The zone.
    pub(super) zone: Zone,
    /// How the API writes it.
    pub(super) name: String,
}

impl ApiZone {
    /// Reads `UTC+8`, `UTC-3`, `UTC`; `None` for named zones and parts of hours, which the API does not take.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let zone = Zone::parse(text)?;
        let Zone::Fixed(offset) = zone else { return None };
        let seconds = offset.local_minus_utc();
        (seconds % 3600 == 0).then(|| Self { zone, name: format!("UTC{:+}", seconds / 3600) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Result<Settings, String> {
        toml_edit::de::from_str(toml).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let written = settings(
            "projects = []\ntime_zone = \"UTC+8\"\nlookback = \"24h\"\nwindow = \"30d\"\ndetail = \"all\"\n\
             logs = \"failed\"\ninstances = []",
        );
        assert_eq!(written.unwrap(), Settings::default());
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let keys = |toml: &str| -> Vec<&str> {
            settings(toml).unwrap().problems().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys("projects = [\"1\", \"2\"]"), [""; 0]);
        assert_eq!(keys("projects = [\"*\"]"), [""; 0]);
        assert_eq!(keys("projects = [\"1\"]\ninstances = [\"2_2025-03-28 00:00:00\"]"), [""; 0]);
        assert_eq!(keys(""), ["projects"]);
        assert_eq!(keys("projects = [\"*\", \"1\"]"), ["projects"]);
        assert_eq!(keys("projects = [\" 1\"]"), ["projects"]);
        for zone in ["Asia/Shanghai", "UTC+5:30", "8", ""] {
            assert_eq!(keys(&format!("projects = [\"1\"]\ntime_zone = \"{zone}\"")), ["time_zone"], "{zone}");
        }
        assert_eq!(keys("projects = [\"1\"]\nlookback = \"0s\""), ["lookback"]);
        assert_eq!(keys("projects = [\"1\"]\nwindow = \"1h\""), ["window"]);
        for wrong in ["2", "2_", "_2025-03-28 00:00:00", "2_2025-03-28"] {
            assert_eq!(
                keys(&format!("projects = [\"1\"]\ninstances = [\"{wrong}\"]")),
                ["instances"],
                "{wrong}"
            );
        }
        assert_eq!(keys("projects = [\"*\"]\ninstances = [\"2_2025-03-28 00:00:00\"]"), ["instances"]);
        assert_eq!(keys("time_zone = \"x\"\nwindow = \"1s\""), ["projects", "time_zone", "window"]);
    }

    #[test]
    fn unknown_keys_and_words_are_refused() {
        assert!(settings("project = []").unwrap_err().contains("project"));
        assert!(settings("detail = \"some\"").unwrap_err().contains("some"));
        assert!(settings("logs = true").is_err());
    }

    #[test]
    fn zones_are_sent_as_the_api_writes_them() {
        for (text, name) in [
            ("UTC+8", "UTC+8"),
            ("+08:00", "UTC+8"),
            ("UTC-3", "UTC-3"),
            ("UTC", "UTC+0"),
            ("GMT+13", "UTC+13"),
        ] {
            assert_eq!(ApiZone::parse(text).map(|zone| zone.name).as_deref(), Some(name), "{text}");
        }
    }
}
