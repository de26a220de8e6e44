//! What a finished run adds to its task's accumulators.

use crate::model::{
    Buckets, Histogram, LogFacts, Observation, Outcome, RejectCause, TaskRecord, Timestamp, WaitPhase, Waits,
};
use std::sync::Arc;
use std::time::Duration;

/// The return codes a task may show by name; the rest become `other`.
const MAX_CODES: usize = 32;

/// No run, and no wait, takes longer; what does is a wrong time.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Times before this (2000-01-01) are zeros and other units, not times of runs.
const EARLIEST: Timestamp = Timestamp::from_secs(946_684_800);

/// How far ahead of ours a cloud's clock may be: as far as its own signature check lets ours differ.
pub(super) const AHEAD: Duration = Duration::from_secs(300);

/// The most memory one run can have used (64 TiB); what is more is another unit.
const MOST_MEMORY: u64 = 1 << 46;

/// The figures of a finished run that may be shown and counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) outcome: Outcome,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) duration: Option<Duration>,
    pub(super) memory_bytes: Option<u64>,
}

/// Whether something can have happened then.
pub(super) fn is_possible(at: Timestamp, now: Timestamp) -> bool {
    (EARLIEST..=now.plus(AHEAD)).contains(&at)
}

/// Checks the figures of a run; what cannot be true is left out and named in `flaws`.
pub(super) fn facts(
    seen: &Observation,
    outcome: Outcome,
    now: Timestamp,
    flaws: &mut Vec<RejectCause>,
) -> Facts {
    flaws.extend_from_slice(&seen.flaws);
    let mut possible = |time: Option<Timestamp>| {
        let fits = time.filter(|at| is_possible(*at, now));
        if time.is_some() && fits.is_none() {
            flaws.push(RejectCause::ImpossibleTimestamp);
        }
        fits
    };
    let (started, ended) = (possible(seen.started), possible(seen.ended));
    // A run whose start or end is wrong has no duration, whatever else its record says.
    let wrong_time = started != seen.started || ended != seen.ended;
    let told = match (started, ended) {
        _ if wrong_time => None,
        (Some(started), Some(ended)) => {
            let took = ended.since(started);
            if took.is_none() {
                flaws.push(RejectCause::NegativeDuration);
            }
            took
        }
        _ => seen.cost,
    };
    let duration = told.filter(|took| *took <= LONGEST);
    if told.is_some() && duration.is_none() {
        flaws.push(RejectCause::ImpossibleDuration);
    }
    let memory_bytes = seen.memory_bytes.filter(|bytes| *bytes <= MOST_MEMORY);
    if seen.memory_bytes.is_some() && memory_bytes.is_none() {
        flaws.push(RejectCause::ImpossibleValue);
    }
    // Where only start and cost are told, they tell the end.
    let ended = ended.or_else(|| if wrong_time { None } else { Some(started?.plus(duration?)) });
    Facts { outcome, started, ended, duration, memory_bytes }
}

/// Adds a run seen finished for the first time.
pub(super) fn count(record: &mut TaskRecord, seen: &Observation, facts: &Facts, buckets: &Buckets) {
    record.runs[facts.outcome.index()] += 1;
    if let (Some(took), Some(histogram)) = (facts.duration, record.durations.get_mut(facts.outcome.index())) {
        histogram.get_or_insert_with(|| of_seconds(&buckets.duration)).observe_duration(took);
    }
    if let Some(bytes) = facts.memory_bytes {
        let fresh = || Box::new(Histogram::new(&buckets.memory, 1.0).with_native());
        record.memory.get_or_insert_with(fresh).observe(bytes);
    }
    if let Some(code) = seen.return_code {
        if record.codes.len() < MAX_CODES || record.codes.contains_key(&code) {
            *record.codes.entry(code).or_default() += 1;
        } else {
            record.other_codes += 1;
        }
    }
    if let Some(billed) = seen.billed.filter(|billed| *billed <= LONGEST) {
        let micros = u64::try_from(billed.as_micros()).unwrap_or(0);
        record.billed_micros = Some(record.billed_micros.unwrap_or(0).saturating_add(micros));
    }
    if let Some(retries) = seen.retries {
        record.retries = Some(record.retries.unwrap_or(0) + u64::from(retries));
    }
}

/// Adds the waits of a counted run.
pub(super) fn count_waits(record: &mut TaskRecord, waits: Waits, buckets: &Buckets) {
    for (phase, waited) in [(WaitPhase::Upstream, waits.upstream), (WaitPhase::Dispatch, waits.dispatch)] {
        if let Some(waited) = waited.filter(|waited| *waited <= LONGEST) {
            let histogram = &mut record.waits[phase as usize];
            histogram.get_or_insert_with(|| of_seconds(&buckets.wait)).observe_duration(waited);
        }
    }
}

fn of_seconds(bounds: &Arc<[f64]>) -> Box<Histogram> {
    Box::new(Histogram::of_seconds(bounds).with_native())
}

/// Adds the log of a counted run.
pub(super) fn count_log(record: &mut TaskRecord, log: LogFacts) {
    let lines = record.log_lines.get_or_insert_default();
    for (held, more) in lines.iter_mut().zip(log.lines) {
        *held = held.saturating_add(more);
    }
    record.log_bytes = record.log_bytes.saturating_add(log.bytes);
}
