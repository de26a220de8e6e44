//! The life of invocations: rows of GetFunctionLogs.

use super::function::Function;
use crate::model::{Outcome, Timestamp};
use crate::simulator::tencent::uuid;
use crate::simulator::{CANARY, Character, Dice, Span, TrueRun, World, stamp};
use serde_json::{Value, json};

/// The longest a function runs, in milliseconds: SCF's own limit.
const LONGEST: i64 = 900_000;
/// Seconds over which one burst spreads, and after which a failed asynchronous invocation is tried again.
const SPREAD: i64 = 3;
const RETRY_AFTER: i64 = 60;
/// The most retries, as for asynchronous invocations.
const RETRIES: i64 = 2;

/// One try of one invocation: one run.
pub(super) struct Run {
    pub(super) request: String,
    pub(super) retry: i64,
    /// StartTime, in seconds.
    pub(super) started: i64,
    /// Duration in thousandths of a millisecond, in quarters of a millisecond.
    pub(super) micros: i64,
    /// From when on a row tells of it, in seconds.
    pub(super) shown: i64,
    pub(super) code: i64,
    pub(super) memory: i64,
    /// InvokeFinished: anything but 1 is an abnormal end.
    pub(super) finished: i64,
}

impl Run {
    fn of(world: &World, function: &Function, started: i64, dice: Dice, retry: i64) -> Self {
        let dice = dice.of(retry);
        let millis = match function.character {
            Character::Slow => dice.named("lasts").between(30_000, 600_000),
            Character::Stuck => dice.named("lasts").between(800_000, LONGEST),
            _ => dice.named("lasts").between(3, 2500),
        };
        let (code, finished) = match function.character {
            Character::Odd => dice.named("fate").pick(&[
                (0, 1),
                (0, 1),
                (0, 1),
                (1, 1),
                (3, 1),
                (433, 1),
                (-1, 1),
                (137, 1),
                (0, 0),
            ]),
            character if dice.named("fate").chance(character.fails()) => (1, 1),
            _ => (0, 1),
        };
        Self {
            request: String::new(),
            retry,
            started,
            micros: world.millis(millis) * 1000 + dice.named("fraction").between(0, 3) * 250,
            shown: started + dice.named("lag").between(0, 8),
            code,
            memory: dice.named("memory").between(20, 512) * 1_048_576 + 4096,
            finished,
        }
    }

    /// When it ended, in milliseconds; and from when on a row tells so.
    fn ended(&self) -> (i64, i64) {
        let ended = self.started * 1000 + self.micros.div_euclid(1000);
        (ended, ended.max(self.shown * 1000))
    }

    /// Whether a row tells its end at `now`, in seconds.
    fn over(&self, now: i64) -> bool {
        self.ended().1 <= now * 1000
    }

    /// RetCode as a row tells it.
    pub(super) fn ret_code(&self, now: i64) -> i64 {
        if self.over(now) { self.code } else { 2 }
    }

    fn millis(&self) -> f64 {
        self.micros as f64 / 1000.0
    }

    /// BillDuration: rounded up to 100 ms.
    fn billed(&self) -> i64 {
        (self.micros + 99_999).div_euclid(100_000) * 100
    }

    pub(super) fn row(&self, function: &Function, now: i64) -> Value {
        let over = self.over(now);
        json!({
            "FunctionName": function.name(),
            "RequestId": self.request,
            "RetryNum": self.retry,
            "StartTime": stamp::plain(self.started, stamp::CHINA),
            "RetCode": self.ret_code(now),
            "InvokeFinished": if over { self.finished } else { 0 },
            "Duration": if over { self.millis() } else { 0.0 },
            "BillDuration": if over { self.billed() } else { 0 },
            "MemUsage": if over { self.memory } else { 0 },
            "RetMsg": CANARY,
            "Log": format!("START RequestId: {}\n{CANARY}\n", self.request),
            "Level": "",
            "Source": "",
        })
    }

    fn truth(&self, function: &Function) -> TrueRun {
        let (ended, known) = self.ended();
        let success = self.code == 0 && self.finished == 1;
        TrueRun {
            region: function.region.to_owned(),
            project: function.namespace.to_owned(),
            workflow: String::new(),
            task: function.name(),
            task_id: String::new(),
            run: if self.retry == 0 {
                self.request.clone()
            } else {
                format!("{}#{}", self.request, self.retry)
            },
            outcome: if success { Outcome::Success } else { Outcome::Failed },
            revised: None,
            gone: None,
            created: Timestamp::from_secs(self.started),
            started: Some(Timestamp::from_secs(self.started)),
            ended: Timestamp::from_millis(ended),
            known: Timestamp::from_millis(known),
            duration_ms: Some(self.millis()),
            memory_bytes: Some(self.memory),
            billed_ms: Some(self.billed()),
            code: Some(self.code),
            retries: i64::from(self.retry > 0),
            waits_ms: None,
        }
    }
}

/// The runs of `function` that started in `from..=to`, in seconds, in no order.
pub(super) fn started(world: &World, function: &Function, from: i64, to: i64) -> Vec<Run> {
    let wait = world.span(RETRY_AFTER);
    let first = from.saturating_sub(SPREAD + RETRIES * (wait + world.span(SPREAD)));
    let mut runs = Vec::new();
    for k in function.rhythm.between(first, to) {
        for n in 0..function.burst() {
            let dice = function.dice.of(k).of(n);
            let mut at = function.rhythm.at(k) + dice.named("place").between(0, SPREAD);
            for retry in 0..=RETRIES {
                let mut run = Run::of(world, function, at, dice, retry);
                // Only fast functions are invoked asynchronously here: a retry follows soon.
                let again =
                    run.code != 0 && run.micros < 3_000_000 && dice.of(retry).named("again").chance(50);
                at += wait + world.span(SPREAD);
                if (from..=to).contains(&run.started) {
                    run.request = uuid(dice);
                    runs.push(run);
                }
                if !again {
                    break;
                }
            }
        }
    }
    runs
}

pub(super) fn truth(world: &World, span: &Span) -> Vec<TrueRun> {
    let mut runs = Vec::new();
    let first = span.from.secs() - world.span(LONGEST / 1000) - 1;
    for function in (0..world.tasks()).map(|index| Function::of(world, index)) {
        let ended = started(world, &function, first, span.to.secs());
        runs.extend(ended.iter().map(|run| run.truth(&function)).filter(|run| span.holds(run)));
    }
    runs
}
