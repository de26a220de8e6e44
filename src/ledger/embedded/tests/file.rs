//! A file in good order.

use super::scene::{NOW, cell, delta, key, open, restored, same, seen, small, sorted};
use crate::ledger::{Embedded, Ledger, Names, OpenError};
use crate::model::{Facets, Outcome, Seen, SeenChange, SeenRun};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn what_was_committed_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let one = delta(cell("one"), 5, 0..1000, NOW);
    let mut ledger = open(directory.path()).unwrap();
    assert!(ledger.restore().unwrap().cells.is_empty());
    ledger.commit(&one).unwrap();
    ledger.commit(&delta(cell("two"), 1, 5000..5001, NOW)).unwrap();
    assert!(ledger.bytes() > 24_000);
    drop(ledger);
    let found = sorted(restored(directory.path()));
    assert_eq!((found.damaged, found.cells.len()), (0, 2));
    let found = &found.cells[0];
    assert_eq!((&found.key, &found.meta, &found.tasks), (&one.cell, &one.meta, &one.tasks));
    let mut seen: Vec<_> = one.seen.iter().map(|change| SeenRun::new(change.run, change.seen)).collect();
    seen.sort();
    assert_eq!(found.seen, seen);
    assert_eq!(found.items, one.items);
}

#[test]
fn a_run_that_changes_stands_once_and_moves_with_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    ledger.commit(&delta(cell("s"), 1, 0..1000, NOW)).unwrap();
    let failed = Seen { outcome: Some(Outcome::Failed), facets: Facets::LOG, ..seen(NOW) };
    let moved = Seen { at: NOW.minus(HOUR * 5), ..failed };
    let mut change = delta(cell("s"), 1, 0..0, NOW);
    change.seen = vec![
        SeenChange { run: key(3), seen: failed, before: Some(seen(NOW)) },
        SeenChange { run: key(4), seen: moved, before: Some(seen(NOW)) },
    ];
    ledger.commit(&change).unwrap();
    drop(ledger);
    let found = restored(directory.path());
    let found = &found.cells[0].seen;
    assert_eq!(found.len(), 1000);
    let of = |n| found.iter().filter(|run| run.run == key(n)).map(|run| run.seen()).collect::<Vec<_>>();
    assert_eq!((of(3), of(4), of(5)), (vec![failed], vec![moved], vec![seen(NOW)]));
}

#[test]
fn runs_before_the_floor_are_forgotten_in_the_same_commit() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    for hour in 0..10 {
        let from = u64::from(hour) * 100;
        ledger.commit(&delta(cell("s"), 1, from..from + 100, NOW.plus(HOUR * hour))).unwrap();
        ledger.commit(&delta(cell("t"), 1, from..from + 100, NOW.plus(HOUR * hour))).unwrap();
    }
    let mut later = delta(cell("s"), 1, 0..0, NOW.plus(HOUR * 10));
    later.meta.floor = NOW.plus(HOUR * 7);
    // A run that is older than the floor already is not kept at all.
    later.seen.push(SeenChange { run: key(99_999), seen: seen(NOW), before: None });
    ledger.commit(&later).unwrap();
    drop(ledger);
    let found = sorted(restored(directory.path()));
    assert_eq!(found.cells.iter().map(|cell| cell.seen.len()).collect::<Vec<_>>(), [300, 1000]);
}

#[test]
fn a_retired_cell_is_gone_and_may_come_back() {
    let (directory, _) = small();
    let mut ledger = open(directory.path()).unwrap();
    ledger.retire(&cell("one")).unwrap();
    ledger.retire(&cell("never was")).unwrap();
    drop(ledger);
    let mut ledger = open(directory.path()).unwrap();
    let found = ledger.restore().unwrap();
    assert_eq!((found.cells.len(), found.damaged), (1, 0));
    ledger.commit(&delta(cell("one"), 1, 7..8, NOW)).unwrap();
    drop(ledger);
    let found = sorted(restored(directory.path()));
    assert_eq!(found.cells[0].seen.len(), 1);
}

#[test]
fn cells_of_kinds_that_this_program_lacks_are_left_as_they_are() {
    let (directory, before) = small();
    let fewer = Names { kinds: vec!["scf"], natives: Vec::new() };
    let mut ledger = Embedded::open(directory.path(), &fewer, NOW).unwrap();
    let found = ledger.restore().unwrap();
    assert_eq!((found.cells.len(), found.damaged), (0, 0));
    drop(ledger);
    assert!(same(&sorted(restored(directory.path())).cells, &before));
}

#[test]
fn a_second_process_is_told_who_holds_the_directory() {
    let (directory, _) = small();
    let _first = open(directory.path()).unwrap();
    let refused = open(directory.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Held { .. }));
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
}

#[test]
fn a_run_takes_less_than_48_bytes_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    let empty = ledger.bytes();
    for step in 0..100_u64 {
        let at = NOW.plus(Duration::from_secs(step * 360));
        ledger.commit(&delta(cell("s"), 1, step * 1000..step * 1000 + 1000, at)).unwrap();
    }
    drop(ledger);
    let mut ledger = open(directory.path()).unwrap();
    ledger.compact().unwrap();
    let each = (ledger.bytes() - empty) / 100_000;
    assert!(each < 48, "{each} bytes");
}
