//! The bound on remembered runs: what is forgotten early, and what never.

use super::{Bench, HOUR, NOW, current, plan, run, task};
use crate::model::{Batch, CellKey, CellPlan, Observation, Outcome, RunState, Timestamp};
use crate::state::{Limits, Store};
use std::time::Duration;

fn store(runs: u64) -> Store {
    Store::new(Limits { series: u64::MAX, tasks_per_source: u64::MAX, runs }, HOUR * 24 * 7)
}

fn plan_of(source: &str) -> CellPlan {
    let mut plan = plan();
    plan.key.source = source.into();
    plan.reach.lookback = HOUR;
    plan
}

fn finished(id: u32, at: Timestamp) -> Observation {
    Observation {
        ended: Some(at),
        ..Observation::new(task("t"), run(&id.to_string(), 0), RunState::Finished(Outcome::Success))
    }
}

/// One poll that shows `runs` runs of the hour before `now`, and whether it read everything.
fn poll(store: &mut Store, source: &str, runs: std::ops::Range<u32>, now: Timestamp, whole: bool) {
    let plan = plan_of(source);
    let window = store.begin(&plan, now);
    let observations = runs.map(|n| finished(n, now.minus(HOUR / 2))).collect();
    let watermark = whole.then_some(window.to);
    let batch = Batch { observations, watermark, complete: whole, ..Batch::of(&window) };
    let delta = store.apply(&plan.key, &batch, now).unwrap();
    store.adopt(delta);
}

fn counted(store: &Store, source: &str) -> u64 {
    let cell = store.cell(&plan_of(source).key).unwrap();
    cell.tasks().values().flat_map(|record| record.runs).sum()
}

/// Adopts what has to be forgotten; by cell.
fn relieve(store: &mut Store) -> (Vec<(CellKey, u64)>, u64) {
    let Some(relief) = store.relief() else { return (Vec::new(), 0) };
    let forgotten = relief.deltas.iter().map(|(delta, runs)| (delta.cell.clone(), *runs)).collect();
    relief.deltas.into_iter().for_each(|(delta, _)| store.adopt(delta));
    (forgotten, relief.beyond)
}

/// Two cells with 24 hours of runs: 100 an hour in the large one, 10 in the small one.
fn day(most: u64) -> (Store, Timestamp) {
    let (mut store, mut now) = (store(most), NOW);
    for hour in 0..24 {
        now = NOW.plus(HOUR * hour);
        poll(&mut store, "large", hour * 100..hour * 100 + 100, now, true);
        poll(&mut store, "small", hour * 10..hour * 10 + 10, now, true);
    }
    (store, now)
}

#[test]
fn the_oldest_runs_of_the_largest_cell_go_first_and_none_counts_again() {
    let (mut store, now) = day(1500);
    assert_eq!(store.remembered_runs(), 2640);
    let (forgotten, beyond) = relieve(&mut store);
    assert_eq!((forgotten, beyond), (vec![(plan_of("large").key, 1200)], 0));
    assert_eq!(store.remembered_runs(), 1440);
    assert!(store.relief().is_none());
    // The source shows all of them once more.
    let window = store.begin(&plan_of("large"), now);
    let again = (0..2400).map(|n| finished(n, NOW.plus(HOUR * (n / 100)).minus(HOUR / 2))).collect();
    let batch = Batch { observations: again, ..Batch::of(&window) };
    let delta = store.apply(&plan_of("large").key, &batch, now).unwrap();
    store.adopt(delta);
    assert_eq!((counted(&store, "large"), counted(&store, "small")), (2400, 240));
    assert_eq!(store.remembered_runs(), 1440);
}

#[test]
fn when_the_largest_is_no_longer_the_largest_all_give() {
    let (mut store, _) = day(300);
    let (forgotten, beyond) = relieve(&mut store);
    assert_eq!(forgotten.len(), 2, "{forgotten:?}");
    assert!(beyond == 0 && store.remembered_runs() <= 300);
}

#[test]
fn what_is_not_read_yet_is_never_forgotten() {
    let (mut store, now) = day(1500);
    // The large one cannot be read to its end any more, so its watermark stays; its runs go on.
    for hour in 1..4 {
        poll(&mut store, "large", 10_000 + hour * 1000..11_000 + hour * 1000, now.plus(HOUR * hour), false);
    }
    let (_, beyond) = relieve(&mut store);
    let cell = store.cell(&plan_of("large").key).unwrap();
    let unread = cell.meta().watermark.unwrap().minus(HOUR);
    assert!(cell.meta().floor <= unread, "{} {unread}", cell.meta().floor);
    assert!(beyond > 0 && store.remembered_runs() as u64 == 1500 + beyond, "{beyond}");
    // A run of that time that is reported only now still counts.
    let before = counted(&store, "large");
    let later = now.plus(HOUR * 4);
    let window = store.begin(&plan_of("large"), later);
    let batch = Batch { observations: vec![finished(99_999, unread)], ..Batch::of(&window) };
    let delta = store.apply(&plan_of("large").key, &batch, later).unwrap();
    store.adopt(delta);
    assert_eq!(counted(&store, "large"), before + 1);
}

#[test]
fn what_a_gap_holds_is_not_forgotten_either() {
    let (mut store, now) = day(1500);
    let plan = plan_of("large");
    let gap = now.minus(HOUR * 20);
    let window = store.begin(&plan, now);
    let mut gaps = window.gaps.clone();
    gaps.add("", gap, gap.plus(HOUR));
    let batch = Batch { watermark: Some(window.to), gaps: Some(gaps), ..Batch::of(&window) };
    let delta = store.apply(&plan.key, &batch, now).unwrap();
    store.adopt(delta);
    relieve(&mut store);
    let floor = store.cell(&plan.key).unwrap().meta().floor;
    assert!(floor <= gap.minus(HOUR), "{floor} {gap}");
}

#[test]
fn a_cell_that_was_never_read_completely_forgets_nothing() {
    let mut store = store(1500);
    for hour in 0..30 {
        poll(&mut store, "large", hour * 100..hour * 100 + 100, NOW.plus(HOUR * hour), false);
    }
    assert_eq!(relieve(&mut store), (Vec::new(), 1500));
}

#[test]
fn cells_that_are_not_shown_count_and_give_too() {
    let (mut store, _) = day(1500);
    store.withdraw(&plan_of("large").key);
    assert_eq!(store.remembered_runs(), 2640, "memory does not care who is shown");
    let (forgotten, beyond) = relieve(&mut store);
    assert_eq!((forgotten.len(), beyond), (1, 0));
    assert_eq!(store.remembered_runs(), 1440);
}

#[test]
fn within_the_bound_nothing_happens() {
    let (mut store, _) = day(2640);
    assert!(store.relief().is_none());
    let mut bench = Bench::new();
    bench.poll(vec![current("a", 0, RunState::Running)]);
    bench.now = bench.now.plus(Duration::from_secs(1));
    assert!(bench.store.relief().is_none());
}
