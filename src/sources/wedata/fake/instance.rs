//! GetTaskInstance, and the fields that it shares with ListInstances.

use super::history::{Instance, Phase, Round, Task};
use super::log;
use super::project::Project;
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Refusal, stamp};
use serde_json::{Value, json};

/// The hours that the call wants its times ahead of UTC.
pub(super) fn zone(call: &Call<'_>) -> Result<i32, Refusal> {
    let text = call.arguments.text("ScheduleTimeZone")?.unwrap_or("UTC+8");
    stamp::zone(text).ok_or_else(|| Refusal::of("InvalidParameterValue", "ScheduleTimeZone is not UTC±N."))
}

/// The instance that a call names; `None` where there is none (yet) in the project.
pub(super) fn named(call: &Call<'_>) -> Result<Option<(Task, Instance)>, Refusal> {
    let project = Project::of_call(call)?;
    let key = call.arguments.required("InstanceKey")?;
    let found = Task::find(call.world, key);
    Ok(found.filter(|(task, instance)| task.project.id == project.id && instance.created <= call.now))
}

/// GetTaskInstance.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let hours = zone(call)?;
    let Some((task, instance)) = named(call)? else { return Ok(json!({"Data": null})) };
    let mut data = fields(&task, &instance, call.now, hours);
    data["NextCurDate"] = json!(stamp::plain(instance.planned + task.rhythm.every(), stamp::CHINA));
    let rounds = &instance.rounds[..instance.begun(call.now)];
    let lives =
        rounds.iter().enumerate().map(|(number, round)| life(&task, &instance, number, round, call, hours));
    data["InstanceLifeCycleList"] = lives.collect();
    data["LatestLog"] = match rounds.last() {
        Some(round) if !job_id(&task, &instance, rounds.len() - 1, round, call.now).is_empty() => {
            json!({"CodeInfo": CANARY, "LogInfo": CANARY, "IsEnd": false, "ExtInfo": "1", "LineCount": 1})
        }
        _ => Value::Null,
    };
    Ok(json!({ "Data": data }))
}

/// What both actions tell of an instance.
pub(super) fn fields(task: &Task, instance: &Instance, now: i64, hours: i32) -> Value {
    let Some(round) = instance.current(now) else { return Value::Null };
    let started = round.started().filter(|at| *at <= now);
    let ended = Some(round.ended()).filter(|at| *at <= now);
    let shown = |at: i64| stamp::plain(at, hours);
    json!({
        "InstanceKey": key(task, instance),
        "ProjectId": task.project.id,
        "FolderId": "2493fc25-643d-11ef-8ec8-b8599f277de5",
        "FolderName": "simulated",
        "WorkflowId": format!("ec66594e-53a0-48cb-8044-a9eb3a58e{:03}", task.index / 2 % 4),
        "WorkflowName": task.workflow(),
        "TaskId": task.id(),
        "TaskName": task.name(),
        "TaskType": {"TypeDesc": "Shell", "TypeId": 35, "TypeSort": "数据计算"},
        "TaskCycleType": if task.character.every() < 3600 { "I" } else { "H" },
        "ExecutorGroupId": "20240222212719833743",
        "ExecutorGroupName": "simulated",
        "InChargeList": ["owner_a", "owner_b"],
        "CurRunDate": stamp::plain(instance.planned, stamp::CHINA),
        "SchedulerTime": shown(instance.planned),
        "StartTime": started.map(shown),
        "EndTime": ended.map(shown),
        "CostTime": started.map(|started| cost(ended.unwrap_or(now) - started)),
        "InstanceState": round.state(now).0,
        "InstanceType": null,
        "TryLimit": task.try_limit(),
        "Tries": round.dispatches(now),
        "TotalRunNum": instance.begun(now),
    })
}

pub(super) fn key(task: &Task, instance: &Instance) -> String {
    format!("{}_{}", task.id(), stamp::plain(instance.planned, stamp::CHINA))
}

/// `HH:MM:SS.mmm`.
fn cost(secs: i64) -> String {
    format!("{:02}:{:02}:{:02}.000", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Tasks whose logs are found by file and machine instead of by job.
pub(super) fn filed(task: &Task) -> bool {
    task.index % 5 == 3
}

/// ExecutionJobId: empty before the first dispatch, and for logs found by file.
pub(super) fn job_id(task: &Task, instance: &Instance, number: usize, round: &Round, now: i64) -> String {
    if round.dispatches(now) == 0 || filed(task) {
        return String::new();
    }
    format!("68{}{}{number}", instance.planned, task.index)
}

/// OriginFileName: only for logs found by file, and not before the first dispatch.
pub(super) fn file_name(task: &Task, instance: &Instance, number: usize, round: &Round, now: i64) -> String {
    if round.dispatches(now) == 0 || !filed(task) {
        return String::new();
    }
    format!("{}_{number}", key(task, instance))
}

/// An element of InstanceLifeCycleList.
fn life(
    task: &Task,
    instance: &Instance,
    number: usize,
    round: &Round,
    call: &Call<'_>,
    hours: i32,
) -> Value {
    let text = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let now = call.now;
    let run_type = if number == 0 { "PERIODIC" } else { "RERUN" };
    json!({
        "InstanceKey": key(task, instance),
        "InstanceState": round.state(now).0,
        "LifeRoundNum": number,
        "RunType": run_type,
        "Tries": (round.dispatches(now) - 1).max(0),
        "LifeCycleDetailList": details(round, now, hours),
        "CodeFileName": null,
        "ExecutionJobId": text(job_id(task, instance, number, round, now)),
        "BrokerIp": log::BROKER,
        "OriginFileName": text(file_name(task, instance, number, round, now)),
        "LogType": null,
        // What the document's sample shows for a round that ran 16 s.
        "CostTime": "-11",
    })
}

/// LifeCycleDetailList: newest first, as in the document's sample.
fn details(round: &Round, now: i64, hours: i32) -> Value {
    let seen = round.seen(now);
    let mut rows: Vec<Value> = Vec::with_capacity(seen.len() + 1);
    for (n, phase) in seen.iter().enumerate() {
        let last = n + 1 == round.phases.len();
        let detail = match round.forced {
            Some(forced) if last && forced <= now => Phase { detail: "COMPLETE", ..*phase },
            _ => *phase,
        };
        let until = seen.get(n + 1).map(|next| stamp::plain(next.at, hours));
        rows.push(json!({
            "DetailState": detail.detail,
            "StartTime": stamp::plain(detail.at, hours),
            "EndTime": until,
            "State": null,
        }));
    }
    rows.reverse();
    Value::Array(rows)
}
