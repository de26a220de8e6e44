//! A month at a steady rate: what is remembered, in memory and on disk, stops growing when the first runs are forgotten.

use crate::ledger::{Embedded, Ledger, Names};
use crate::model::{Batch, Observation, Outcome, RunState, Timestamp};
use crate::state::tests::history::store;
use crate::state::tests::{HOUR, NOW, plan, run, task};

/// 100 a second is six thousand times as many: files and index grow and shrink by slices of an hour, whatever their size.
const RUNS_AN_HOUR: u64 = 60;

#[test]
fn thirty_days_end_with_a_flat_file_and_a_flat_index() {
    let directory = tempfile::tempdir().unwrap();
    let names = Names { kinds: vec![plan().key.kind], natives: Vec::new() };
    let mut ledger = Embedded::open(directory.path(), &names, NOW).unwrap();
    let mut store = store();
    let mut sizes = Vec::new();
    for hour in 0..30 * 24_u64 {
        let now = NOW.plus(HOUR * u32::try_from(hour).unwrap());
        let window = store.begin(&plan(), now);
        let finished = |n: u64| Observation {
            started: Some(now.minus(HOUR / 2)),
            ended: Some(now.minus(HOUR / 4)),
            ..Observation::new(
                task("t"),
                run(&format!("{hour}-{n}"), 0),
                RunState::Finished(Outcome::Success),
            )
        };
        let observations = (0..RUNS_AN_HOUR).map(finished).collect();
        let batch = Batch { observations, watermark: Some(now), complete: true, ..Batch::of(&window) };
        let delta = store.apply(&plan().key, &batch, now).unwrap();
        ledger.commit(&delta).unwrap();
        store.adopt(delta);
        ledger.compact().unwrap();
        if hour % 24 == 23 {
            sizes.push((store.remembered_runs(), ledger.bytes()));
        }
    }
    let week = usize::try_from(RUNS_AN_HOUR * 24 * 7).unwrap();
    let hour = usize::try_from(RUNS_AN_HOUR).unwrap();
    for (runs, bytes) in &sizes[8..] {
        assert!((week..=week + 2 * hour).contains(runs), "{sizes:?}");
        assert!(*bytes <= sizes[8].1 * 11 / 10, "{sizes:?}");
    }
    let most = |days: std::ops::Range<usize>| sizes[days].iter().map(|(_, bytes)| *bytes).max().unwrap();
    assert!(most(20..30) <= most(8..15), "the file grows: {sizes:?}");
    drop(ledger);
    let restored = Embedded::open(directory.path(), &names, NOW).unwrap().restore().unwrap();
    assert_eq!(restored.cells[0].seen.len(), store.remembered_runs());
    assert_eq!(restored.cells[0].tasks[0].1.runs[0], 30 * 24 * RUNS_AN_HOUR);
}

#[test]
fn a_file_that_is_mostly_empty_gives_its_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let names = Names { kinds: vec![plan().key.kind], natives: Vec::new() };
    let mut ledger = Embedded::open(directory.path(), &names, NOW).unwrap();
    let mut store = store();
    let mut poll = |observations: Vec<Observation>, now: Timestamp| {
        let window = store.begin(&plan(), now);
        let batch = Batch { observations, watermark: Some(now), complete: true, ..Batch::of(&window) };
        let delta = store.apply(&plan().key, &batch, now).unwrap();
        ledger.commit(&delta).unwrap();
        store.adopt(delta);
        ledger.compact().unwrap();
        ledger.bytes()
    };
    let burst = |n: u32| Observation {
        ended: Some(NOW),
        ..Observation::new(task("t"), run(&n.to_string(), 0), RunState::Finished(Outcome::Success))
    };
    let full =
        (0..20_u32).map(|part| poll((part * 20_000..(part + 1) * 20_000).map(burst).collect(), NOW)).last();
    let after = poll(Vec::new(), NOW.plus(HOUR * 24 * 10));
    assert!(full.unwrap() > 9 << 20 && after < 2 << 20, "{full:?} {after}");
}
