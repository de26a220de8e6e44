//! From the API's words to ours. Pure and total: whatever an answer holds becomes observations or a counted refusal.

mod cycle;
mod phase;

use super::wire::{Instance, LifeCycle};
use crate::model::{
    Label, NativeGauge, Observation, Outcome, RejectCause, RunId, RunState, TaskInfo, TaskKey, Timestamp,
    UnknownState, Zone,
};
use crate::sources::lenient::Field;
use phase::Phases;
use std::sync::Arc;
use std::time::Duration;

/// `taskrun_wedata_instance_state`.
pub(super) static STATE: NativeGauge = NativeGauge {
    name: "taskrun_wedata_instance_state",
    help: "InstanceState of the task's newest instance, as the API numbers it.",
    unit: "",
};

/// `taskrun_wedata_instance_tries`.
pub(super) static TRIES: NativeGauge = NativeGauge {
    name: "taskrun_wedata_instance_tries",
    help: "Dispatches of the task's newest instance in its newest life round.",
    unit: "",
};

/// `taskrun_wedata_instance_try_limit`.
pub(super) static TRY_LIMIT: NativeGauge = NativeGauge {
    name: "taskrun_wedata_instance_try_limit",
    help: "Retries that one life round of the task's newest instance may have.",
    unit: "",
};

/// Every code of a run that has not finished.
pub(super) const UNFINISHED: [i64; 11] = [0, 12, 6, 7, 9, 10, 18, 1, 19, 22, 3];

/// Where a run with this InstanceState stands.
///
/// Source: <https://cloud.tencent.com/document/api/1267>, InstanceVO. 11, 14 to 17 and 20 are documented nowhere.
pub(super) fn state(code: &str) -> RunState {
    match code {
        "0" | "12" => RunState::Waiting,
        "6" | "7" | "9" | "10" | "18" => RunState::Queued,
        "1" | "19" | "22" => RunState::Running,
        "3" => RunState::Retrying,
        "2" => RunState::Finished(Outcome::Success),
        "4" | "5" | "8" | "13" => RunState::Finished(Outcome::Failed),
        "21" => RunState::Finished(Outcome::Skipped),
        other => RunState::Unknown(UnknownState(other.into())),
    }
}

/// One row of ListInstances.
#[derive(Debug)]
pub(super) struct Row {
    /// The instance's newest round.
    pub(super) seen: Observation,
    /// How many rounds there were, where the row tells.
    pub(super) runs: Option<u32>,
    /// Changes whenever the instance does.
    pub(super) stamp: String,
}

/// Reads one row of ListInstances.
///
/// # Errors
/// Why it cannot be a run.
pub(super) fn row(instance: &Instance, zone: &Zone) -> Result<Row, RejectCause> {
    let mut flaws = Vec::new();
    let runs = instance.total_run_num.read(&mut flaws).and_then(|runs| u32::try_from(*runs).ok());
    let state = instance.instance_state.get().ok_or(RejectCause::Malformed)?;
    let stamp = format!("{state}/{}/{}", runs.unwrap_or(0), instance.last_update_time.text());
    let seen = newest(instance, zone, runs.unwrap_or(0).saturating_sub(1), state, flaws)?;
    Ok(Row { seen, runs, stamp })
}

/// One life round, as GetTaskInstance tells it.
#[derive(Debug)]
pub(super) struct Round {
    /// The run.
    pub(super) seen: Observation,
    /// Where its log is.
    pub(super) log: LogPlace,
}

/// Where the log of a round is to be asked for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum LogPlace {
    /// The answer does not tell.
    Untold,
    /// It was never dispatched, or wrote none: branch and merge nodes.
    Nowhere,
    /// Under these arguments of GetInstanceLog.
    At {
        /// ExecutionJobId, else empty.
        job: String,
        /// OriginFileName, else empty.
        file: String,
        /// BrokerIp, else empty.
        broker: String,
    },
}

/// Reads the answer of GetTaskInstance: the newest round from the instance itself, those before from its life cycles.
///
/// # Errors
/// Why the instance cannot be a run. A round before the newest that does not tell how it ended is left out.
pub(super) fn rounds(instance: &Instance, zone: &Zone) -> Result<Vec<Round>, RejectCause> {
    let mut flaws = Vec::new();
    let mut lives: Vec<(u32, &LifeCycle)> = Vec::new();
    for life in instance.instance_life_cycle_list.items() {
        let Some(life) = life.read(&mut flaws) else { continue };
        match life.life_round_num.get().map(|round| u32::try_from(*round)) {
            Some(Ok(round)) => lives.push((round, life)),
            Some(Err(_)) | None => flaws.push(RejectCause::Malformed),
        }
    }
    lives.sort_by_key(|(round, _)| *round);
    let runs = instance.total_run_num.read(&mut flaws).and_then(|runs| u32::try_from(*runs).ok());
    // A rerun just ordered may stand in the life cycles before it counts in TotalRunNum; the instance's own state and
    // times are that rerun's already.
    let last_life = lives.last().map_or(0, |(round, _)| *round);
    let last = runs.unwrap_or(0).saturating_sub(1).max(last_life);
    let newest_life = lives.iter().find(|(round, _)| *round == last).map(|(_, life)| *life);
    let code = instance
        .instance_state
        .get()
        .or_else(|| newest_life.and_then(|life| life.instance_state.get()))
        .ok_or(RejectCause::Malformed)?;
    let mut seen = newest(instance, zone, last, code, flaws)?;
    if matches!(seen.state, RunState::Finished(_)) {
        // Set even when no phase is told: the details of this run are read, and need not be read again.
        seen.waits = Some(newest_life.map(|life| Phases::of(life, zone).waits()).unwrap_or_default());
    }
    let mut found: Vec<Round> = lives
        .iter()
        .filter(|(round, _)| *round < last)
        .filter_map(|(round, life)| earlier(&seen, *round, life, zone))
        .collect();
    found.push(Round { seen, log: newest_life.map_or(LogPlace::Untold, log_place) });
    Ok(found)
}

/// The newest round, from the fields that the list and the details share.
fn newest(
    instance: &Instance,
    zone: &Zone,
    round: u32,
    code: &str,
    mut flaws: Vec<RejectCause>,
) -> Result<Observation, RejectCause> {
    let key = key(instance).ok_or(RejectCause::MissingId)?;
    let id =
        instance.task_id.get().map_or_else(|| key.rsplit_once('_').map_or("", |(id, _)| id), String::as_str);
    let task = TaskKey {
        workflow: Label::new(instance.workflow_name.text()),
        task: Label::new(instance.task_name.text()),
        task_id: Label::new(id),
    };
    let mut seen = Observation::new(task, RunId { instance: key.as_str().into(), round }, state(code));
    seen.info = info(instance);
    seen.planned = time(&instance.scheduler_time, zone, &mut flaws);
    seen.started = time(&instance.start_time, zone, &mut flaws);
    seen.updated = time(&instance.last_update_time, zone, &mut flaws);
    let tries = instance.tries.read(&mut flaws).copied();
    if matches!(seen.state, RunState::Finished(_)) {
        seen.ended = time(&instance.end_time, zone, &mut flaws);
        seen.cost = cost(instance.cost_time.text());
        seen.retries = tries.and_then(|tries| u32::try_from(tries).ok()).map(|tries| tries.saturating_sub(1));
    }
    seen.expected_interval = cycle::interval(instance);
    seen.native =
        [(&STATE, code.parse().ok()), (&TRIES, tries), (&TRY_LIMIT, instance.try_limit.get().copied())]
            .into_iter()
            .filter_map(|(gauge, value)| Some((gauge, figure(value?))))
            .collect();
    seen.flaws = flaws;
    Ok(seen)
}

/// A round before the newest one; `None` where it does not tell how it ended.
fn earlier(newest: &Observation, round: u32, life: &LifeCycle, zone: &Zone) -> Option<Round> {
    let phases = Phases::of(life, zone);
    let outcome = match state(life.instance_state.text()) {
        RunState::Finished(outcome) => outcome,
        // The code may still be that of the moment in which somebody ordered the rerun.
        _ => phases.outcome()?,
    };
    let run = RunId { instance: Arc::clone(&newest.run.instance), round };
    let mut seen = Observation::new(newest.task.clone(), run, RunState::Finished(outcome));
    seen.info = newest.info.clone();
    seen.planned = newest.planned;
    seen.expected_interval = newest.expected_interval;
    (seen.started, seen.ended) = phases.ran();
    seen.cost = cost(life.cost_time.text());
    let told = life.tries.get().and_then(|tries| u32::try_from(*tries).ok());
    seen.retries = told.or_else(|| phases.tries().map(|tries| tries.saturating_sub(1)));
    seen.waits = Some(phases.waits());
    seen.flaws.clone_from(&phases.flaws);
    Some(Round { seen, log: log_place(life) })
}

fn log_place(life: &LifeCycle) -> LogPlace {
    let (job, file) = (life.execution_job_id.text(), life.origin_file_name.text());
    if job.is_empty() && file.is_empty() {
        return LogPlace::Nowhere;
    }
    LogPlace::At { job: job.into(), file: file.into(), broker: life.broker_ip.text().into() }
}

/// The instance's key, put together from its parts where it is missing.
fn key(instance: &Instance) -> Option<String> {
    match instance.instance_key.get() {
        Some(key) => Some(key.clone()),
        None => Some(format!("{}_{}", instance.task_id.get()?, instance.cur_run_date.get()?)),
    }
}

fn info(instance: &Instance) -> TaskInfo {
    let owners: Vec<&str> =
        instance.in_charge_list.items().iter().map(Field::text).filter(|o| !o.is_empty()).collect();
    TaskInfo {
        task_type: Label::new(instance.task_type.get().map_or("", |kind| kind.type_id.text())),
        cycle: Label::new(instance.task_cycle_type.text()),
        owner: Label::new(&owners.join(",")),
        workflow_id: Label::new(instance.workflow_id.text()),
    }
}

/// A time text in the zone that was asked for.
fn time(field: &Field<String>, zone: &Zone, flaws: &mut Vec<RejectCause>) -> Option<Timestamp> {
    let text = field.read(flaws)?;
    let read = zone.read(text);
    if read.is_none() {
        flaws.push(RejectCause::InvalidTimestamp);
    }
    read
}

/// `HH:MM:SS` with or without a fraction. The other spellings that occur (`-11`, `00:31`, `12634`) leave their unit
/// open and are not read.
fn cost(text: &str) -> Option<Duration> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':').map(|part| {
        (!part.is_empty() && part.len() <= 6 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())?
    });
    let (hours, minutes, seconds): (u64, u64, u64) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes > 59 || seconds > 59 || fraction.is_empty() {
        return None;
    }
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(Duration::from_millis((hours * 3600 + minutes * 60 + seconds) * 1000 + millis.parse::<u64>().ok()?))
}

#[expect(clippy::cast_precision_loss, reason = "codes and small counts")]
fn figure(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
