//! From the API's rows to runs. Pure and total: every row becomes a run, or the reason why not.

use super::wire::FunctionLog;
use crate::model::{
    Observation, Outcome, RejectCause, RunId, RunState, TaskInfo, TaskKey, Timestamp, UnknownState, Zone,
};
use crate::sources::lenient::Field;
use std::time::Duration;

/// Longer than any run can take; more is another unit.
const LONGEST_MS: f64 = 366.0 * 86_400_000.0;

/// Reads one row of the function named by `task`.
pub(super) fn run(
    row: &FunctionLog,
    task: &TaskKey,
    info: &TaskInfo,
    zone: Zone,
) -> Result<Observation, RejectCause> {
    let id = row.request_id.text();
    if id.is_empty() {
        return Err(RejectCause::MissingId);
    }
    let mut flaws = Vec::new();
    let retry = count(&row.retry_num, &mut flaws).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let state = state(row);
    let ended = matches!(state, RunState::Finished(_));
    let mut seen = Observation::new(task.clone(), RunId { instance: id.into(), round: retry }, state);
    seen.info = info.clone();
    seen.started = started(&row.start_time, zone, &mut flaws);
    seen.retries = Some(u32::from(retry > 0));
    if ended {
        // The end is not told: start and cost tell it, and keep the cost's fractions of a millisecond.
        seen.cost = millis(&row.duration, &mut flaws);
        seen.billed = millis(&row.bill_duration, &mut flaws);
        seen.memory_bytes = count(&row.mem_usage, &mut flaws);
        seen.return_code = row.ret_code.get().copied();
        // The text of a running run still grows, and an empty one may not have arrived yet: neither is told, so that
        // the whole text still can be.
        seen.log = row.log.read(&mut flaws).copied();
    }
    seen.flaws = flaws;
    Ok(seen)
}

/// Contract §4. A code that is missing or unreadable says nothing, least of all that the run failed; with a code,
/// whatever does not say that the run succeeded or runs says that it failed.
fn state(row: &FunctionLog) -> RunState {
    match (&row.ret_code, &row.invoke_finished) {
        (Field::Value(2), _) => RunState::Running,
        (Field::Value(0), Field::Value(1)) => RunState::Finished(Outcome::Success),
        (Field::Value(_), _) => RunState::Finished(Outcome::Failed),
        (Field::Absent | Field::Malformed, _) => RunState::Unknown(UnknownState("no RetCode".into())),
    }
}

fn started(text: &Field<String>, zone: Zone, flaws: &mut Vec<RejectCause>) -> Option<Timestamp> {
    let read = zone.read(text.text());
    if read.is_none() && *text != Field::Absent {
        flaws.push(RejectCause::InvalidTimestamp);
    }
    read
}

fn millis(field: &Field<f64>, flaws: &mut Vec<RejectCause>) -> Option<Duration> {
    let millis = *field.read(flaws)?;
    let read = Some(millis)
        .filter(|millis| (0.0..=LONGEST_MS).contains(millis))
        .and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
    if read.is_none() {
        flaws.push(RejectCause::ImpossibleDuration);
    }
    read
}

fn count(field: &Field<i64>, flaws: &mut Vec<RejectCause>) -> Option<u64> {
    let read = u64::try_from(*field.read(flaws)?).ok();
    if read.is_none() {
        flaws.push(RejectCause::ImpossibleValue);
    }
    read
}

#[cfg(test)]
mod tests;
