//! DescribeInvocations.

use super::command::Command;
use super::listing::{Query, kept, newest};
use super::task::Task;
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Refusal, World, cut, stamp};
use serde_json::{Value, json};

/// One invocation: a command on all its machines, once.
pub(super) struct Invocation {
    pub(super) command: Command,
    pub(super) k: i64,
}

/// Ids of one region's invocations count through all tasks of the world.
const WIDTH: i64 = 65_536;

impl Invocation {
    pub(super) fn new(world: &World, index: usize, k: i64) -> Self {
        Self { command: Command::of(world, index), k }
    }

    /// The invocation with this number in its id, if it exists at `now` in `region`.
    pub(super) fn find(world: &World, number: i64, region: &str, now: i64) -> Option<Self> {
        let index = usize::try_from(number.rem_euclid(WIDTH)).ok().filter(|index| *index < world.tasks())?;
        let found = Self::new(world, index, number.div_euclid(WIDTH));
        (found.command.region == region && kept(&found.command, now).contains(&found.k)).then_some(found)
    }

    pub(super) fn number(&self) -> i64 {
        self.k * WIDTH + i64::try_from(self.command.index).unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        format!("inv-{}", base36(self.number()))
    }

    pub(super) fn created(&self) -> i64 {
        self.command.rhythm.at(self.k)
    }

    /// The command's share on each machine.
    pub(super) fn tasks(&self, world: &World) -> Vec<Task> {
        (0..self.command.machines()).map(|machine| Task::of(world, self, machine)).collect()
    }
}

/// DescribeInvocations.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let allowed = ["invocation-id", "command-id", "command-created-by", "instance-kind"];
    let query = Query::read(call, "InvocationIds", &allowed)?;
    let named = (!query.ids.is_empty()).then_some(&*query.ids).or(query.values("invocation-id"));
    let (rows, total) = match named {
        Some(ids) => {
            let mut found = Vec::new();
            for id in ids {
                let wrong =
                    || Refusal::of("InvalidParameterValue.InvalidInvocationId", "Not an invocation's id.");
                let number = number(id, "inv-").ok_or_else(wrong)?;
                found.extend(Invocation::find(call.world, number, call.region, call.now));
            }
            found.retain(|invocation| query.takes_command(&invocation.command));
            let total = i64::try_from(found.len()).unwrap_or_default();
            (found, total)
        }
        None => {
            let commands: Vec<Command> = Command::all(call.world, call.region)
                .filter(|command| query.takes_command(command))
                .collect();
            let range = |command| {
                let range = kept(command, call.now);
                range.end() - range.start() + 1
            };
            let most = usize::try_from(query.offset + query.limit + 1).unwrap_or(usize::MAX);
            let rows = newest(&commands, call.now).take(most);
            let rows = rows.map(|(n, k)| Invocation::new(call.world, commands[n].index, k)).collect();
            (rows, commands.iter().map(range).sum())
        }
    };
    let page = cut(rows, total, query.offset, query.limit, call.skew);
    let rows: Vec<Value> = page.rows.iter().map(|invocation| row(invocation, call.world, call.now)).collect();
    Ok(json!({"TotalCount": page.total, "InvocationSet": rows}))
}

fn row(invocation: &Invocation, world: &World, now: i64) -> Value {
    let command = &invocation.command;
    let tasks = invocation.tasks(world);
    let statuses: Vec<&str> = tasks.iter().map(|task| task.status(now)).collect();
    let started = tasks.iter().filter_map(|task| task.started(now)).min();
    let status = summary(&statuses);
    let ended = tasks.iter().map(Task::ended).max().filter(|at| *at <= now);
    let updated = tasks.iter().map(|task| task.updated(now)).max().unwrap_or_default();
    let mut row = json!({
        "InvocationId": invocation.id(),
        "CommandId": command.id(),
        "InvocationStatus": status,
        "InvocationTaskBasicInfoSet": tasks.iter().zip(&statuses).map(|(task, status)| json!({
            "InvocationTaskId": task.id(), "TaskStatus": status, "InstanceId": task.machine(),
        })).collect::<Vec<_>>(),
        "Description": "simulated",
        "StartTime": started.map(stamp::offset),
        "EndTime": ended.map(stamp::offset),
        "CreatedTime": stamp::offset(invocation.created()),
        "UpdatedTime": stamp::offset(updated),
        "Parameters": "",
        "DefaultParameters": "{\"k1\":\"v1\"}",
        "InstanceKind": command.kind(),
        "Username": "root",
        "InvocationSource": command.source(),
        "CommandContent": CANARY,
        "CommandType": "SHELL",
        "Timeout": 60,
        "WorkingDirectory": "/root",
        "OutputCOSBucketUrl": "",
        "OutputCOSKeyPrefix": "",
    });
    if command.named() {
        row["CommandName"] = json!(command.name());
    }
    row
}

/// InvocationStatus, from the TaskStatus of all tasks.
fn summary(statuses: &[&str]) -> &'static str {
    const FAILED: [&str; 5] = ["FAILED", "DELIVER_FAILED", "START_FAILED", "TIMEOUT", "TASK_TIMEOUT"];
    let all = |names: &[&str]| statuses.iter().all(|status| names.contains(status));
    let any = |names: &[&str]| statuses.iter().any(|status| names.contains(status));
    if all(&["PENDING"]) {
        "PENDING"
    } else if any(&["CANCELLING"]) {
        "CANCELLING"
    } else if any(&["PENDING", "DELIVERING", "DELIVER_DELAYED", "RUNNING"]) {
        "RUNNING"
    } else if all(&["SUCCESS"]) {
        "SUCCESS"
    } else if all(&["TIMEOUT", "TASK_TIMEOUT"]) {
        "TIMEOUT"
    } else if all(&FAILED) {
        "FAILED"
    } else if all(&["CANCELLED", "TERMINATED"]) {
        "CANCELLED"
    } else if any(&FAILED) {
        "PARTIAL_FAILED"
    } else {
        "PARTIAL_CANCELLED"
    }
}

/// Ten digits of base 36, as ids have them.
pub(super) fn base36(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits: Vec<char> = (0..10)
        .map(|_| {
            let digit = char::from_digit(u32::try_from(rest % 36).unwrap_or_default(), 36).unwrap_or('0');
            rest /= 36;
            digit
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// The number in an id.
pub(super) fn number(id: &str, prefix: &str) -> Option<i64> {
    i64::from_str_radix(id.strip_prefix(prefix)?, 36).ok()
}
