//! `[sources.NAME.settings]` of kind `scf`.

use super::glob::is_pattern;
use crate::config::Duration;
use serde::Deserialize;

/// Which functions are read, and how far back.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Namespaces, or `*` for all of them.
    pub(super) namespaces: Vec<String>,
    /// Names or globs.
    pub(super) functions: Vec<String>,
    /// Versions or aliases, each read on its own; none reads the API's default.
    pub(super) qualifiers: Vec<String>,
    /// How far back the first poll reads.
    pub(super) lookback: Duration,
    /// How late a row may appear after its run ended.
    pub(super) settle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespaces: vec!["default".into()],
            functions: vec!["*".into()],
            qualifiers: Vec::new(),
            lookback: Duration::from_secs(3600),
            settle: Duration::from_secs(30),
        }
    }
}

/// Function logs are kept for 7 days unless a topic of one's own says otherwise; 90 is the longest such topic shows.
const LONGEST_LOOKBACK: Duration = Duration::from_secs(90 * 86_400);

/// A row later than this is lost to any poller that does not read everything again.
const LONGEST_SETTLE: Duration = Duration::from_secs(86_400);

impl Settings {
    /// Whether the namespaces are asked for.
    pub(super) fn every_namespace(&self) -> bool {
        self.namespaces.iter().any(|name| name == "*")
    }

    /// Whether some function is not named but described, so that the functions have to be listed.
    pub(super) fn lists_functions(&self) -> bool {
        self.functions.iter().any(|name| is_pattern(name))
    }

    /// Every mistake: its key, and what to write instead.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let mut check = |key, wrong: bool, message: &str| {
            if wrong {
                mistakes.push((key, message.to_owned()));
            }
        };
        let blank = |names: &[String]| names.iter().any(|name| name.trim().is_empty());
        check("namespaces", self.namespaces.is_empty(), "names no namespace; write [\"default\"] or [\"*\"]");
        check("namespaces", blank(&self.namespaces), "holds an empty name; leave it out");
        check(
            "namespaces",
            self.every_namespace() && self.namespaces.len() > 1,
            "\"*\" already means every namespace; write [\"*\"] alone",
        );
        check(
            "namespaces",
            self.namespaces.iter().any(|name| name != "*" && is_pattern(name)),
            "takes whole names, or \"*\" alone for all of them; globs are for functions",
        );
        check("functions", self.functions.is_empty(), "names no function; write names, globs or [\"*\"]");
        check("functions", blank(&self.functions), "holds an empty name; leave it out");
        check("qualifiers", blank(&self.qualifiers), "holds an empty name; leave it out");
        check(
            "lookback",
            self.lookback.0.is_zero() || self.lookback > LONGEST_LOOKBACK,
            "must be more than nothing and at most 90d",
        );
        check("settle", self.settle > LONGEST_SETTLE, "must be at most 24h");
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
        assert!(settings.lists_functions() && !settings.every_namespace());
        assert!(from_value::<Settings>(json!({"function": ["x"]})).is_err());
    }

    #[test]
    fn every_mistake_is_named() {
        let settings: Settings = from_value(json!({
            "namespaces": ["*", "a?"], "functions": [], "qualifiers": [""], "lookback": "0s", "settle": "2d"
        }))
        .unwrap();
        let keys: Vec<&str> = settings.mistakes().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["namespaces", "namespaces", "functions", "qualifiers", "lookback", "settle"]);
        let blank: Settings = from_value(json!({"namespaces": [], "functions": [" "]})).unwrap();
        let keys: Vec<&str> = blank.mistakes().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["namespaces", "functions"]);
    }
}
