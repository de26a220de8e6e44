//! The life of task instances, and GET taskInstances `get`.

use super::flow::{Flow, Node};
use super::{Asked, Fault};
use crate::model::{Outcome, Timestamp};
use crate::simulator::{CANARY, Character, Dice, Span, TrueRun, World, apim, stamp};
use serde_json::{Value, json};

/// FlowInstanceStatus.
pub(super) const STATUSES: [(i64, &str); 12] = [
    (-1, "FAIL"),
    (0, "INIT"),
    (1, "SUCCESS"),
    (2, "RUNNING"),
    (3, "SUSPEND"),
    (4, "INTERNAL_ERROR"),
    (5, "WAIT"),
    (6, "READY"),
    (7, "TIMEOUT"),
    (8, "CANCEL"),
    (9, "RERUN"),
    (10, "SKIP"),
];

pub(super) fn status_name(status: i64) -> &'static str {
    STATUSES.iter().find(|(code, _)| *code == status).map_or("NONE", |(_, name)| name)
}

/// How long before its planned time an instance exists, in seconds at the pace of life.
const AHEAD: i64 = 7200;
/// The least seconds between an end and a rerun: a run that another takes the place of can never be read again, so
/// it stands long enough for any sensible poll.
const REST: i64 = 120;

/// One task instance: all its runs.
pub(super) struct Task {
    pub(super) runs: Vec<Run>,
    timeout: i64,
}

/// One run of it.
pub(super) struct Run {
    /// What is shown, and since when; the last step is final.
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) at: i64,
    pub(super) status: i64,
    recalls: i64,
    over_time: bool,
}

pub(super) fn created(world: &World, flow: &Flow, k: i64) -> i64 {
    flow.rhythm.at(k) - world.span(AHEAD)
}

impl Task {
    pub(super) fn of(world: &World, flow: &Flow, node: &Node, k: i64) -> Self {
        let dice = flow.dice.of(k).of(i64::try_from(node.index).unwrap_or_default());
        let trigger = flow.rhythm.at(k);
        let first = run(world, node.character, dice.of(0), created(world, flow, k), Some(trigger));
        let mut runs = vec![first];
        let rerun = match node.character {
            Character::Flaky | Character::Odd => runs[0].status() != 1 && dice.named("rerun").chance(50),
            Character::Steady => dice.named("rerun").chance(5),
            _ => false,
        };
        if rerun {
            let at = runs[0].ended() + REST + world.span(dice.named("rest").between(60, 900));
            runs.push(run(world, node.character, dice.of(1), at, None));
        }
        Self { runs, timeout: 300 }
    }

    /// The run that is shown at `now`, with its number from 0; the first one before anything began.
    pub(super) fn current(&self, now: i64) -> (usize, &Run) {
        let begun = self.runs.iter().rposition(|run| run.steps[0].at <= now).unwrap_or_default();
        (begun, &self.runs[begun])
    }

    pub(super) fn status(&self, now: i64) -> i64 {
        self.current(now).1.step(now).status
    }
}

impl Run {
    fn step(&self, now: i64) -> Step {
        *self.steps.iter().rev().find(|step| step.at <= now).unwrap_or(&self.steps[0])
    }

    /// Its final status.
    fn status(&self) -> i64 {
        self.steps[self.steps.len() - 1].status
    }

    pub(super) fn ended(&self) -> i64 {
        self.steps[self.steps.len() - 1].at
    }

    /// The start of the first try, if there ever is one.
    pub(super) fn started(&self) -> Option<i64> {
        self.steps.iter().find(|step| step.status == 2).map(|step| step.at)
    }
}

/// One run that begins at `begun`; the first one waits for `trigger`.
fn run(world: &World, character: Character, dice: Dice, begun: i64, trigger: Option<i64>) -> Run {
    let mut steps = Vec::new();
    let mut recalls = 0;
    let mut at = begun;
    let mut over_time = false;
    let mut push = |at: i64, status: i64, recalls: i64, over_time: bool| {
        steps.push(Step { at, status, recalls, over_time });
    };
    match trigger {
        Some(trigger) => {
            push(at, 0, 0, false);
            at = trigger;
            push(at, if dice.named("suspend").chance(5) { 3 } else { 5 }, 0, false);
            at += world.span(dice.named("wait").between(1, 30));
            if character == Character::Early {
                at += world.span(600);
            }
            push(at, 6, 0, false);
        }
        None => push(at, 9, 0, false),
    }
    let fate = match character {
        Character::Odd => dice.named("fate").pick(&[1, 1, 1, -1, 4, 7, 8, 10]),
        _ => 1,
    };
    at += world.span(dice.named("ready").between(1, 15));
    if fate == 10 {
        push(at, 10, 0, false);
        return Run { steps };
    }
    loop {
        push(at, 2, recalls, over_time);
        let dice = dice.named("try").of(recalls);
        at += world.span(character.lasting(dice));
        let failed = fate != 1
            || dice.named("fate").chance(if character == Character::Odd { 0 } else { character.fails() });
        if !failed {
            push(at, 1, recalls, over_time);
            break;
        }
        if fate == 7 {
            // Marked while it is still running, and stopped a little later.
            over_time = true;
            push(at, 7, recalls, over_time);
            at += world.span(30);
        } else if matches!(fate, 1 | -1) && recalls < recall_limit(character) {
            push(at, -1, recalls, over_time);
            at += world.span(10);
            recalls += 1;
            push(at, 9, recalls, over_time);
            at += world.span(5);
            continue;
        }
        push(at, if fate == 1 { -1 } else { fate }, recalls, over_time);
        break;
    }
    Run { steps }
}

fn recall_limit(character: Character) -> i64 {
    match character {
        Character::Flaky => 3,
        Character::Odd | Character::Failing => 1,
        _ => 0,
    }
}

/// GET taskInstances `get`.
pub(super) fn answer(asked: &Asked<'_>) -> Result<Value, Fault> {
    let (flow, node, k) = Flow::find_node(asked.world, &asked.text("taskInstId")).ok_or(Fault::Incorrect)?;
    if created(asked.world, &flow, k) > asked.now {
        return Err(Fault::Incorrect);
    }
    let task = Task::of(asked.world, &flow, &node, k);
    let now = asked.now;
    let (number, run) = task.current(now);
    let step = run.step(now);
    let plain = |at: i64| stamp::plain(at, stamp::CHINA);
    let shown = |at: Option<i64>| at.filter(|at| *at <= now).map(plain);
    Ok(json!({
        "instanceId": node.instance_id(&flow, k),
        "taskId": node.id(),
        "taskName": node.name(),
        "cycle": flow.cycle(),
        "status": step.status,
        "stsDesc": status_name(step.status),
        "runNum": number + 1,
        "type": 3,
        "syncType": null,
        "freq": null,
        "ifPre": 0,
        "recallNum": step.recalls,
        "recallLimit": recall_limit(node.character),
        "recallInterval": 0,
        "timeout": task.timeout,
        "triggerTime": plain(flow.rhythm.at(k)),
        "startTime": shown(run.started()),
        "endTime": shown(Some(run.ended())),
        "timeStamp": stamp::format(created(asked.world, &flow, k), stamp::CHINA, "%a %b %d %H:%M:%S CST %Y"),
        "isTimeout": step.over_time,
        "alert": step.over_time,
        "flowInstId": flow.instance_id(k),
        "doAs": "simulated",
        "runMode": json!({
            "taskMode": 1, "cpu": 0.6, "memory": 1.1, "maxParallel": 0, "keyType": 0, "datasourceId": 0,
            "path": "", "content": "",
        }).to_string(),
        "cmd": format!("echo {CANARY}"),
        "hasResourceBefore": false,
        "resourceName": "",
        "fileName": "",
        "resourceVersion": "",
    }))
}

pub(super) fn truth(world: &World, span: &Span) -> Vec<TrueRun> {
    let mut runs = Vec::new();
    for flow in Flow::all(world) {
        for node in flow.nodes() {
            let first = span.from.secs() - world.reach(node.character);
            for k in flow.rhythm.between(first, span.to.secs() + 1) {
                let task = Task::of(world, &flow, &node, k);
                let ended =
                    (0..task.runs.len()).map(|number| true_run(world, &flow, &node, k, &task, number));
                runs.extend(ended.filter(|run| span.holds(run)));
            }
        }
    }
    runs
}

fn true_run(world: &World, flow: &Flow, node: &Node, k: i64, task: &Task, number: usize) -> TrueRun {
    let at = Timestamp::from_secs;
    let run = &task.runs[number];
    let outcome = match run.status() {
        1 => Outcome::Success,
        7 => Outcome::Timeout,
        8 => Outcome::Cancelled,
        10 => Outcome::Skipped,
        _ => Outcome::Failed,
    };
    let ended = run.ended();
    TrueRun {
        region: String::new(),
        project: apim::ORG_ID.to_owned(),
        workflow: flow.name(),
        task: node.name(),
        task_id: node.id().to_string(),
        run: format!("{}#{}", node.instance_id(flow, k), number + 1),
        outcome,
        revised: None,
        gone: task.runs.get(number + 1).map(|next| at(next.steps[0].at)),
        created: at(created(world, flow, k)),
        started: run.started().map(at),
        ended: at(ended),
        known: at(ended),
        duration_ms: run.started().map(|started| ((ended - started) * 1000) as f64),
        memory_bytes: None,
        billed_ms: None,
        code: None,
        retries: run.steps[run.steps.len() - 1].recalls,
        waits_ms: None,
    }
}
