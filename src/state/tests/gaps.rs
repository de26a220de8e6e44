//! Gaps: what a poll leaves is told to the next, holds the floor, and is replaced only by what is known.

use super::{Bench, HOUR, NOW, ended};
use crate::model::{Batch, Gap, Gaps, Outcome, Timestamp, Window};

/// A poll that reads the newest hour of its window and leaves the rest.
fn leave_all_but_an_hour(bench: &mut Bench) -> Window {
    let now = bench.now;
    bench.poll_with(|batch| {
        let from = NOW.minus(HOUR * 24 * 30);
        batch.gaps = Some([Gap { part: "".into(), from, to: now.minus(HOUR) }].into_iter().collect());
    })
}

#[test]
fn what_a_poll_leaves_is_told_to_the_next_and_shown() {
    let mut bench = Bench::new();
    leave_all_but_an_hour(&mut bench);
    let meta = bench.store.cell(&bench.plan.key).unwrap().meta().clone();
    assert_eq!((meta.gaps.len(), meta.backlog), (1, Some(1)), "never none where there is one");
    let window = bench.store.begin(&bench.plan, bench.now);
    assert_eq!(window.gaps, meta.gaps);
    assert!(!window.first && window.from > window.gaps.oldest().unwrap());
    // A batch that says nothing of gaps changes none.
    bench.poll(Vec::new());
    assert_eq!(bench.store.cell(&bench.plan.key).unwrap().meta().gaps, meta.gaps);
    assert_eq!(bench.store.cell(&bench.plan.key).unwrap().meta().backlog, Some(1));
    bench.poll_with(|batch| batch.gaps = Some(Gaps::default()));
    let meta = bench.store.cell(&bench.plan.key).unwrap().meta();
    assert_eq!((meta.gaps.len(), meta.backlog), (0, None));
}

#[test]
fn a_gap_holds_the_floor_and_the_memory_of_runs() {
    let mut bench = Bench::new();
    leave_all_but_an_hour(&mut bench);
    bench.poll(vec![ended("a", Outcome::Success, 100, 5)]);
    let floor = bench.store.cell(&bench.plan.key).unwrap().meta().floor;
    for _ in 0..20 {
        bench.now = bench.now.plus(HOUR * 24);
        bench.poll(Vec::new());
    }
    let cell = bench.store.cell(&bench.plan.key).unwrap();
    assert_eq!((cell.meta().floor, cell.remembered_runs()), (floor, 1));
    // What the gap held is counted, late as it is.
    bench.poll_with(|batch| {
        batch.observations = vec![ended("b", Outcome::Success, 3600 * 20, 5)];
        batch.gaps = Some(Gaps::default());
    });
    assert_eq!(bench.record("t").runs, [2, 0, 0, 0, 0]);
    bench.poll(Vec::new());
    let cell = bench.store.cell(&bench.plan.key).unwrap();
    assert!(cell.meta().floor > floor && cell.remembered_runs() == 0);
}

#[test]
fn a_poll_that_another_has_followed_takes_nothing_for_read() {
    let mut bench = Bench::new();
    let old = bench.store.begin(&bench.plan, bench.now);
    leave_all_but_an_hour(&mut bench);
    let gaps = bench.store.cell(&bench.plan.key).unwrap().meta().gaps.clone();
    let late = Batch { gaps: Some(Gaps::default()), watermark: Some(old.to), ..Batch::of(&old) };
    let delta = bench.store.apply(&bench.plan.key, &late, bench.now).unwrap();
    assert_eq!(delta.meta.gaps, gaps);
}

#[test]
fn gaps_end_at_the_watermark_and_are_no_more_than_are_kept() {
    let mut bench = Bench::new();
    let part = |n: i64| Gap {
        part: (n % 2).to_string().as_str().into(),
        from: Timestamp::from_secs(NOW.secs() - 20_000 + 2 * n),
        to: Timestamp::from_secs(NOW.secs() - 20_000 + 2 * n + 1),
    };
    let all: Gaps = (0..15_000).map(part).collect();
    let window = bench.store.begin(&bench.plan, bench.now);
    let none = Batch { gaps: Some(all.clone()), ..Batch::of(&window) };
    let delta = bench.store.apply(&bench.plan.key, &none, bench.now).unwrap();
    assert!(delta.meta.gaps.is_empty(), "all is to be read");
    bench.poll_with(|batch| batch.gaps = Some(all));
    let meta = bench.store.cell(&bench.plan.key).unwrap().meta();
    assert_eq!((meta.gaps.len(), meta.backlog), (2, Some(2)));
    assert!(meta.gaps.newest().all(|(_, gap)| Some(gap.to) <= meta.watermark));
}
