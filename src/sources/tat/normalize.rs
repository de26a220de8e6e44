//! From the API's words to ours. Pure and total.

use super::wire::{BasicInfo, Invocation, Task};
use crate::model::{
    Item, ItemSet, Label, Observation, Outcome, RejectCause, RunId, RunState, TaskInfo, TaskKey, Timestamp,
    UnknownState, Zone,
};
use crate::sources::lenient::Field;
use std::sync::Arc;

/// Where a run with this TaskStatus stands.
///
/// Source: <https://cloud.tencent.com/document/product/1340/52695>, InvocationTask.
pub(super) fn state(status: &str) -> RunState {
    match status {
        "PENDING" => RunState::Waiting,
        "DELIVERING" | "DELIVER_DELAYED" => RunState::Queued,
        "RUNNING" | "CANCELLING" => RunState::Running,
        "SUCCESS" => RunState::Finished(Outcome::Success),
        "FAILED" | "DELIVER_FAILED" | "START_FAILED" => RunState::Finished(Outcome::Failed),
        "TIMEOUT" | "TASK_TIMEOUT" => RunState::Finished(Outcome::Timeout),
        "CANCELLED" | "TERMINATED" => RunState::Finished(Outcome::Cancelled),
        other => RunState::Unknown(UnknownState(other.into())),
    }
}

/// Whether the command of a task with this status started, so that its exit code means something.
fn started(status: &str) -> bool {
    matches!(status, "SUCCESS" | "FAILED" | "TIMEOUT" | "TERMINATED")
}

/// An invocation, as far as it can be used.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    /// InvocationId.
    pub(super) id: Arc<str>,
    /// CommandId.
    pub(super) command: Arc<str>,
    /// CommandName, where the answer has it.
    pub(super) name: Option<String>,
    /// CreatedTime, else StartTime.
    pub(super) created: Option<Timestamp>,
    status: Label,
    info: TaskInfo,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    updated: Option<Timestamp>,
    /// Its tasks.
    pub(super) shares: Vec<Share>,
    /// Why tasks of it were refused.
    pub(super) rejected: Vec<RejectCause>,
    flaws: Vec<RejectCause>,
}

/// One machine's share of an invocation.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The run.
    pub(super) run: RunId,
    /// Where it stands.
    pub(super) state: RunState,
    machine: Label,
    status: Label,
}

/// Reads one row of DescribeInvocations.
///
/// # Errors
/// Why it cannot be used at all. Tasks of it that cannot be used stand in [`Activity::rejected`].
pub(super) fn activity(row: &Invocation) -> Result<Activity, RejectCause> {
    let id = row.invocation_id.get().ok_or(RejectCause::MissingId)?;
    let command = row.command_id.get().ok_or(RejectCause::MissingId)?;
    let mut flaws = Vec::new();
    let mut rejected = Vec::new();
    let mut shares = Vec::new();
    if matches!(row.invocation_task_basic_info_set, Field::Malformed) {
        rejected.push(RejectCause::Malformed);
    }
    for info in row.invocation_task_basic_info_set.items() {
        match info.get().map_or(Err(RejectCause::Malformed), share) {
            Ok(share) => shares.push(share),
            Err(cause) => rejected.push(cause),
        }
    }
    let started = time(&row.start_time, &mut flaws);
    Ok(Activity {
        id: id.as_str().into(),
        command: command.as_str().into(),
        name: row.command_name.get().cloned(),
        created: time(&row.created_time, &mut flaws).or(started),
        status: Label::new(row.invocation_status.text()),
        info: TaskInfo { task_type: Label::new(row.command_type.text()), ..TaskInfo::default() },
        started,
        ended: time(&row.end_time, &mut flaws),
        updated: time(&row.updated_time, &mut flaws),
        shares,
        rejected,
        flaws,
    })
}

fn share(info: &BasicInfo) -> Result<Share, RejectCause> {
    let id = info.invocation_task_id.get().ok_or(RejectCause::MissingId)?;
    let machine = info.instance_id.get().ok_or(RejectCause::MissingId)?;
    let status = info.task_status.get().ok_or(RejectCause::Malformed)?;
    Ok(Share {
        run: RunId { instance: id.as_str().into(), round: 0 },
        state: state(status),
        machine: Label::new(machine),
        status: Label::new(status),
    })
}

impl Activity {
    /// When it ended, or was last changed; `None` while it runs.
    pub(super) fn over(&self) -> Option<Timestamp> {
        let running = self.shares.iter().any(|share| !matches!(share.state, RunState::Finished(_)));
        if running { None } else { self.ended.or(self.updated) }
    }

    fn key(&self, workflow: &Label, machine: &Label) -> TaskKey {
        TaskKey { workflow: workflow.clone(), task: machine.clone(), task_id: Label::new(&self.command) }
    }

    /// What the invocation alone tells of one share: all there is while it runs, and all there is where the tasks
    /// are not asked for.
    ///
    /// Start and end of an invocation are those of its only task; those of several say nothing of each.
    pub(super) fn observe(&self, share: &Share, workflow: &Label) -> Observation {
        let mut seen =
            Observation::new(self.key(workflow, &share.machine), share.run.clone(), share.state.clone());
        seen.info = self.info.clone();
        seen.parent = Arc::clone(&self.id);
        seen.created = self.created;
        if matches!(share.state, RunState::Finished(_)) {
            if self.shares.len() == 1 {
                (seen.started, seen.ended) = (self.started, self.ended);
            }
            seen.updated = self.ended.or(self.updated);
        } else if share.state == RunState::Running {
            seen.started = self.started;
        }
        seen.flaws.clone_from(&self.flaws);
        seen
    }

    /// What its task tells of one share.
    pub(super) fn observe_task(&self, share: &Share, workflow: &Label, task: &Task) -> Observation {
        let status = task.task_status.get().map_or(&*share.status, String::as_str);
        let mut flaws = Vec::new();
        let mut seen = Observation::new(self.key(workflow, &share.machine), share.run.clone(), state(status));
        seen.info = self.info.clone();
        seen.parent = Arc::clone(&self.id);
        seen.created = time(&task.created_time, &mut flaws).or(self.created);
        seen.updated = time(&task.updated_time, &mut flaws);
        let mut exec = (None, None);
        if let Some(result) = task.task_result.read(&mut flaws) {
            exec = (time(&result.exec_start_time, &mut flaws), time(&result.exec_end_time, &mut flaws));
            if started(status) {
                seen.return_code = result.exit_code.read(&mut flaws).copied();
            }
        }
        let share_times = (time(&task.start_time, &mut flaws), time(&task.end_time, &mut flaws));
        // The command's own times, or the task's: one of each would measure neither.
        (seen.started, seen.ended) = match (exec, share_times) {
            ((Some(start), Some(end)), _) => (Some(start), Some(end)),
            (exec, task) => (task.0.or(exec.0), task.1.or(exec.1)),
        };
        seen.flaws = flaws;
        seen
    }

    /// The invocation and its tasks, each by its status.
    pub(super) fn items(&self, workflow: &Label) -> Vec<Item> {
        let Some(at) = self.created else { return Vec::new() };
        let item = |set, id: &Arc<str>, status: &Label, task| Item {
            set,
            id: Arc::clone(id),
            status: status.clone(),
            at,
            task,
        };
        let whole = (!self.status.is_empty())
            .then(|| item(ItemSet::TatInvocations, &self.id, &self.status, TaskKey::default()));
        let machine = Label::empty();
        let shares = self.shares.iter().map(|share| {
            item(
                ItemSet::TatInvocationTasks,
                &share.run.instance,
                &share.status,
                self.key(workflow, &machine),
            )
        });
        whole.into_iter().chain(shares).collect()
    }
}

/// A time text; both `Z` and `+00:00` occur.
fn time(field: &Field<String>, flaws: &mut Vec<RejectCause>) -> Option<Timestamp> {
    let text = field.read(flaws)?;
    let read = Zone::read_rfc3339(text);
    if read.is_none() {
        flaws.push(RejectCause::InvalidTimestamp);
    }
    read
}

#[cfg(test)]
mod tests;
