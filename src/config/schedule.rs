//! When a source is polled.

use super::Duration;
use super::quoted::quoted;
use croner::parser::{CronParser, Seconds};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt;

/// When a source is polled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// Again and again after this long, at least a second.
    Every(Duration),
    /// At the times of a cron expression with seconds, in UTC. Known to be readable and to come round.
    Cron(String),
}

/// How both are written.
const HOW: &str =
    "write an interval, like \"30s\", or a cron expression with seconds, in UTC, like \"0 */5 * * * *\"";

impl Schedule {
    /// Reads `30s` or `0 */5 * * * *`.
    ///
    /// # Errors
    /// What is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(interval) = Duration::parse(text) {
            return if interval < Duration::from_secs(1) {
                Err("an interval is at least \"1s\"".into())
            } else {
                Ok(Self::Every(interval))
            };
        }
        let fields = text.split_whitespace().count();
        if fields <= 1 && !text.starts_with('@') {
            return Err(format!("{} is not a schedule; {HOW}", quoted(text)));
        }
        if fields == 5 {
            return Err(format!("this cron expression has no seconds; put them in front: \"0 {text}\""));
        }
        // The same parser with the same options as tokio-cron-scheduler's `Job::new_async`.
        let cron = CronParser::builder()
            .seconds(Seconds::Required)
            .dom_and_dow(true)
            .build()
            .parse(text)
            .map_err(|error| format!("{} is not a cron expression: {error}; {HOW}", quoted(text)))?;
        // Any start shows a date that no year has, like 30 February; a fixed one keeps the answer the same.
        let start = chrono::DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default();
        match cron.find_next_occurrence(&start, false) {
            Ok(_) => Ok(Self::Cron(text.to_owned())),
            Err(_) => Err(format!("{} names a time that never comes", quoted(text))),
        }
    }
}

impl fmt::Display for Schedule {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => interval.fmt(f),
            Self::Cron(expression) => f.write_str(expression),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_cron_expressions_are_told_apart() {
        assert_eq!(Schedule::parse(" 90s "), Ok(Schedule::Every(Duration::from_secs(90))));
        for cron in ["0 */5 * * * *", "@hourly", "30 0 2 * * MON-FRI", "0 0 0 L * *", "0 0 0 29 2 *"] {
            assert_eq!(Schedule::parse(cron), Ok(Schedule::Cron(cron.into())));
        }
    }

    #[test]
    fn a_bad_schedule_is_told_what_to_write() {
        for (text, said) in [
            ("500ms", "at least \"1s\""),
            ("30", "an interval, like \"30s\""),
            ("", "an interval, like \"30s\""),
            ("*/5 * * * *", "put them in front: \"0 */5 * * * *\""),
            ("0 61 * * * *", "is not a cron expression"),
            ("@every 5m", "is not a cron expression"),
            ("0 0 0 30 2 *", "never comes"),
        ] {
            let message = Schedule::parse(text).unwrap_err();
            assert!(message.contains(said), "{text:?}: {message}");
        }
    }
}
