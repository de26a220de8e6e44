//! A state file cut or changed at every byte: the exporter starts, and a poll of the same world counts nothing twice
//! that the first page shows.

use crate::ledger::damage::found;
use crate::ledger::{Embedded, Ledger, Names};
use crate::model::{Batch, CellKey, CellPlan, Observation, Outcome, Restored, RunState, TaskRecord};
use crate::state::Store;
use crate::state::tests::history::store;
use crate::state::tests::{HOUR, NOW, plan, run, task};
use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

const CELLS: [&str; 2] = ["one", "two"];

/// Each run has a code of its own, so that the codes tell which runs were counted, and how often.
const RUNS: u32 = 24;

fn names() -> Names {
    Names { kinds: vec![plan().key.kind], natives: Vec::new() }
}

fn plan_of(source: &str) -> CellPlan {
    let mut plan = plan();
    plan.key.source = source.into();
    plan
}

/// The runs of a cell that a poll at that hour may show.
fn world(hour: u32) -> Vec<Observation> {
    let finished = |n: u32| Observation {
        started: Some(NOW.plus(HOUR * (n / 4))),
        ended: Some(NOW.plus(HOUR * (n / 4) + HOUR / 2)),
        return_code: Some(n.into()),
        ..Observation::new(
            task(if n.is_multiple_of(2) { "even" } else { "odd" }),
            run(&n.to_string(), 0),
            RunState::Finished(Outcome::Success),
        )
    };
    (0..RUNS.min(hour * 4)).map(finished).collect()
}

fn poll(store: &mut Store, plan: &CellPlan, hour: u32, ledger: Option<&mut Embedded>) {
    let now = NOW.plus(HOUR * hour);
    let window = store.begin(plan, now);
    // Everything that there ever was, however far back a poll should read.
    let batch =
        Batch { observations: world(hour), watermark: Some(window.to), complete: true, ..Batch::of(&window) };
    let delta = store.apply(&plan.key, &batch, now).unwrap();
    if let Some(ledger) = ledger {
        ledger.commit(&delta).unwrap();
    }
    store.adopt(delta);
}

/// The bytes of a small state, as small as it can be made.
fn state() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = Embedded::open(directory.path(), &names(), NOW).unwrap();
    let mut store = store();
    for hour in 1..=RUNS / 4 {
        for source in CELLS {
            poll(&mut store, &plan_of(source), hour, Some(&mut ledger));
        }
    }
    drop(ledger);
    let path = directory.path().join("state.redb");
    let mut database = redb::Database::open(&path).unwrap();
    while database.compact().unwrap() {}
    drop(database);
    std::fs::read(path).unwrap()
}

fn records(store: &Store) -> impl Iterator<Item = (&CellKey, &TaskRecord)> {
    store.cells().flat_map(|(key, cell)| cell.tasks().values().map(move |record| (key, record)))
}

/// Polls twice what was restored; no run may be counted twice, and no count may fall.
fn goes_on(restored: Restored, what: &str) {
    let now = NOW.plus(HOUR * (RUNS / 4));
    let mut store = store();
    store.restore(restored, now, |_| Some(Duration::ZERO));
    let before: u64 = records(&store).flat_map(|(_, record)| record.runs).sum();
    for hour in [RUNS / 4, RUNS / 4 + 1] {
        for source in CELLS {
            poll(&mut store, &plan_of(source), hour, None);
        }
    }
    for (cell, record) in records(&store) {
        let twice: Vec<_> = record.codes.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{what}: {cell} counts runs {twice:?} again");
        assert_eq!(record.runs[0], record.codes.len() as u64, "{what}");
    }
    assert!(records(&store).flat_map(|(_, record)| record.runs).sum::<u64>() >= before, "{what}");
}

/// Reads a file as `change` leaves it for each number, on every core; whatever is found goes on, and what is found for
/// the first time goes the whole way too: a real start, and a second one on what that left.
fn at_every(stride: usize, bytes: &[u8], change: impl Fn(&File, usize) + Sync) -> usize {
    let known = Mutex::new(HashSet::new());
    let shared = Path::new("/dev/shm");
    let scratch = || if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = |thread: usize| {
        let directory = scratch().unwrap();
        let path = directory.path().join("state.redb");
        std::fs::write(&path, bytes).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let every = (1..=bytes.len()).rev().step_by(stride);
        for number in every.skip(thread).step_by(threads) {
            change(&file, number);
            let what = format!("byte {number}");
            let restored = found(&file, &names(), NOW).expect("it is of no later version");
            let mut hash = DefaultHasher::new();
            format!("{restored:?}").hash(&mut hash);
            if known.lock().unwrap().insert(hash.finish()) {
                let other = scratch().unwrap();
                std::fs::copy(&path, other.path().join("state.redb")).unwrap();
                for _ in 0..2 {
                    let started = Embedded::open(other.path(), &names(), NOW).unwrap().restore().unwrap();
                    goes_on(started, &what);
                }
                goes_on(restored, &what);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..threads).for_each(|thread| {
            let work = &work;
            scope.spawn(move || work(thread));
        });
    });
    known.into_inner().unwrap().len()
}

#[test]
fn cut_at_every_byte_it_starts_and_counts_nothing_twice() {
    let bytes = state();
    let outcomes = at_every(1, &bytes, |file, length| file.set_len(length as u64).unwrap());
    assert!(outcomes > 5, "{outcomes} different things were found");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether to flip them all is told as for the crash test")]
fn with_a_bit_flipped_it_starts_and_counts_nothing_twice() {
    let bytes = state();
    // Any byte at all takes minutes: `make crash-test` does that. A prime, so that each place in a record has its turn.
    let stride = if std::env::var_os("CRASHES").is_some() { 1 } else { 7 };
    let outcomes = at_every(stride, &bytes, |file, number| {
        // The one before is as it was again.
        file.write_all_at(&bytes, 0).unwrap();
        let mut chance = fastrand::Rng::with_seed(number as u64);
        let flipped = bytes[number - 1] ^ 1 << chance.u8(0..8);
        file.write_all_at(&[flipped], number as u64 - 1).unwrap();
    });
    assert!(outcomes > 5, "{outcomes} different things were found");
}
