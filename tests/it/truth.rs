//! Exactly what happened: the totals of the page against the simulated clouds' ledger of truth.

use crate::page::Page;
use crate::rig::{Rig, START, source};
use std::collections::BTreeMap;
use std::time::Duration;
use taskrun_exporter::model::{Clock as _, Label, Outcome, Timestamp};
use taskrun_exporter::simulator::{Span, TrueRun};

/// What a task's counters add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    runs: BTreeMap<String, u64>,
    timed: BTreeMap<String, u64>,
    /// In microseconds: exact in both ledgers.
    seconds: BTreeMap<String, u64>,
    codes: BTreeMap<String, u64>,
    retries: u64,
    memory: u64,
    billed_ms: u64,
}

impl Totals {
    pub(crate) fn all_runs(&self) -> u64 {
        self.runs.values().sum()
    }
}

pub(crate) type Task = [String; 4];

pub(crate) fn of_page(page: &Page, kind: &str) -> BTreeMap<Task, Totals> {
    let mut tasks: BTreeMap<Task, Totals> = BTreeMap::new();
    for sample in page.samples.iter().filter(|sample| sample.label("kind") == kind) {
        let task = ["project", "workflow", "task", "task_id"].map(|name| sample.label(name).to_owned());
        let outcome = sample.label("outcome").to_owned();
        let whole = sample.value as u64;
        let mut totals = |change: &dyn Fn(&mut Totals)| {
            if sample.value > 0.0 {
                change(tasks.entry(task.clone()).or_default());
            }
        };
        match sample.name.as_str() {
            "taskrun_runs_total" => totals(&|t| t.runs.extend([(outcome.clone(), whole)])),
            "taskrun_run_duration_seconds_count" => totals(&|t| t.timed.extend([(outcome.clone(), whole)])),
            "taskrun_run_duration_seconds_sum" => {
                let micros = (sample.value * 1e6).round() as u64;
                totals(&|t| t.seconds.extend([(outcome.clone(), micros)]));
            }
            "taskrun_return_codes_total" => {
                totals(&|t| t.codes.extend([(sample.label("code").to_owned(), whole)]));
            }
            "taskrun_retries_total" => totals(&|t| t.retries = whole),
            "taskrun_run_memory_bytes_sum" => totals(&|t| t.memory = whole),
            "taskrun_billed_seconds_total" => totals(&|t| t.billed_ms = (sample.value * 1e3).round() as u64),
            _ => {}
        }
    }
    tasks
}

pub(crate) fn of_truth(runs: &[TrueRun], span: &Span) -> BTreeMap<Task, Totals> {
    let mut tasks: BTreeMap<Task, Totals> = BTreeMap::new();
    for run in runs {
        let task =
            [&run.project, &run.workflow, &run.task, &run.task_id].map(|text| Label::new(text).to_string());
        let totals = tasks.entry(task).or_default();
        let outcome = span.outcome(run);
        *totals.runs.entry(outcome.name().to_owned()).or_default() += 1;
        if let (Some(ms), Outcome::Success | Outcome::Failed | Outcome::Timeout) = (run.duration_ms, outcome)
        {
            *totals.timed.entry(outcome.name().to_owned()).or_default() += 1;
            let micros = (ms * 1e3).round() as u64;
            if micros > 0 {
                *totals.seconds.entry(outcome.name().to_owned()).or_default() += micros;
            }
        }
        if let Some(code) = run.code {
            *totals.codes.entry(code.to_string()).or_default() += 1;
        }
        totals.retries += u64::try_from(run.retries).unwrap();
        totals.memory += u64::try_from(run.memory_bytes.unwrap_or(0)).unwrap();
        totals.billed_ms += u64::try_from(run.billed_ms.unwrap_or(0)).unwrap();
    }
    tasks
}

/// What an exporter that looked at `polls` must have counted: what the clouds showed at one of them at least.
fn truth(rig: &Rig, kind: &str, lookback: Duration, polls: &[Timestamp]) -> BTreeMap<Task, Totals> {
    let span = Span { from: START.minus(lookback), to: rig.clock.now(), since: Some(START) };
    let shown =
        |run: &TrueRun| polls.iter().any(|at| run.known <= *at && run.gone.is_none_or(|gone| *at < gone));
    let runs: Vec<TrueRun> = rig
        .clouds
        .clouds
        .truth(kind, &span)
        .into_iter()
        .filter(|run| run.region.is_empty() || run.region == "ap-guangzhou")
        .filter(shown)
        .collect();
    of_truth(&runs, &span)
}

pub(crate) fn compare(rig: &Rig, kind: &str, lookback: Duration, polls: &[Timestamp]) {
    let counted = of_page(&rig.page(), kind);
    let truth = truth(rig, kind, lookback, polls);
    assert!(!truth.is_empty(), "{kind}: nothing happened, so nothing was tested");
    for (task, really) in &truth {
        assert_eq!(counted.get(task), Some(really), "{kind}: {task:?}");
    }
    let counted: u64 = counted.values().flat_map(|totals| totals.runs.values()).sum();
    let really: u64 = truth.values().flat_map(|totals| totals.runs.values()).sum();
    assert_eq!(counted, really, "{kind}: a task that does not exist has runs");
}

/// Polls at growing distances, from half a minute to half an hour, and holds every total to the truth.
async fn watch(kind: &str, lookback: Duration, seed: u64, steps: &[i64]) {
    let rig = Rig::start(&source(kind), seed).await;
    let mut polls = Vec::new();
    for step in steps {
        rig.advance(*step);
        polls.push(rig.clock.now());
        assert!(rig.poll().await, "{kind}: {:?}", rig.keeper.published().cells);
    }
    compare(&rig, kind, lookback, &polls);
    // The whole documented rate was allowed, and not one request more was sent.
    let calls = rig.clouds.clouds.calls.report();
    for (action, tally) in calls.as_object().unwrap() {
        assert_eq!(tally["refused"], 0, "{action}: {calls}");
    }
}

const STEPS: [i64; 6] = [0, 30, 45, 400, 31, 1500];

#[tokio::test(flavor = "multi_thread")]
async fn wedata_totals_equal_the_truth() {
    watch("wedata", Duration::from_secs(1800), 1, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tat_totals_equal_the_truth() {
    watch("tat", Duration::from_secs(1800), 1, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_totals_equal_the_truth() {
    watch("scf", Duration::from_secs(1800), 1, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enos_totals_equal_the_truth() {
    watch("enos", Duration::from_secs(7200), 4, &STEPS).await;
}
