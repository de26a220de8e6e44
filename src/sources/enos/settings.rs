//! `[sources.NAME.settings]` of kind `enos`.

use crate::config;
use crate::model::Zone;
use serde::Deserialize;
use std::time::Duration;

/// Which flows are read, and how their figures are to be understood.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// The kinds of flows searched; each is a search of its own.
    pub(super) flow_types: Vec<FlowType>,
    /// `auto`, an IANA name or a fixed offset.
    pub(super) time_zone: String,
    /// The unit of `timeout`, which the API does not name.
    pub(super) duration_unit: DurationUnit,
    /// Task instances read by their ids, in place of any search.
    pub(super) task_instances: Vec<String>,
    /// How far back, by planned time, flows are watched.
    pub(super) lookback: config::Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flow_types: vec![FlowType::Periodic],
            time_zone: "auto".into(),
            duration_unit: DurationUnit::Minutes,
            task_instances: Vec::new(),
            lookback: config::Duration::from_secs(86_400),
        }
    }
}

/// A kind of flow, as the search knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FlowType {
    /// Started by hand.
    Manual,
    /// Started by its schedule.
    Periodic,
    /// Started once, from a task or the API.
    Temporary,
}

impl FlowType {
    /// The search's own code.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Manual => 0,
            Self::Periodic => 1,
            Self::Temporary => 2,
        }
    }
}

/// A unit of durations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DurationUnit {
    /// What the console shows for the same figures.
    Minutes,
    /// For deployments that differ.
    Seconds,
}

impl DurationUnit {
    /// How many seconds one is.
    pub(super) const fn seconds(self) -> f64 {
        match self {
            Self::Minutes => 60.0,
            Self::Seconds => 1.0,
        }
    }
}

/// The console shows the instances of 90 days; older ones are not to be had.
const LONGEST_LOOKBACK: config::Duration = config::Duration(Duration::from_secs(90 * 86_400));

impl Settings {
    /// The configured zone; `None` for `auto`.
    pub(super) fn zone(&self) -> Option<Zone> {
        if self.time_zone == "auto" { None } else { Zone::parse(&self.time_zone) }
    }

    /// Every mistake: its key, and what to write instead.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let mut check = |key, wrong: bool, message: &str| {
            if wrong {
                mistakes.push((key, message.to_owned()));
            }
        };
        check(
            "flow_types",
            self.flow_types.is_empty() && self.task_instances.is_empty(),
            "names no kind of flow; write some of \"manual\", \"periodic\", \"temporary\", or list task_instances",
        );
        check(
            "time_zone",
            self.time_zone != "auto" && self.zone().is_none(),
            "is no time zone; write \"auto\", a name like \"Asia/Shanghai\" or an offset like \"+08:00\"",
        );
        check(
            "task_instances",
            self.task_instances.iter().any(|id| id.trim().is_empty()),
            "holds an empty id; leave it out",
        );
        check(
            "lookback",
            self.lookback.0.is_zero() || self.lookback > LONGEST_LOOKBACK,
            "must be more than nothing and at most 90d",
        );
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn the_defaults_have_no_mistake() {
        let settings: Settings = from_value(json!({})).unwrap();
        assert!(settings.mistakes().is_empty());
        assert_eq!((settings.zone(), settings.flow_types), (None, vec![FlowType::Periodic]));
        for unknown in
            [json!({"flow_type": []}), json!({"flow_types": ["daily"]}), json!({"duration_unit": "hours"})]
        {
            assert!(from_value::<Settings>(unknown).is_err());
        }
    }

    #[test]
    fn every_mistake_is_named() {
        let settings: Settings = from_value(json!({
            "flow_types": [], "time_zone": "CST", "lookback": "91d"
        }))
        .unwrap();
        let keys: Vec<&str> = settings.mistakes().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["flow_types", "time_zone", "lookback"]);
        let ids: Settings = from_value(json!({"flow_types": [], "task_instances": [""]})).unwrap();
        let keys: Vec<&str> = ids.mistakes().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["task_instances"]);
    }
}
