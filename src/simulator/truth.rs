//! The ledger of truth: what really happened, whoever was looking.

use crate::model::{Outcome, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One finished run, as the world knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueRun {
    /// The region, empty where the kind has none.
    pub region: String,
    /// The label `project`.
    pub project: String,
    /// The label `workflow`.
    pub workflow: String,
    /// The label `task`.
    pub task: String,
    /// The label `task_id`.
    pub task_id: String,
    /// The API's id, and `#round` where it has more than one run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What its end was changed to later, and when.
    pub revised: Option<(Timestamp, Outcome)>,
    /// From when on the API shows nothing of it any more, because a newer run took its place.
    pub gone: Option<Timestamp>,
    /// When it came to be.
    pub created: Timestamp,
    /// When it began, if ever.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// From when on the API shows its end.
    pub known: Timestamp,
    /// How long it ran, where the API tells. Milliseconds, quarters exact.
    pub duration_ms: Option<f64>,
    /// Peak memory in bytes, where the API tells.
    pub memory_bytes: Option<i64>,
    /// Billed time in milliseconds, where the API tells.
    pub billed_ms: Option<i64>,
    /// Its return code, where the API tells one that means something.
    pub code: Option<i64>,
    /// Automatic retries.
    pub retries: i64,
    /// Waiting for others and for a place to run, in milliseconds, where the API tells.
    pub waits_ms: Option<(i64, i64)>,
}

/// Which runs a question is about.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Runs that ended at this time or later,
    pub from: Timestamp,
    /// and whose end the API showed at this time or earlier.
    pub to: Timestamp,
    /// When the asker first looked: what was gone by then is left out, what was revised by then counts revised.
    pub since: Option<Timestamp>,
}

impl Span {
    /// Whether a run that ended and became known at these times belongs to it.
    pub fn holds(&self, run: &TrueRun) -> bool {
        run.ended >= self.from
            && run.known <= self.to
            && !matches!((run.gone, self.since), (Some(gone), Some(since)) if gone <= since)
    }

    /// How an asker who first looked at `since` finds that it ended.
    pub fn outcome(&self, run: &TrueRun) -> Outcome {
        match (run.revised, self.since) {
            (Some((at, outcome)), Some(since)) if at <= since => outcome,
            _ => run.outcome,
        }
    }
}

#[derive(Default)]
struct Sum<'a> {
    runs: Vec<&'a TrueRun>,
    durations: i64,
    duration_ms: f64,
    memories: i64,
    memory_bytes: i64,
    billed_ms: i64,
    retries: i64,
    revised: i64,
    codes: BTreeMap<i64, i64>,
}

impl<'a> Sum<'a> {
    fn add(&mut self, run: &'a TrueRun, span: &Span) {
        self.runs.push(run);
        if let Some(duration) = run.duration_ms {
            self.durations += 1;
            self.duration_ms += duration;
        }
        if let Some(memory) = run.memory_bytes {
            self.memories += 1;
            self.memory_bytes += memory;
        }
        self.billed_ms += run.billed_ms.unwrap_or_default();
        self.retries += run.retries;
        if let Some(code) = run.code {
            *self.codes.entry(code).or_default() += 1;
        }
        if run.revised.is_some_and(|(at, _)| at <= span.to && span.since.is_none_or(|since| at > since)) {
            self.revised += 1;
        }
    }
}

/// The sums of `runs` that `span` holds, per task and outcome, as JSON; with every run where `each` asks for it.
pub(super) fn ledger(kind: &str, runs: &[TrueRun], span: &Span, each: bool) -> Vec<Value> {
    let mut sums: BTreeMap<_, Sum<'_>> = BTreeMap::new();
    for run in runs.iter().filter(|run| span.holds(run)) {
        let key = (&*run.region, &*run.project, &*run.workflow, &*run.task, &*run.task_id, span.outcome(run));
        sums.entry(key).or_default().add(run, span);
    }
    sums.into_iter()
        .map(|((region, project, workflow, task, task_id, outcome), sum)| {
            let mut row = json!({
                "kind": kind, "region": region, "project": project, "workflow": workflow, "task": task,
                "task_id": task_id, "outcome": outcome.name(), "count": sum.runs.len(),
                "durations": sum.durations, "duration_ms": sum.duration_ms, "memories": sum.memories,
                "memory_bytes": sum.memory_bytes, "billed_ms": sum.billed_ms, "retries": sum.retries,
                "revised": sum.revised,
                "codes": sum.codes.iter().map(|(code, n)| (code.to_string(), json!(n))).collect::<Map<_, _>>(),
            });
            if each {
                row["runs"] = sum.runs.iter().map(|run| describe(run)).collect();
            }
            row
        })
        .collect()
}

fn describe(run: &TrueRun) -> Value {
    json!({
        "run": run.run,
        "created": run.created.millis(),
        "started": run.started.map(Timestamp::millis),
        "ended": run.ended.millis(),
        "known": run.known.millis(),
        "gone": run.gone.map(Timestamp::millis),
        "outcome": run.outcome.name(),
        "revised": run.revised.map(|(at, to)| json!({"at": at.millis(), "to": to.name()})),
        "duration_ms": run.duration_ms,
        "waits_ms": run.waits_ms.map(|(upstream, dispatch)| json!([upstream, dispatch])),
        "retries": run.retries,
        "code": run.code,
    })
}
