//! The state against single scenes; `history` holds it to a model over random ones.

mod cap;
mod gaps;
pub(crate) mod history;

use super::{Limits, Store, series_of};
use crate::model::{
    Batch, Buckets, CellKey, CellPlan, Facets, Histogram, Known, Label, LogFacts, Observation, Outcome,
    PollReport, Reach, Reason, RejectCause, Restored, RestoredCell, RunId, RunState, TaskKey, TaskRecord,
    Timestamp, UnknownState, Waits, Window,
};
use std::time::Duration;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

pub(crate) fn plan() -> CellPlan {
    let bounds: std::sync::Arc<[f64]> = [1.0, 10.0, 60.0].into();
    CellPlan {
        key: CellKey {
            kind: "tat",
            source: Label::new("s"),
            region: Label::new("r"),
            project: Label::empty(),
        },
        reach: Reach { lookback: HOUR * 24, overlap: Duration::from_secs(300) },
        buckets: Buckets { duration: bounds.clone(), wait: bounds, memory: [1024.0].into() },
        expected_interval: None,
        interval: None,
    }
}

pub(crate) fn task(name: &str) -> TaskKey {
    TaskKey { task: Label::new(name), ..TaskKey::default() }
}

pub(crate) fn run(id: &str, round: u32) -> RunId {
    RunId { instance: id.into(), round }
}

/// A store with one cell, and what the tests ask of it.
struct Bench {
    store: Store,
    plan: CellPlan,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self::with(Limits { series: 1_000_000, tasks_per_source: 1000, runs: u64::MAX })
    }

    fn with(limits: Limits) -> Self {
        Self { store: Store::new(limits, HOUR * 24 * 7), plan: plan(), now: NOW }
    }

    /// One poll that shows `observations` and read everything.
    fn poll(&mut self, observations: Vec<Observation>) -> Window {
        self.poll_with(|batch| batch.observations = observations)
    }

    fn poll_with(&mut self, fill: impl FnOnce(&mut Batch)) -> Window {
        let window = self.store.begin(&self.plan, self.now);
        let mut batch = Batch { watermark: Some(window.to), complete: true, ..Batch::of(&window) };
        fill(&mut batch);
        let delta = self.store.apply(&self.plan.key, &batch, self.now).unwrap();
        self.store.adopt(delta);
        self.now = self.now.plus(Duration::from_secs(60));
        window
    }

    fn record(&self, name: &str) -> &TaskRecord {
        self.store.cell(&self.plan.key).unwrap().tasks().get(&task(name)).unwrap()
    }

    fn rejected(&self, cause: RejectCause) -> u64 {
        self.store.cell(&self.plan.key).unwrap().meta().rejected.get(&cause).copied().unwrap_or(0)
    }
}

/// A run of task `t` that started `ago` seconds before [`NOW`] and took `took` seconds.
fn ended(id: &str, outcome: Outcome, ago: u64, took: u64) -> Observation {
    let started = NOW.minus(Duration::from_secs(ago));
    Observation {
        planned: Some(started),
        started: Some(started),
        ended: Some(started.plus(Duration::from_secs(took))),
        ..Observation::new(task("t"), run(id, 0), RunState::Finished(outcome))
    }
}

fn current(id: &str, round: u32, state: RunState) -> Observation {
    Observation { planned: Some(NOW), ..Observation::new(task("t"), run(id, round), state) }
}

#[test]
fn a_finished_run_is_counted_once_over_overlapping_polls() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.poll(vec![ended("a", Outcome::Success, 100, 5), ended("a", Outcome::Success, 100, 5)]);
    }
    let record = bench.record("t");
    assert_eq!(record.runs, [1, 0, 0, 0, 0]);
    let histogram = record.durations[0].as_ref().unwrap();
    assert_eq!((histogram.count(), histogram.sum), (1, 5_000_000));
}

#[test]
fn applying_the_same_batch_again_after_a_failed_commit_counts_nothing_twice() {
    let mut bench = Bench::new();
    let window = bench.store.begin(&bench.plan, bench.now);
    let batch = Batch { observations: vec![ended("a", Outcome::Failed, 9, 1)], ..Batch::of(&window) };
    let lost = bench.store.apply(&bench.plan.key, &batch, bench.now).unwrap();
    let kept = bench.store.apply(&bench.plan.key, &batch, bench.now).unwrap();
    assert_eq!(lost.tasks, kept.tasks);
    bench.store.adopt(kept);
    assert_eq!(bench.record("t").runs, [0, 1, 0, 0, 0]);
}

#[test]
fn what_ended_before_the_lookback_never_counts() {
    let mut bench = Bench::new();
    let day = 24 * 3600;
    bench
        .poll(vec![ended("old", Outcome::Failed, day + 60, 30), ended("new", Outcome::Failed, day + 60, 90)]);
    assert_eq!(bench.record("t").runs, [0, 1, 0, 0, 0]);
    bench.poll(vec![ended("old", Outcome::Failed, day + 60, 30)]);
    assert_eq!(bench.record("t").runs, [0, 1, 0, 0, 0]);
}

#[test]
fn a_forgotten_run_that_is_shown_again_does_not_count_again() {
    let mut bench = Bench::new();
    let old = ended("a", Outcome::Success, 100, 5);
    bench.poll(vec![old.clone()]);
    assert_eq!(bench.store.remembered_runs(), 1);
    bench.now = NOW.plus(HOUR * 24 * 9);
    bench.poll(vec![]);
    bench.now = bench.now.plus(HOUR * 2);
    bench.poll(vec![]);
    assert_eq!(bench.store.remembered_runs(), 0, "nine days later it is forgotten");
    bench.poll(vec![old]);
    assert_eq!(bench.record("t").runs, [1, 0, 0, 0, 0]);
}

#[test]
fn nothing_is_forgotten_while_the_source_cannot_be_read() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 100, 5)]);
    bench.now = NOW.plus(HOUR * 24 * 30);
    let window = bench.poll_with(|batch| {
        batch.watermark = None;
        batch.complete = false;
    });
    assert_eq!(bench.store.remembered_runs(), 1);
    assert_eq!(
        window.from,
        NOW.minus(Duration::from_secs(300)),
        "the next poll goes on where the last one read to"
    );
    let during = Observation {
        ended: Some(NOW.plus(HOUR * 24 * 2)),
        ..Observation::new(task("t"), run("b", 0), RunState::Finished(Outcome::Failed))
    };
    bench.poll(vec![during]);
    assert_eq!(
        bench.record("t").runs,
        [1, 1, 0, 0, 0],
        "what finished during the outage is counted after it"
    );
}

#[test]
fn a_rerun_is_a_new_run_and_takes_the_place_of_the_round_before() {
    let mut bench = Bench::new();
    bench.poll(vec![current("a", 0, RunState::Running)]);
    assert_eq!(bench.record("t").active.len(), 1);
    bench.poll(vec![Observation { run: run("a", 0), ..ended("a", Outcome::Failed, 50, 5) }]);
    bench.poll(vec![current("a", 1, RunState::Queued)]);
    let record = bench.record("t");
    assert_eq!(record.active.len(), 1);
    assert_eq!(record.runs[1], 1);
    bench.poll(vec![Observation { run: run("a", 1), ..ended("a", Outcome::Success, 20, 5) }]);
    let record = bench.record("t");
    assert_eq!((record.runs, record.active.len()), ([1, 1, 0, 0, 0], 0));
}

#[test]
fn a_page_that_shows_a_finished_run_running_is_an_old_one() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 50, 5)]);
    bench.poll(vec![current("a", 0, RunState::Running)]);
    let record = bench.record("t");
    assert_eq!((record.runs, record.active.len()), ([1, 0, 0, 0, 0], 0));
}

#[test]
fn a_forced_success_moves_gauges_and_no_counter() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 300, 5), ended("b", Outcome::Failed, 200, 5)]);
    bench.poll(vec![ended("c", Outcome::Failed, 100, 5)]);
    assert_eq!(bench.record("t").consecutive_failures(), 2);
    for _ in 0..2 {
        bench.poll(vec![ended("c", Outcome::Success, 100, 5)]);
    }
    let record = bench.record("t");
    assert_eq!((record.runs, record.revised), ([1, 2, 0, 0, 0], 1));
    assert_eq!(record.consecutive_failures(), 0);
    assert_eq!(record.last.as_ref().unwrap().outcome, Outcome::Success);
    assert_eq!(
        record.failures.last().unwrap().order.run,
        run("b", 0),
        "the newest failure is now the one before"
    );
    assert_eq!(record.successes[0].order.run, run("c", 0));
}

#[test]
fn a_vanished_run_leaves_after_two_complete_polls() {
    let mut bench = Bench::new();
    bench.poll(vec![current("a", 0, RunState::Running), current("b", 0, RunState::Waiting)]);
    bench.poll_with(|batch| batch.still_open = vec![run("b", 0)]);
    assert_eq!(bench.record("t").active.len(), 2, "one miss may be a page shift");
    bench.poll_with(|batch| batch.complete = false);
    assert_eq!(bench.record("t").active.len(), 2, "a poll that did not read all proves nothing");
    bench.poll_with(|batch| batch.still_open = vec![run("b", 0)]);
    let record = bench.record("t");
    assert_eq!(record.active.iter().map(|a| a.run.clone()).collect::<Vec<_>>(), [run("b", 0)]);
    assert_eq!(record.runs, [0; 5]);
}

#[test]
fn an_unknown_state_counts_once_per_run_and_code_and_is_no_end() {
    let mut bench = Bench::new();
    let unknown = |code: &str| current("a", 0, RunState::Unknown(UnknownState(code.into())));
    for code in ["11", "11", "14", "11", "14", "11"] {
        bench.poll(vec![unknown(code)]);
    }
    assert_eq!(bench.record("t").unknown_states, 2);
    assert_eq!(bench.record("t").runs, [0; 5]);
    bench.poll(vec![ended("a", Outcome::Success, 10, 1)]);
    assert_eq!(bench.record("t").runs, [1, 0, 0, 0, 0]);
}

#[test]
fn facets_that_come_later_are_counted_once() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 50, 5)]);
    let recalled = |bench: &Bench| bench.store.recall(&bench.plan.key, &[run("a", 0), run("z", 0)]);
    assert_eq!(recalled(&bench), [Known::Finished(Outcome::Success, Facets::default()), Known::No]);
    let detail = Observation {
        waits: Some(Waits { upstream: Some(Duration::from_secs(2)), dispatch: None }),
        log: Some(LogFacts { lines: [0, 3, 0, 1, 0], bytes: 99 }),
        ..ended("a", Outcome::Success, 50, 5)
    };
    bench.poll(vec![detail.clone()]);
    bench.poll(vec![detail]);
    let record = bench.record("t");
    assert_eq!(record.waits[0].as_ref().unwrap().count(), 1);
    assert_eq!((record.log_lines.as_deref(), record.log_bytes), (Some(&[0, 3, 0, 1, 0]), 99));
    assert_eq!(recalled(&bench)[0], Known::Finished(Outcome::Success, Facets::WAITS.with(Facets::LOG)));
}

#[test]
fn impossible_times_are_rejected_and_counted_and_the_run_still_counts() {
    let mut bench = Bench::new();
    let backwards = Observation { ended: Some(NOW.minus(HOUR)), ..ended("a", Outcome::Success, 50, 5) };
    let future = Observation { ended: Some(NOW.plus(HOUR)), ..ended("b", Outcome::Success, 50, 5) };
    let zero = Observation { started: Some(Timestamp::from_secs(0)), ..ended("c", Outcome::Success, 50, 5) };
    let never = Observation { ended: Some(Timestamp::from_secs(0)), ..ended("d", Outcome::Success, 50, 5) };
    for _ in 0..2 {
        bench.poll(vec![backwards.clone(), future.clone(), zero.clone(), never.clone()]);
    }
    let record = bench.record("t");
    assert_eq!(record.runs, [4, 0, 0, 0, 0]);
    assert_eq!(record.durations, [None, None, None]);
    assert_eq!(bench.rejected(RejectCause::NegativeDuration), 1);
    assert_eq!(bench.rejected(RejectCause::ImpossibleTimestamp), 3);
}

#[test]
fn end_less_start_goes_before_the_sources_own_cost() {
    let mut bench = Bench::new();
    let both = Observation { cost: Some(Duration::from_secs(99)), ..ended("a", Outcome::Success, 50, 5) };
    let cost_alone = Observation {
        ended: None,
        cost: Some(Duration::from_micros(532)),
        ..ended("b", Outcome::Success, 40, 5)
    };
    bench.poll(vec![both, cost_alone]);
    let record = bench.record("t");
    assert_eq!(record.durations[0].as_ref().unwrap().sum, 5_000_532);
    assert_eq!(record.last.as_ref().unwrap().ended, Some(NOW.minus(Duration::from_secs(40))));
}

#[test]
fn the_last_run_is_the_last_planned_not_the_last_to_arrive() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("late", Outcome::Success, 10, 5)]);
    bench.poll(vec![ended("early", Outcome::Failed, 500, 5)]);
    let record = bench.record("t");
    assert_eq!(record.last.as_ref().unwrap().order.run, run("late", 0));
    assert_eq!(record.consecutive_failures(), 0);
    assert_eq!(record.failures.len(), 1);
}

#[test]
fn a_long_streak_of_failures_is_counted_to_its_end() {
    let mut bench = Bench::new();
    let failed = (0..200).map(|n| ended(&format!("{n}"), Outcome::Failed, 1000 - n, 1)).collect();
    bench.poll(failed);
    assert_eq!(bench.record("t").consecutive_failures(), 200);
    assert!(bench.record("t").failures.len() <= 64);
    bench.poll(vec![ended("ok", Outcome::Success, 1, 1)]);
    assert_eq!(bench.record("t").consecutive_failures(), 0);
    bench.poll(vec![ended("x", Outcome::Timeout, 0, 1)]);
    assert_eq!(bench.record("t").consecutive_failures(), 1);
}

#[test]
fn at_most_32_return_codes_have_a_name() {
    let mut bench = Bench::new();
    let coded = |n: u64| Observation {
        return_code: i64::try_from(n).ok(),
        ..ended(&n.to_string(), Outcome::Failed, 100, 1)
    };
    bench.poll((0..40).map(coded).collect());
    let record = bench.record("t");
    assert_eq!((record.codes.len(), record.other_codes), (32, 8));
}

#[test]
fn what_does_not_fit_is_folded_and_the_sums_stay_true() {
    let mut bench = Bench::with(Limits { series: 1_000_000, tasks_per_source: 2, runs: u64::MAX });
    let of = |n: u64| Observation {
        task: task(&format!("t{n}")),
        ..ended(&n.to_string(), Outcome::Success, 100, 1)
    };
    let window = bench.store.begin(&bench.plan, bench.now);
    let batch = Batch { observations: (0..5).map(of).collect(), ..Batch::of(&window) };
    let delta = bench.store.apply(&bench.plan.key, &batch, bench.now).unwrap();
    assert_eq!(delta.folded, 3);
    bench.store.adopt(delta);
    let tasks = bench.store.cell(&bench.plan.key).unwrap().tasks();
    assert_eq!(tasks.len(), 3);
    assert_eq!(tasks.values().map(|record| record.runs[0]).sum::<u64>(), 5);
    assert_eq!(tasks[&TaskKey::overflow()].runs[0], 3);
    assert_eq!(tasks[&TaskKey::overflow()].last, None);
}

#[test]
fn the_series_bound_holds_for_all_sources_together() {
    let mut bench = Bench::with(Limits { series: 300, tasks_per_source: 1000, runs: u64::MAX });
    for n in 0..100_u64 {
        bench.poll(vec![Observation {
            task: task(&format!("t{n}")),
            ..ended(&n.to_string(), Outcome::Success, 100, 1)
        }]);
    }
    let cell = bench.store.cell(&bench.plan.key).unwrap();
    let (own, overflow): (Vec<_>, Vec<_>) = cell.tasks().iter().partition(|(key, _)| !key.is_overflow());
    assert!(own.iter().map(|(_, record)| series_of(record)).sum::<u64>() <= 300);
    assert_eq!(overflow.len(), 1);
    assert_eq!(cell.tasks().values().map(|record| record.runs[0]).sum::<u64>(), 100);
}

#[test]
fn a_clock_that_was_ahead_stops_nothing_and_doubles_nothing() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 100, 5)]);
    bench.now = NOW.plus(HOUR * 24 * 3);
    bench.poll(vec![]);
    // The clock is right again, and what happened meanwhile is there to be read.
    bench.now = NOW.plus(HOUR);
    let during = Observation { ended: Some(NOW.plus(HOUR)), ..ended("b", Outcome::Failed, 60, 5) };
    let window = bench.poll(vec![ended("a", Outcome::Success, 100, 5), during]);
    assert!(window.from <= NOW, "{}", window.from);
    assert_eq!(bench.record("t").runs, [1, 1, 0, 0, 0]);
    let window = bench.poll(vec![]);
    assert_eq!(window.from, NOW.plus(HOUR).minus(Duration::from_secs(300)));
}

#[test]
fn a_task_that_is_listed_or_takes_the_overflow_stays_however_long_it_has_not_run() {
    let mut bench = Bench::with(Limits { series: 1_000_000, tasks_per_source: 1, runs: u64::MAX });
    let other = Observation { task: task("other"), ..ended("o", Outcome::Success, 100, 5) };
    bench.poll(vec![ended("a", Outcome::Success, 100, 5), other]);
    for day in 1..=90_u32 {
        bench.now = NOW.plus(HOUR * 24 * day);
        let other = Observation {
            task: task("other"),
            ended: Some(bench.now),
            ..ended(&format!("o{day}"), Outcome::Success, 0, 5)
        };
        bench.poll_with(|batch| {
            batch.tasks = vec![(task("t"), Default::default())];
            batch.observations = vec![other];
        });
    }
    assert_eq!(bench.record("t").runs[0], 1);
    let tasks = bench.store.cell(&bench.plan.key).unwrap().tasks();
    assert_eq!(tasks[&TaskKey::overflow()].runs[0], 91);
}

#[test]
fn a_task_that_nothing_is_heard_of_goes_and_a_rare_one_stays() {
    let mut bench = Bench::new();
    let yearly = Observation {
        expected_interval: Some(HOUR * 24 * 366),
        task: task("yearly"),
        ..ended("y", Outcome::Success, 100, 5)
    };
    let stuck = Observation { task: task("stuck"), ..current("s", 0, RunState::Running) };
    bench.poll(vec![ended("a", Outcome::Failed, 100, 5), yearly, stuck]);
    let names = |bench: &Bench| {
        let tasks = bench.store.cell(&bench.plan.key).unwrap().tasks();
        tasks.keys().map(|key| key.task.to_string()).collect::<Vec<_>>()
    };
    bench.now = NOW.plus(HOUR * 24 * 39);
    bench.poll_with(|batch| batch.still_open = vec![run("s", 0)]);
    assert_eq!(names(&bench), ["stuck", "t", "yearly"]);
    bench.now = NOW.plus(HOUR * 24 * 41);
    bench.poll_with(|batch| {
        batch.still_open = vec![run("s", 0)];
        batch.complete = false;
    });
    assert_eq!(names(&bench), ["stuck", "t", "yearly"], "a poll that did not read all proves nothing");
    bench.poll_with(|batch| batch.still_open = vec![run("s", 0)]);
    assert_eq!(names(&bench), ["stuck", "yearly"]);
    let cell = bench.store.cell(&bench.plan.key).unwrap();
    assert_eq!(cell.series(), cell.tasks().values().map(|record| series_of(record)).sum::<u64>());
}

#[test]
fn a_report_changes_health_and_nothing_else() {
    let mut bench = Bench::new();
    bench.poll(vec![ended("a", Outcome::Success, 50, 5)]);
    let report = PollReport {
        cell: bench.plan.key.clone(),
        at: bench.now,
        took: Duration::from_secs(2),
        reason: Reason::Auth,
        fresh: false,
        requests: 0,
        skipped_ticks: 3,
        message: "key refused".into(),
    };
    let delta = bench.store.record(&report).unwrap();
    bench.store.adopt(delta);
    let stopped = PollReport { reason: Reason::Cancelled, ..report };
    let delta = bench.store.record(&stopped).unwrap();
    bench.store.adopt(delta);
    let meta = bench.store.cell(&bench.plan.key).unwrap().meta();
    assert_eq!((meta.up, meta.last_success, meta.skipped_ticks), (Some(false), None, 6));
    assert_eq!(meta.results[Reason::Auth.index()], 1);
    assert_eq!(bench.record("t").runs, [1, 0, 0, 0, 0]);
}

#[test]
fn a_watermark_never_falls_and_never_passes_the_present() {
    let mut bench = Bench::new();
    bench.poll(vec![]);
    let mark = |bench: &Bench| bench.store.cell(&bench.plan.key).unwrap().meta().watermark;
    assert_eq!(mark(&bench), Some(NOW));
    bench.poll_with(|batch| batch.watermark = Some(NOW.minus(HOUR)));
    assert_eq!(mark(&bench), Some(NOW));
    let at = bench.now;
    bench.poll_with(|batch| batch.watermark = Some(NOW.plus(HOUR)));
    assert_eq!(mark(&bench), Some(at));
    bench.poll_with(|batch| batch.watermark = None);
    assert_eq!(mark(&bench), Some(at));
}

#[test]
fn histograms_kept_without_native_buckets_have_them_from_the_first_page_on() {
    let mut record = TaskRecord::new(NOW);
    record.durations[0] =
        Some(Box::new(Histogram::of_counts(&[1.0, 60.0].into(), &[2, 3, 1], None, 99_000_000, 1e6).unwrap()));
    let mut store = Bench::new().store;
    store.begin(&plan(), NOW);
    let meta = store.cell(&plan().key).unwrap().meta().clone();
    let tasks = vec![(task("t"), record)];
    let cell = RestoredCell { key: plan().key, meta, tasks, seen: Vec::new(), items: Vec::new() };
    store.restore(Restored { cells: vec![cell], damaged: 0 }, NOW, |_| Some(Duration::ZERO));
    let kept = store.cell(&plan().key).unwrap().tasks()[&task("t")].durations[0].clone().unwrap();
    assert_eq!((kept.count(), kept.sum), (6, 99_000_000));
    assert_eq!(kept.native().map(|native| native.count()), Some(6));
}
