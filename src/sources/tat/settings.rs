//! What can be set for a source of this kind.

use super::wire;
use crate::config::Duration;
use serde::Deserialize;

/// The names that DescribeInvocations documents. Its own example uses `instance-id`, which is not among them.
const FILTERS: [&str; 4] = ["invocation-id", "command-id", "command-created-by", "instance-kind"];

/// The documented limits of filters.
const MAX_FILTERS: usize = 10;
const MAX_VALUES: usize = 5;

/// `[sources.NAME.settings]`.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Filters as DescribeInvocations takes them.
    pub(super) filters: Vec<Filter>,
    /// Explicit ids; not together with filters.
    pub(super) invocation_ids: Vec<String>,
    /// Whether DescribeInvocationTasks is asked for exit codes and the times of each machine.
    pub(super) tasks: bool,
    /// How far back the very first poll reads.
    pub(super) lookback: Duration,
}

/// `{ name = "command-id", values = ["cmd-…"] }`.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// What is compared.
    pub(super) name: String,
    /// The values let through.
    pub(super) values: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            invocation_ids: Vec::new(),
            tasks: true,
            lookback: Duration::from_secs(24 * 3600),
        }
    }
}

impl Settings {
    /// The filters as they are sent.
    pub(super) fn sent_filters(&self) -> Vec<wire::Filter> {
        let send =
            |filter: &Filter| wire::Filter { name: filter.name.clone(), values: filter.values.clone() };
        self.filters.iter().map(send).collect()
    }

    /// What is wrong with values that each have the right type: key and message.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut say = |key, message: String| found.push((key, message));
        if !self.filters.is_empty() && !self.invocation_ids.is_empty() {
            say(
                "invocation_ids",
                "cannot be used together with filters; the API takes only one of them".into(),
            );
        }
        if self.filters.len() > MAX_FILTERS {
            say(
                "filters",
                format!("has {} filters; the API takes at most {MAX_FILTERS}", self.filters.len()),
            );
        }
        for filter in &self.filters {
            if !FILTERS.contains(&filter.name.as_str()) {
                let known = FILTERS.join(", ");
                say(
                    "filters",
                    format!("{:?} is not a filter of DescribeInvocations; use one of {known}", filter.name),
                );
            }
            if filter.values.is_empty() || filter.values.len() > MAX_VALUES {
                say(
                    "filters",
                    format!(
                        "{:?} has {} values; the API takes 1 to {MAX_VALUES}",
                        filter.name,
                        filter.values.len()
                    ),
                );
            }
        }
        if self.filters.iter().flat_map(|filter| &filter.values).any(String::is_empty) {
            say("filters", "has an empty value".into());
        }
        if self.invocation_ids.iter().any(String::is_empty) {
            say("invocation_ids", "has an empty id".into());
        }
        if self.lookback.0.is_zero() {
            say("lookback", "is zero; write how far back the first poll reads, like \"24h\"".into());
        }
        found
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
        let written = settings("filters = []\ninvocation_ids = []\ntasks = true\nlookback = \"24h\"");
        assert_eq!(written.unwrap(), Settings::default());
        assert_eq!(Settings::default().problems(), []);
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let keys = |toml: &str| -> Vec<&str> {
            settings(toml).unwrap().problems().into_iter().map(|(key, _)| key).collect()
        };
        let filter =
            |name: &str, values: &str| format!("[[filters]]\nname = \"{name}\"\nvalues = [{values}]\n");
        for name in FILTERS {
            assert_eq!(keys(&filter(name, "\"a\", \"b\", \"c\", \"d\", \"e\"")), [""; 0], "{name}");
        }
        assert_eq!(keys(&filter("instance-id", "\"ins-1\"")), ["filters"]);
        assert_eq!(keys(&filter("command-id", "")), ["filters"]);
        assert_eq!(keys(&filter("command-id", "\"\"")), ["filters"]);
        assert_eq!(keys(&filter("command-id", "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"")), ["filters"]);
        assert_eq!(keys(&filter("command-id", "\"a\"").repeat(11)), ["filters"]);
        let both = format!("invocation_ids = [\"inv-1\"]\n{}", filter("command-id", "\"a\""));
        assert_eq!(keys(&both), ["invocation_ids"]);
        assert_eq!(keys("invocation_ids = [\"\"]"), ["invocation_ids"]);
        assert_eq!(keys("lookback = \"0s\""), ["lookback"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(settings("task = true").is_err());
        assert!(settings("[[filters]]\nname = \"x\"\nvalue = []").is_err());
    }
}
