//! What keeping costs: a commit with its fsync, a start with much to remember, and the bytes of a remembered run.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot be set up ends here")]

use divan::Bencher;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::keeper::{Keeper, Parts};
use taskrun_exporter::ledger::{Embedded, Ledger, Names};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{
    Batch, Buckets, CellKey, CellPlan, Clock, Observation, Outcome, Reach, RunId, RunState, TaskKey,
    Timestamp, Window,
};
use taskrun_exporter::state::{Limits, Store};

const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Remembered runs and tasks of the start that is measured.
const RUNS: u64 = 1_000_000;
const TASKS: u64 = 100_000;

fn plan() -> CellPlan {
    let bounds: Arc<[f64]> =
        [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0].into();
    CellPlan {
        key: CellKey {
            kind: "wedata",
            source: "s".into(),
            region: "ap-guangzhou".into(),
            project: "p".into(),
        },
        reach: Reach { lookback: WEEK, overlap: Duration::from_secs(300) },
        buckets: Buckets { duration: bounds.clone(), wait: bounds.clone(), memory: bounds },
        expected_interval: None,
        interval: None,
    }
}

fn names() -> Names {
    Names { kinds: vec!["wedata"], natives: Vec::new() }
}

fn store() -> Store {
    Store::new(Limits { series: u64::MAX, tasks_per_source: u64::MAX, runs: u64::MAX }, WEEK)
}

fn finished(n: u64, of: u64) -> Observation {
    let task = TaskKey {
        workflow: format!("workflow_{}", n % TASKS / 50).as_str().into(),
        task: format!("daily_task_{}", n % TASKS).as_str().into(),
        task_id: format!("20250615{:09}", n % TASKS).as_str().into(),
    };
    let run = RunId { instance: format!("20250615{:09}_{n}", n % TASKS).into(), round: 0 };
    let ended = NOW.minus(WEEK * u32::try_from((of - n) * 1000 / of).unwrap() / 1001);
    let outcome = if n.is_multiple_of(10) { Outcome::Failed } else { Outcome::Success };
    Observation {
        planned: Some(ended.minus(Duration::from_secs(70))),
        started: Some(ended.minus(Duration::from_secs(60))),
        ended: Some(ended),
        retries: Some(0),
        ..Observation::new(task, run, RunState::Finished(outcome))
    }
}

fn batch(window: &Window, runs: Range<u64>, of: u64) -> Batch {
    let observations = runs.map(|n| finished(n, of)).collect();
    Batch { observations, watermark: Some(NOW), complete: true, ..Batch::of(window) }
}

/// A directory with the state of a large installation, made once.
fn large() -> &'static std::path::Path {
    static LARGE: std::sync::LazyLock<tempfile::TempDir> = std::sync::LazyLock::new(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = Embedded::open(directory.path(), &names(), NOW).unwrap();
        let mut store = store();
        for from in (0..RUNS).step_by(10_000) {
            let window = store.begin(&plan(), NOW);
            let delta = store.apply(&plan().key, &batch(&window, from..from + 10_000, RUNS), NOW).unwrap();
            ledger.commit(&delta).unwrap();
            store.adopt(delta);
        }
        directory
    });
    LARGE.path()
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn commit_of_1000_runs(bencher: Bencher) {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Embedded::open(directory.path(), &names(), NOW).unwrap();
    let mut store = store();
    let mut from = 0;
    bencher.counter(divan::counter::ItemsCount::new(1000_u64)).bench_local(|| {
        let window = store.begin(&plan(), NOW);
        let delta = store.apply(&plan().key, &batch(&window, from..from + 1000, RUNS), NOW).unwrap();
        ledger.commit(&delta).unwrap();
        store.adopt(delta);
        from += 1000;
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn commit_of_one_run(bencher: Bencher) {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Embedded::open(directory.path(), &names(), NOW).unwrap();
    let mut store = store();
    let mut from = 0;
    bencher.bench_local(|| {
        let window = store.begin(&plan(), NOW);
        let delta = store.apply(&plan().key, &batch(&window, from..from + 1, RUNS), NOW).unwrap();
        ledger.commit(&delta).unwrap();
        store.adopt(delta);
        from += 1;
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn start_with_a_million_runs_and_100_000_tasks(bencher: Bencher) {
    let directory = large();
    bencher.bench_local(|| {
        let mut ledger = Embedded::open(directory, &names(), NOW).unwrap();
        let mut store = store();
        store.restore(ledger.restore().unwrap(), NOW, |_| Some(Duration::ZERO));
        // Where the first page ends, and the first poll begins: the remembered runs are put in order.
        store.begin(&plan(), NOW);
        store
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn start_until_the_page_is_published(bencher: Bencher) {
    struct Still;
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            NOW
        }
    }
    let directory = large();
    bencher.bench_local(|| {
        let mut ledger = Embedded::open(directory, &names(), NOW).unwrap();
        let mut store = store();
        store.restore(ledger.restore().unwrap(), NOW, |_| Some(Duration::ZERO));
        let own = Arc::new(Own::new().unwrap());
        let parts =
            Parts { store, ledger: Box::new(ledger), clock: Arc::new(Still), natives: Vec::new(), own };
        let (keeper, thread) = Keeper::start(parts).unwrap();
        assert!(keeper.published().page.series > 1_000_000);
        drop(keeper);
        thread.join().unwrap();
    });
}

/// Bytes of a remembered run on disk, measured on a state of nothing else.
fn bytes_of_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Embedded::open(directory.path(), &names(), NOW).unwrap();
    let mut store = store();
    let empty = ledger.bytes();
    for from in (0..RUNS).step_by(1000) {
        let window = store.begin(&plan(), NOW);
        let mut batch = batch(&window, from..from + 1000, RUNS);
        batch.observations.iter_mut().for_each(|seen| seen.task = TaskKey::default());
        let delta = store.apply(&plan().key, &batch, NOW).unwrap();
        ledger.commit(&delta).unwrap();
        store.adopt(delta);
    }
    let grown = ledger.bytes();
    drop(ledger);
    let closed = Embedded::open(directory.path(), &names(), NOW).unwrap().bytes();
    println!(
        "bytes of a remembered run on disk: {} while open, {} after a start",
        (grown - empty) / RUNS,
        closed / RUNS
    );
    println!("bytes of the large state: {}", std::fs::metadata(large().join("state.redb")).unwrap().len());
}

fn main() {
    divan::main();
    bytes_of_a_run();
}
