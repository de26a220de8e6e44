//! What reads bytes from outside, one function each: for `cargo fuzz`, and for the tests that go through its corpus.
//!
//! Not a part of the library: built with the feature `fuzzing` and for the library's own tests only. Each floor wraps
//! what is private to it in a `fuzzing.rs` of its own; here stands what holds of the outcome.

mod counted;
#[cfg(test)]
mod tests;

use crate::app;
use crate::config::{Config, Duration};
use crate::model::{Clock, Timestamp, Zone};
use crate::schedule::CronExpression;
use crate::{credentials, ledger, logs, sources, transport};
use std::collections::BTreeMap;

/// One of them.
pub type Target = fn(&[u8]);

/// All of them, by the names of their files under `tests/fuzz`.
pub const TARGETS: &[(&str, Target)] = &[
    ("config", config),
    ("credentials", credentials::fuzzing::places),
    ("durations", durations),
    ("enos", |answer| counted::once("enos", sources::enos::fuzzing::answer(answer))),
    ("enos_envelope", transport::fuzzing::enos_envelope),
    #[cfg(feature = "simulator")]
    ("faults", faults),
    ("headers", |value| transport::fuzzing::headers(value, NOW)),
    ("logs", log),
    ("records", |bytes| ledger::fuzzing::record(bytes, &app::names())),
    ("salvage", |bytes| ledger::fuzzing::salvage(bytes, &app::names(), NOW)),
    ("scf", |answer| counted::once("scf", sources::scf::fuzzing::answer(answer))),
    ("tat", |answer| counted::once("tat", sources::tat::fuzzing::answer(answer))),
    ("tencent_envelope", transport::fuzzing::tencent_envelope),
    ("times", times),
    ("wedata", |answer| counted::once("wedata", sources::wedata::fuzzing::answer(answer))),
];

/// Runs one of them.
///
/// # Panics
/// Where it finds a defect, or there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, target) = found.unwrap_or_else(|| unreachable!("no target {target}"));
    target(bytes);
}

/// The time at which everything is read: the same bytes give the same result.
const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        NOW
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A configuration file; after a NUL, variables of the environment, a line each.
fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
    let env: BTreeMap<String, String> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    match Config::load_text(&app::demands(), "fuzz.toml", file, &env) {
        // What is read once is read again: nothing of it depends on chance.
        Ok(config) => {
            assert!(
                Config::load_text(&app::demands(), "fuzz.toml", file, &env)
                    .is_ok_and(|again| again == config)
            );
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
        }
    }
}

/// Durations, cron expressions of schedules and those that EnOS shows.
fn durations(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(read) = Duration::parse(text) {
        assert_eq!(Duration::parse(&read.to_string()), Some(read), "{text}");
    }
    if let Ok(cron) = CronExpression::try_new(text, &Then) {
        assert!(CronExpression::try_new(&cron.to_string(), &Then).is_ok_and(|again| again == cron));
    }
    sources::enos::fuzzing::interval(text);
}

/// A zone, and after a newline a time in it; times that bring their own zone.
fn times(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (zone, time) = text.split_once('\n').unwrap_or(("", text));
    for zone in [Zone::parse(zone), Some(Zone::east8())].into_iter().flatten() {
        sources::enos::fuzzing::instant(time, zone);
        let Some(at) = zone.read(time) else { continue };
        let Some(again) = zone.read(&zone.write(at)) else { continue };
        // Where a clock was set back, two instants have one text; the earlier one is taken.
        let apart = at.secs().abs_diff(again.secs());
        assert!(apart <= 86_400 && (apart == 0 || matches!(zone, Zone::Named(_))), "{at} is not {again}");
    }
    if let Some(at) = Zone::read_rfc3339(time) {
        assert_eq!(Zone::read_rfc3339(&at.to_string()).map(Timestamp::secs).unwrap_or(at.secs()), at.secs());
    }
}

/// A log's text.
fn log(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let facts = logs::count(&text);
    assert_eq!(facts.bytes, text.len() as u64);
    assert_eq!(facts.lines.iter().sum::<u64>(), text.lines().count() as u64);
}

/// What the simulator is told to do wrong.
#[cfg(feature = "simulator")]
fn faults(bytes: &[u8]) {
    use crate::simulator::{Dice, Faults};
    let Some(text) = text(bytes) else { return };
    if let Ok(faults) = text.parse::<Faults>() {
        let _strike = faults.strike(Dice::new(1), 7, "GetFunctionLogs");
    }
}
