//! From the API's task instances to runs. Pure and total: every one becomes a run, or the reason why not.

use super::gauges;
use super::instant::{self, Times};
use super::interval::Intervals;
use super::settings::DurationUnit;
use super::wire::{FlowInstance, TaskInstance};
use crate::model::{
    Label, NativeGauge, Observation, Outcome, RejectCause, RunId, RunState, TaskInfo, TaskKey, Timestamp,
    UnknownState, Zone,
};
use crate::sources::lenient::Field;

/// GiB in bytes. The document says "G"; that it is GiB is our reading.
const GIB: f64 = 1_073_741_824.0;

/// The largest figure that is believed: 2^53, beyond which floats are not exact, and nothing in seconds, cores or bytes
/// is either.
const MOST: f64 = 9_007_199_254_740_992.0;

/// What a task instance does not tell of the flow it belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Flow {
    pub(super) id: Label,
    pub(super) name: Label,
    pub(super) owner: Label,
    pub(super) freq: String,
    /// Whether it is known that its schedule starts it; a flow started by hand has a cycle too, and keeps to none.
    pub(super) scheduled: bool,
}

/// How the figures are to be understood.
pub(super) struct Reading<'a> {
    pub(super) zone: Zone,
    pub(super) unit: DurationUnit,
    pub(super) intervals: &'a Intervals,
    /// The time of the poll.
    pub(super) now: Timestamp,
}

impl Reading<'_> {
    /// Reads one task instance of `flow`.
    pub(super) fn run(&self, task: &TaskInstance, flow: &Flow) -> Result<Observation, RejectCause> {
        let id = task.instance_id.text();
        if id.is_empty() {
            return Err(RejectCause::MissingId);
        }
        let mut flaws = Vec::new();
        // A first run is number 1.
        let round = count(&task.run_num, &mut flaws).unwrap_or(1);
        let key = TaskKey {
            workflow: flow.name.clone(),
            task: Label::new(task.task_name.text()),
            task_id: Label::new(task.task_id.text()),
        };
        let mut seen = Observation::new(key, RunId { instance: id.into(), round }, state(task));
        seen.info = info(task, flow);
        seen.parent = task.flow_inst_id.text().into();
        let told = Times {
            planned: instant::read(&task.trigger_time, self.zone, &mut flaws),
            started: instant::read(&task.start_time, self.zone, &mut flaws),
            ended: instant::read(&task.end_time, self.zone, &mut flaws),
        };
        let times = told.aligned(self.now);
        if times != told {
            flaws.push(RejectCause::ImpossibleTimestamp);
        }
        (seen.planned, seen.started, seen.ended) = (times.planned, times.started, times.ended);
        seen.created = instant::read_java(task.time_stamp.text(), self.zone);
        seen.retries = count(&task.recall_num, &mut flaws);
        let freq = if task.freq.text().is_empty() { &flow.freq } else { task.freq.text() };
        seen.expected_interval = self.intervals.of(task.cycle.text(), freq).filter(|_| flow.scheduled);
        seen.native = self.gauges(task, &mut flaws);
        seen.flaws = flaws;
        Ok(seen)
    }

    /// When a flow run was to start.
    pub(super) fn planned(&self, flow: &FlowInstance) -> Option<Timestamp> {
        self.zone.read(flow.trigger_time.text())
    }

    /// When a flow run ended.
    pub(super) fn ended(&self, flow: &FlowInstance) -> Option<Timestamp> {
        let read = |text: &Field<String>| self.zone.read(text.text());
        let (planned, started) = (read(&flow.trigger_time), read(&flow.start_time));
        Times { planned, started, ended: read(&flow.end_time) }.aligned(self.now).ended
    }

    fn gauges(&self, task: &TaskInstance, flaws: &mut Vec<RejectCause>) -> Vec<(&'static NativeGauge, f64)> {
        let mode = task.run_mode.read(flaws).cloned().unwrap_or_default();
        let flag = |field: &Field<bool>| field.get().map(|told| f64::from(u8::from(*told)));
        #[expect(clippy::cast_precision_loss, reason = "status codes are small; a huge one is wrong anyway")]
        let status = code(task).map(|code| code as f64);
        let values = [
            (&gauges::STATUS, status),
            (&gauges::CPU, figure(&mode.cpu, 1.0, flaws)),
            (&gauges::MEMORY, figure(&mode.memory, GIB, flaws)),
            (&gauges::TIMEOUT, figure(&task.timeout, self.unit.seconds(), flaws)),
            (&gauges::TIMED_OUT, flag(&task.is_timeout)),
            (&gauges::ALERT, flag(&task.alert)),
        ];
        values.into_iter().filter_map(|(gauge, value)| Some((gauge, value?))).collect()
    }
}

fn info(task: &TaskInstance, flow: &Flow) -> TaskInfo {
    TaskInfo {
        task_type: match task.r#type.text() {
            "3" => "SHELL".into(),
            "7" => "DATA_INTEGRATION".into(),
            "8" => "PYTHON".into(),
            "9" => "EXTERNAL_APPLICATION".into(),
            other => Label::new(other),
        },
        cycle: Label::new(task.cycle.text()),
        owner: flow.owner.clone(),
        workflow_id: flow.id.clone(),
    }
}

/// The status codes, in the order of their names.
const NAMES: [(&str, i64); 12] = [
    ("FAIL", -1),
    ("INIT", 0),
    ("SUCCESS", 1),
    ("RUNNING", 2),
    ("SUSPEND", 3),
    ("INTERNAL_ERROR", 4),
    ("WAIT", 5),
    ("READY", 6),
    ("TIMEOUT", 7),
    ("CANCEL", 8),
    ("RERUN", 9),
    ("SKIP", 10),
];

/// The status code, from its name where only that can be read.
fn code(task: &TaskInstance) -> Option<i64> {
    let named = || NAMES.iter().find(|(name, _)| *name == task.sts_desc.text()).map(|(_, code)| *code);
    task.status.get().copied().or_else(named)
}

/// Contract §4. A failed or timed-out task may be tried again as long as it has no end.
fn state(task: &TaskInstance) -> RunState {
    let open = task.end_time == Field::Absent;
    match code(task) {
        Some(0 | 3 | 5) => RunState::Waiting,
        Some(6) => RunState::Queued,
        Some(2) => RunState::Running,
        Some(9) => RunState::Retrying,
        Some(-1 | 7) if open => RunState::Retrying,
        Some(1) => RunState::Finished(Outcome::Success),
        Some(-1 | 4) => RunState::Finished(Outcome::Failed),
        Some(7) => RunState::Finished(Outcome::Timeout),
        Some(8) => RunState::Finished(Outcome::Cancelled),
        Some(10) => RunState::Finished(Outcome::Skipped),
        Some(other) => RunState::Unknown(UnknownState(other.to_string().into())),
        None if task.sts_desc.text().is_empty() => RunState::Unknown(UnknownState("no status".into())),
        None => RunState::Unknown(UnknownState(task.sts_desc.text().into())),
    }
}

/// Whether a status of this name is one that a flow or task may leave by itself.
pub(super) fn is_final(code: i64) -> bool {
    matches!(code, -1 | 1 | 4 | 7 | 8 | 10)
}

/// Whether a flow of this status ran to its end.
pub(super) fn is_done(code: i64) -> bool {
    matches!(code, 1 | 10)
}

fn count(field: &Field<i64>, flaws: &mut Vec<RejectCause>) -> Option<u32> {
    let read = u32::try_from(*field.read(flaws)?).ok();
    if read.is_none() {
        flaws.push(RejectCause::ImpossibleValue);
    }
    read
}

/// A figure in units of so many.
fn figure(field: &Field<f64>, unit: f64, flaws: &mut Vec<RejectCause>) -> Option<f64> {
    let read = Some(*field.read(flaws)? * unit).filter(|told| (0.0..=MOST).contains(told));
    if read.is_none() {
        flaws.push(RejectCause::ImpossibleValue);
    }
    read
}

#[cfg(test)]
mod tests;
