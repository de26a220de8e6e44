//! The time between two runs of a task, from its cron expression or its cycle.

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Fires looked at, at least: enough for any pattern within a day, a week or a month.
const FIRES: usize = 50;

/// And so long a time, at least, so that a pattern that rests at night or at weekends shows its rest.
const SPAN: chrono::TimeDelta = chrono::TimeDelta::days(8);

/// But no more fires than this: one a minute for [`SPAN`].
const MOST_FIRES: usize = 12_000;

/// A longer rest is no schedule that a missed run can be told by.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// 2024-01-01, a Monday: the same expression gives the same interval whenever it is asked.
const ANCHOR: DateTime<Utc> = DateTime::from_timestamp(1_704_067_200, 0).unwrap();

/// Expressions remembered. More distinct ones than this are worked out again.
const REMEMBERED: usize = 4096;

/// The years that are looked at, where an expression names none: a day that never comes, like 30 February, is otherwise
/// searched for in three thousand years. They hold [`FIRES`] months, and what does not come in each of them comes more
/// rarely than [`LONGEST`].
const YEARS: &str = "2024-2028";

const DAY: u64 = 86_400;

/// Works intervals out, each expression once.
#[derive(Default)]
pub(super) struct Intervals {
    known: Mutex<HashMap<String, Option<Duration>>>,
}

impl Intervals {
    /// By the cron expression where there is one that can be read, else by the cycle's letter. An hour's or minute's
    /// letter alone says nothing: every how many of them is in the expression.
    pub(super) fn of(&self, cycle: &str, freq: &str) -> Option<Duration> {
        self.of_cron(freq).or_else(|| match cycle {
            "D" => Some(Duration::from_secs(DAY)),
            "W" => Some(Duration::from_secs(7 * DAY)),
            "M" => Some(Duration::from_secs(31 * DAY)),
            _ => None,
        })
    }

    fn of_cron(&self, freq: &str) -> Option<Duration> {
        if freq.is_empty() {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interval) = known.get(freq) {
            return *interval;
        }
        let interval = longest_gap(freq);
        if known.len() < REMEMBERED {
            known.insert(freq.to_owned(), interval);
        }
        interval
    }
}

/// The longest time between two fires of a Quartz expression.
fn longest_gap(freq: &str) -> Option<Duration> {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Optional)
        // Quartz counts the days of the week from Sunday, 1.
        .alternative_weekdays(true)
        .build();
    let cron = parser.parse(&within_years(freq)).ok()?;
    let mut before: Option<DateTime<Utc>> = None;
    let mut longest = None;
    for (count, fire) in cron.iter_after(ANCHOR).take(MOST_FIRES).enumerate() {
        if let Some(before) = before {
            longest = longest.max((fire - before).to_std().ok());
        }
        before = Some(fire);
        if longest > Some(LONGEST) || (count >= FIRES && fire - ANCHOR >= SPAN) {
            break;
        }
    }
    longest.filter(|gap| *gap <= LONGEST)
}

/// The expression, in [`YEARS`] alone where it does not say in which.
fn within_years(freq: &str) -> Cow<'_, str> {
    let fields: Vec<&str> = freq.split_whitespace().collect();
    match fields.as_slice() {
        [within @ .., "*"] if within.len() == 6 => Cow::Owned(format!("{} {YEARS}", within.join(" "))),
        within if within.len() == 6 => Cow::Owned(format!("{} {YEARS}", within.join(" "))),
        _ => Cow::Borrowed(freq),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_never_comes_is_not_searched_for_without_end() {
        for freq in ["0 0 0 30 2 ?", "0 0 0 31 4,6,9,11 ? *"] {
            assert_eq!(longest_gap(freq), None, "{freq}");
            assert!(within_years(freq).ends_with(" 2024-2028"), "{freq}");
        }
        // Every four years is no schedule that a missed run can be told by; every year is.
        assert_eq!(longest_gap("0 0 0 29 2 ?"), None);
        assert_eq!(longest_gap("0 0 0 1 3 ?"), Some(Duration::from_secs(366 * DAY).min(LONGEST)));
        assert_eq!(longest_gap("0 0 12 * * ? 2030"), Some(Duration::from_secs(DAY)));
    }

    #[test]
    fn the_longest_rest_of_an_expression_counts() {
        let hours = |n: u64| Some(Duration::from_secs(n * 3600));
        for (freq, interval) in [
            ("0 0 * * * ? *", hours(1)),
            ("0 0 0/6 * * ?", hours(6)),
            ("0 0/5 8-20 * * ?", Some(Duration::from_secs(11 * 3600 + 5 * 60))),
            ("0 30 2 ? * MON-FRI", hours(72)),
            ("0 30 2 ? * 2-6 *", hours(72)),
            ("0 0 0 1 * ? *", hours(31 * 24)),
            ("0 0 0 ? * 2", hours(7 * 24)),
            ("0 0 0 29 2 ?", None),
            ("0 0 0 30 2 ?", None),
            ("0 0 0 1 1 ? 2021", None),
            ("not a cron", None),
            ("0 0 * * *", None),
            ("", None),
        ] {
            assert_eq!(Intervals::default().of("H", freq), interval, "{freq}");
        }
    }

    #[test]
    fn the_cycle_speaks_where_no_expression_does() {
        let days = |n: u64| Some(Duration::from_secs(n * DAY));
        let intervals = Intervals::default();
        for (cycle, interval) in [
            ("D", days(1)),
            ("W", days(7)),
            ("M", days(31)),
            ("H", None),
            ("mi", None),
            ("Y", None),
            ("", None),
        ] {
            assert_eq!(intervals.of(cycle, ""), interval, "{cycle}");
            assert_eq!(intervals.of(cycle, "broken"), interval, "{cycle}");
        }
    }
}
