//! A directory that cannot be written at the start, and can be later.
//!
//! A directory in the way of what is to be written stands for a disk that refuses it, whoever runs the test.

use super::scene::{NOW, cell, delta, names, open, restored, same, small, sorted};
use crate::ledger::embedded::home::Home;
use crate::ledger::{Embedded, Ledger};
use std::fs;
use std::path::Path;

/// Makes it impossible to make a new state file in the directory.
fn obstruct(directory: &Path) -> std::path::PathBuf {
    let obstacle = directory.join("state.redb.new");
    fs::create_dir_all(obstacle.join("x")).unwrap();
    obstacle
}

#[test]
fn with_no_room_for_a_first_file_it_starts_and_counting_waits() {
    let directory = tempfile::tempdir().unwrap();
    let obstacle = obstruct(directory.path());
    let mut ledger = open(directory.path()).unwrap();
    assert!(ledger.restore().unwrap().cells.is_empty());
    let first = delta(cell("s"), 1, 0..10, NOW);
    assert!(ledger.commit(&first).is_err() && ledger.commit(&first).is_err());
    assert!(ledger.compact().is_ok() && ledger.bytes() == 0);
    fs::remove_dir_all(obstacle).unwrap();
    ledger.commit(&first).unwrap();
    ledger.commit(&delta(cell("s"), 1, 10..20, NOW)).unwrap();
    drop(ledger);
    assert_eq!(restored(directory.path()).cells[0].seen.len(), 20);
}

#[test]
fn what_is_saved_of_a_damaged_file_is_shown_before_there_is_room_to_keep_it() {
    let (directory, before) = small();
    let path = Home::at(directory.path()).state();
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes.truncate(length / 2);
    fs::write(&path, &bytes).unwrap();
    let obstacle = obstruct(directory.path());
    let mut ledger = open(directory.path()).unwrap();
    let found = ledger.restore().unwrap();
    assert!(found.damaged > 0 && found.cells.len() == before.len());
    assert!(ledger.commit(&delta(cell("one"), 1, 900..901, NOW)).is_err());
    assert!(fs::read(&path).unwrap() == bytes, "it is left as it is");
    let aside = || {
        fs::read_dir(directory.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains(".corrupt-"))
            .count()
    };
    assert_eq!(aside(), 0, "a copy at every try would fill the disk");
    fs::remove_dir_all(obstacle).unwrap();
    ledger.commit(&delta(cell("new"), 1, 900..901, NOW)).unwrap();
    drop(ledger);
    assert_eq!(aside(), 1);
    let after = sorted(restored(directory.path()));
    assert_eq!(after.damaged, 0);
    let kept: Vec<_> = after.cells.into_iter().filter(|cell| &*cell.key.source != "new").collect();
    assert!(same(&kept, &sorted(found).cells));
}

#[test]
fn what_another_process_wrote_meanwhile_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let obstacle = obstruct(directory.path());
    let mut late = Embedded::open(directory.path(), &names(), NOW).unwrap();
    assert!(late.commit(&delta(cell("s"), 1, 0..1, NOW)).is_err());
    fs::remove_dir_all(obstacle).unwrap();
    // Somebody who does not care for the lock: a copy from another machine.
    let other = tempfile::tempdir().unwrap();
    open(other.path()).unwrap().commit(&delta(cell("s"), 1, 0..10, NOW)).unwrap();
    fs::copy(other.path().join("state.redb"), directory.path().join("state.redb")).unwrap();
    let why = late.commit(&delta(cell("s"), 1, 0..1, NOW)).unwrap_err().to_string();
    assert!(why.contains("another one has used it since"), "{why}");
    drop(late);
    assert_eq!(restored(directory.path()).cells[0].seen.len(), 10);
}
