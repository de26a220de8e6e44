//! The life of invocation tasks, and DescribeInvocationTasks.

use super::command::Command;
use super::invocation::{Invocation, base36, number};
use super::listing::{Query, kept, newest};
use crate::model::{Outcome, Timestamp};
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Character, Dice, Refusal, Span, TrueRun, World, cut, stamp};
use serde_json::{Value, json};

/// One machine's share of an invocation: one run.
pub(super) struct Task {
    id: String,
    machine: String,
    created: i64,
    /// TaskStatus, and since when; the last one is final.
    steps: Vec<(&'static str, i64)>,
    exit_code: i64,
}

/// The most machines a command runs on here: ids have room for these.
const MOST_MACHINES: i64 = 16;

impl Task {
    pub(super) fn of(world: &World, invocation: &Invocation, machine: i64) -> Self {
        let command = &invocation.command;
        let dice = command.dice.of(invocation.k).of(machine);
        let created = invocation.created();
        let (steps, exit_code) = live(world, command.character, dice, created);
        Self {
            id: format!("invt-{}", base36(invocation.number() * MOST_MACHINES + machine)),
            machine: command.machine(machine),
            created,
            steps,
            exit_code,
        }
    }

    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    pub(super) fn machine(&self) -> String {
        self.machine.clone()
    }

    fn step(&self, now: i64) -> (&'static str, i64) {
        let seen = self.steps.iter().rev().find(|(_, at)| *at <= now);
        seen.copied().unwrap_or(("PENDING", self.created))
    }

    pub(super) fn status(&self, now: i64) -> &'static str {
        self.step(now).0
    }

    pub(super) fn updated(&self, now: i64) -> i64 {
        self.step(now).1
    }

    fn since(&self, status: &str) -> Option<i64> {
        self.steps.iter().find(|(known, _)| *known == status).map(|(_, at)| *at)
    }

    fn fate(&self) -> &'static str {
        self.steps[self.steps.len() - 1].0
    }

    pub(super) fn ended(&self) -> i64 {
        self.steps[self.steps.len() - 1].1
    }

    /// StartTime: its delivery, which one that never got there does not have.
    pub(super) fn started(&self, now: i64) -> Option<i64> {
        let delivered = !matches!(self.fate(), "DELIVER_FAILED" | "CANCELLED");
        self.since("DELIVERING").filter(|at| delivered && *at <= now)
    }

    /// ExecStartTime and ExecEndTime of the command itself. Of one that fell silent nobody knows the end.
    fn executed(&self, now: i64) -> (Option<i64>, Option<i64>) {
        let started = self.since("RUNNING").filter(|at| *at <= now);
        let ended = Some(self.ended()).filter(|at| *at <= now && self.fate() != "TASK_TIMEOUT");
        (started, ended.filter(|_| started.is_some()))
    }

    fn row(&self, invocation: &Invocation, now: i64, hide: bool) -> Value {
        let (exec_started, exec_ended) = self.executed(now);
        let ended = Some(self.ended()).filter(|at| *at <= now);
        let command = &invocation.command;
        let mut row = json!({
            "InvocationId": invocation.id(),
            "InvocationTaskId": self.id,
            "CommandId": command.id(),
            "InstanceId": self.machine,
            "TaskStatus": self.status(now),
            "TaskResult": {
                "ExitCode": if ended.is_some() { self.exit_code } else { 0 },
                "Output": if hide { "" } else { CANARY },
                "ExecStartTime": exec_started.map(stamp::zulu),
                "ExecEndTime": exec_ended.map(stamp::zulu),
                "Dropped": 0,
                "OutputUrl": "",
                "OutputUploadCOSErrorInfo": "",
            },
            "StartTime": self.started(now).map(stamp::zulu),
            "EndTime": ended.map(stamp::zulu),
            "CreatedTime": stamp::zulu(self.created),
            "UpdatedTime": stamp::zulu(self.updated(now)),
            "CommandDocument": {
                "Content": CANARY, "CommandType": "SHELL", "Timeout": 60, "Username": "root",
                "WorkingDirectory": "/root/", "OutputCOSBucketUrl": "", "OutputCOSKeyPrefix": "",
            },
            "ErrorInfo": if self.fate() == "START_FAILED" && ended.is_some() { CANARY } else { "" },
            "InvocationSource": command.source(),
        });
        if command.named() {
            row["CommandName"] = json!(command.name());
        }
        row
    }

    /// What really happened, in the exporter's words.
    fn truth(&self, command: &Command) -> TrueRun {
        let at = Timestamp::from_secs;
        let ended = self.ended();
        let outcome = match self.fate() {
            "SUCCESS" => Outcome::Success,
            "TIMEOUT" | "TASK_TIMEOUT" => Outcome::Timeout,
            "CANCELLED" | "TERMINATED" => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        let (exec_started, exec_ended) = self.executed(ended);
        let whole = self.started(ended).map(|started| ended - started);
        let secs = exec_started.zip(exec_ended).map(|(started, ended)| ended - started).or(whole);
        let told = matches!(self.fate(), "SUCCESS" | "FAILED" | "TIMEOUT" | "TERMINATED");
        TrueRun {
            region: command.region.to_owned(),
            project: String::new(),
            workflow: command.label(),
            task: self.machine.clone(),
            task_id: command.id(),
            run: self.id.clone(),
            outcome,
            revised: None,
            gone: None,
            created: at(self.created),
            started: exec_started.or(self.started(ended)).map(at),
            ended: at(ended),
            known: at(ended),
            duration_ms: secs.map(|secs| (secs * 1000) as f64),
            memory_bytes: None,
            billed_ms: None,
            code: told.then_some(self.exit_code),
            retries: 0,
            waits_ms: None,
        }
    }
}

/// The steps of one life, and the exit code at its end.
fn live(world: &World, character: Character, dice: Dice, created: i64) -> (Vec<(&'static str, i64)>, i64) {
    let mut steps = vec![("PENDING", created)];
    let mut at = created + 1;
    steps.push(("DELIVERING", at));
    let fate = match character {
        Character::Odd => dice.named("fate").pick(&[
            "SUCCESS",
            "SUCCESS",
            "FAILED",
            "TIMEOUT",
            "TASK_TIMEOUT",
            "DELIVER_FAILED",
            "START_FAILED",
            "CANCELLED",
            "TERMINATED",
        ]),
        _ if dice.named("fate").chance(character.fails()) => "FAILED",
        _ => "SUCCESS",
    };
    if character == Character::Early || matches!(fate, "DELIVER_FAILED" | "CANCELLED") {
        at += 2;
        steps.push(("DELIVER_DELAYED", at));
        at += world.span(if character == Character::Early { 1200 } else { 60 });
    }
    if matches!(fate, "DELIVER_FAILED" | "START_FAILED" | "CANCELLED") {
        steps.push((fate, at + 1));
        return (steps, if fate == "START_FAILED" { -1 } else { 0 });
    }
    at += 1;
    steps.push(("RUNNING", at));
    at += world.span(character.lasting(dice));
    if fate == "TERMINATED" {
        steps.push(("CANCELLING", at));
        at += world.span(3);
    }
    steps.push((fate, at));
    let exit_code = match fate {
        "FAILED" => dice.named("code").pick(&[1, 2, 126, 127, 137, -1]),
        "TIMEOUT" | "TERMINATED" => -1,
        _ => 0,
    };
    (steps, exit_code)
}

/// DescribeInvocationTasks.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let allowed = ["invocation-task-id", "invocation-id", "instance-id", "command-id"];
    let query = Query::read(call, "InvocationTaskIds", &allowed)?;
    let hide = call.arguments.boolean("HideOutput")?.unwrap_or(true);
    let (world, now) = (call.world, call.now);
    let mine = |task: &Task| query.takes("instance-id", &task.machine);
    let share = |invocation: Invocation| {
        let tasks =
            invocation.tasks(world).into_iter().filter(mine).map(|task| task.row(&invocation, now, hide));
        tasks.collect::<Vec<Value>>()
    };
    let find = |number: i64| {
        let found = Invocation::find(world, number, call.region, now);
        found.filter(|invocation| query.takes_command(&invocation.command))
    };
    let task_ids = (!query.ids.is_empty()).then_some(&*query.ids).or(query.values("invocation-task-id"));
    let (rows, total) = if let Some(ids) = task_ids {
        let one = |id: &&str| {
            let row = find(number(id, "invt-")?.div_euclid(MOST_MACHINES)).map(share)?;
            row.into_iter().find(|row| row["InvocationTaskId"] == **id)
        };
        let rows: Vec<Value> = ids.iter().filter_map(one).collect();
        let rows: Vec<Value> = rows
            .into_iter()
            .filter(|row| query.takes("invocation-id", row["InvocationId"].as_str().unwrap_or_default()))
            .collect();
        let total = i64::try_from(rows.len()).unwrap_or_default();
        (rows, total)
    } else if let Some(ids) = query.values("invocation-id") {
        let found = ids.iter().filter_map(|id| find(number(id, "inv-")?));
        let rows: Vec<Value> = found.flat_map(share).collect();
        let total = i64::try_from(rows.len()).unwrap_or_default();
        (rows, total)
    } else {
        let commands: Vec<Command> =
            Command::all(world, call.region).filter(|command| query.takes_command(command)).collect();
        let machines = |command: &Command| {
            (0..command.machines()).filter(|n| query.takes("instance-id", &command.machine(*n))).count()
        };
        let count = |command: &Command| {
            let range = kept(command, now);
            (range.end() - range.start() + 1) * i64::try_from(machines(command)).unwrap_or_default()
        };
        let total = commands.iter().map(count).sum();
        let most = usize::try_from(query.offset + query.limit + 1).unwrap_or(usize::MAX);
        let rows =
            newest(&commands, now).flat_map(|(n, k)| share(Invocation::new(world, commands[n].index, k)));
        (rows.take(most).collect(), total)
    };
    let page = cut(rows, total, query.offset, query.limit, call.skew);
    Ok(json!({"TotalCount": page.total, "InvocationTaskSet": page.rows}))
}

pub(super) fn truth(world: &World, span: &Span) -> Vec<TrueRun> {
    let mut runs = Vec::new();
    for command in (0..world.tasks()).map(|index| Command::of(world, index)) {
        let first = span.from.secs() - world.reach(command.character);
        for k in command.rhythm.between(first, span.to.secs()) {
            let invocation = Invocation::new(world, command.index, k);
            let ended = invocation.tasks(world).into_iter().map(|task| task.truth(&command));
            runs.extend(ended.filter(|run| span.holds(run)));
        }
    }
    runs
}
