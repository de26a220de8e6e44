//! A file that is not as it was left: a start succeeds with what can be read, or says why not.

use super::scene::{NOW, cell, delta, names, open, restored, same, small, sorted};
use crate::ledger::embedded::exam::{Exam, examine};
use crate::ledger::embedded::table::{FORMAT, Fact, Pen, Sheet};
use crate::ledger::{Ledger, Names, OpenError};
use crate::model::{Restored, RestoredCell, Timestamp};
use proptest::prelude::*;
use redb::ReadableDatabase as _;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What a start reads of a file, whatever is in it; `None` if it takes it for one of a later version.
pub(crate) fn found(file: &File, names: &Names, now: Timestamp) -> Option<Restored> {
    match examine(file, names, now).unwrap() {
        Exam::Newer(_) => None,
        Exam::Sound(contents) | Exam::Damaged(contents) => Some(contents.restored),
    }
}

fn state(directory: &Path) -> PathBuf {
    directory.join("state.redb")
}

fn set_aside(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().contains("state.redb.corrupt-20250615T")).collect()
}

/// The bytes of a small state, as a stop leaves it and as a kill leaves it, and what is in it.
fn bytes() -> (Vec<Vec<u8>>, Vec<RestoredCell>) {
    let (directory, _) = small();
    let mut ledger = open(directory.path()).unwrap();
    ledger.commit(&delta(cell("one"), 3, 500..510, NOW)).unwrap();
    let killed = fs::read(state(directory.path())).unwrap();
    drop(ledger);
    let stopped = fs::read(state(directory.path())).unwrap();
    (vec![stopped, killed], sorted(restored(directory.path())).cells)
}

/// Every value found is one that was there, or was there before the last commit.
fn only_true_values(found: &[RestoredCell], before: &[RestoredCell]) -> bool {
    found.iter().all(|found| {
        let Some(before) = before.iter().find(|before| before.key == found.key) else { return false };
        found.seen.iter().all(|run| before.seen.contains(run))
            && found.items.iter().all(|item| before.items.contains(item))
            && found.tasks.iter().all(|(key, _)| before.tasks.iter().any(|(known, _)| known == key))
    })
}

#[test]
fn a_missing_and_an_empty_file_begin_anew() {
    let (directory, _) = small();
    fs::write(state(directory.path()), b"").unwrap();
    assert!(restored(directory.path()).cells.is_empty());
    fs::remove_file(state(directory.path())).unwrap();
    assert!(restored(directory.path()).cells.is_empty());
    assert!(set_aside(directory.path()).is_empty());
}

#[test]
fn what_is_no_state_file_is_set_aside() {
    let beginnings: [&[u8]; 4] = [&[0; 5000], b"hello", &[0xff; 100_000], b"redb\x1a\x0a\xa9\x0d\x0a"];
    for content in beginnings {
        let (directory, _) = small();
        fs::write(state(directory.path()), content).unwrap();
        let found = restored(directory.path());
        assert!(found.cells.is_empty() && found.damaged > 0);
        let aside = set_aside(directory.path());
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read(&aside[0]).unwrap(), content);
        assert_eq!(restored(directory.path()).damaged, 0, "the next start finds a new file");
        assert_eq!(set_aside(directory.path()).len(), 1);
    }
}

#[test]
fn the_newest_three_copies_of_damaged_files_are_kept() {
    let (directory, _) = small();
    let others = ["state.redb.corrupt-keep", "state.redb.corrupt-20240101T000000Z.gz"];
    for name in others.into_iter().chain([
        "state.redb.corrupt-20240101T000000Z",
        "state.redb.corrupt-20240301T000000Z-10",
        "state.redb.corrupt-20240301T000000Z-9",
        "state.redb.corrupt-20240301T000000Z",
    ]) {
        fs::write(directory.path().join(name), name).unwrap();
    }
    fs::write(state(directory.path()), "no state").unwrap();
    assert!(restored(directory.path()).damaged > 0);
    let mut left: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("corrupt"))
        .collect();
    left.sort();
    let mut kept = vec![
        "state.redb.corrupt-20240301T000000Z-10",
        "state.redb.corrupt-20240301T000000Z-9",
        "state.redb.corrupt-20250615T150640Z",
    ];
    kept.extend(others);
    kept.sort_unstable();
    assert_eq!(left, kept);
}

#[test]
fn a_directory_in_its_place_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(state(directory.path())).unwrap();
    let refused = open(directory.path()).err().unwrap();
    assert!(matches!(refused, OpenError::NotAFile { .. }), "{refused}");
}

/// What the file says of its own format.
fn format(path: &Path) -> u64 {
    let database = redb::Database::open(path).unwrap();
    let facts = database.begin_read().unwrap().open_table(Sheet::Facts.definition()).unwrap();
    Fact::Format.number(facts.get(Fact::Format.key()).unwrap().unwrap().value()).unwrap()
}

#[test]
fn a_state_of_before_there_were_native_buckets_is_taken_over_and_says_so() {
    let (directory, before) = small();
    let path = state(directory.path());
    let database = redb::Database::open(&path).unwrap();
    let txn = database.begin_write().unwrap();
    Fact::Format.put(&mut Pen::new(&txn, Sheet::Facts, 99).unwrap(), 1).unwrap();
    txn.commit().unwrap();
    drop(database);
    let ledger = open(directory.path()).unwrap();
    drop(ledger);
    assert_eq!(format(&path), 2, "an earlier version must not take what is written now for damaged");
    assert!(same(&sorted(restored(directory.path())).cells, &before));
    assert!(set_aside(directory.path()).is_empty());
}

#[test]
fn a_later_format_is_refused_and_left_as_it_is() {
    let (directory, _) = small();
    let path = state(directory.path());
    let database = redb::Database::open(&path).unwrap();
    let txn = database.begin_write().unwrap();
    Fact::Format.put(&mut Pen::new(&txn, Sheet::Facts, 99).unwrap(), FORMAT + 1).unwrap();
    txn.commit().unwrap();
    let killed = fs::read(&path).unwrap();
    drop(database);
    for bytes in [fs::read(&path).unwrap(), killed] {
        fs::write(&path, &bytes).unwrap();
        let refused = open(directory.path()).err().unwrap();
        assert!(matches!(refused, OpenError::Newer { found: 3, known: 2, .. }), "{refused}");
        assert!(fs::read(&path).unwrap() == bytes);
    }
    // The same where redb's own format is a later one.
    let mut bytes = fs::read(&path).unwrap();
    (bytes[64], bytes[192]) = (4, 4);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(directory.path()).err().unwrap(), OpenError::Newer { found: 4, .. }));
    assert!(fs::read(&path).unwrap() == bytes);
    assert!(set_aside(directory.path()).is_empty());
}

#[test]
fn a_broken_page_costs_no_more_than_what_stands_on_it() {
    let (files, before) = bytes();
    for (bytes, page) in files.iter().flat_map(|bytes| (0..bytes.len() / 4096).map(move |page| (bytes, page)))
    {
        let directory = tempfile::tempdir().unwrap();
        let mut broken = bytes.clone();
        broken[page * 4096 + 100] ^= 4;
        fs::write(state(directory.path()), &broken).unwrap();
        let found = sorted(restored(directory.path()));
        assert!(only_true_values(&found.cells, &before), "page {page}");
        let rows: usize = found.cells.iter().map(|cell| cell.tasks.len() + cell.items.len()).sum();
        assert!(rows >= 6, "page {page}: {rows} rows are left");
        // Nothing is lost in silence. (A kill before the last page was written leaves the commit before: no damage.)
        let whole = same(&found.cells, &before);
        assert!(whole || found.damaged > 0 || *bytes == files[1], "page {page}");
        assert_eq!(set_aside(directory.path()).len(), usize::from(found.damaged > 0));
        let again = sorted(restored(directory.path()));
        assert!(again.damaged == 0 && same(&again.cells, &found.cells), "page {page}");
    }
}

#[test]
fn what_is_cut_off_is_said_to_be_lost() {
    let (files, before) = bytes();
    for bytes in files {
        let directory = tempfile::tempdir().unwrap();
        fs::write(state(directory.path()), &bytes).unwrap();
        let file = File::options().read(true).write(true).open(state(directory.path())).unwrap();
        // Every byte of the header; elsewhere the page decides, so its first and last byte and one between.
        let lengths =
            (1..bytes.len()).filter(|length| *length < 400 || matches!(length % 4096, 0 | 1 | 2000 | 4095));
        let mut saved = 0;
        for length in lengths.rev() {
            file.set_len(length as u64).unwrap();
            match examine(&file, &names(), NOW).unwrap() {
                Exam::Newer(_) => panic!("cut to {length}, it looks like a later format"),
                Exam::Sound(contents) | Exam::Damaged(contents) => {
                    assert!(only_true_values(&contents.restored.cells, &before), "cut to {length}");
                    let whole = same(&sorted(contents.restored.clone()).cells, &before);
                    assert!(whole || contents.restored.damaged > 0, "cut to {length}");
                    saved += usize::from(!contents.restored.cells.is_empty());
                }
            }
        }
        assert!(saved > 5, "something is saved of {saved} cut files");
        file.write_all_at(&bytes[..70_000], 0).unwrap();
        assert!(restored(directory.path()).damaged > 0);
        assert_eq!(fs::metadata(&set_aside(directory.path())[0]).unwrap().len(), 70_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_bits_flip_a_start_finds_true_values_or_says_what_is_lost(
        killed: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..6),
        zeroed in prop::option::of((any::<prop::sample::Index>(), 1..20_000_usize)),
    ) {
        static FILES: std::sync::LazyLock<(Vec<Vec<u8>>, Vec<RestoredCell>)> = std::sync::LazyLock::new(bytes);
        let (files, before) = &*FILES;
        let mut broken = files[usize::from(killed)].clone();
        for (at, bit) in flips {
            let at = at.index(broken.len());
            broken[at] ^= 1 << bit;
        }
        if let Some((at, length)) = zeroed {
            let at = at.index(broken.len());
            let end = broken.len().min(at + length);
            broken[at..end].fill(0);
        }
        let directory = tempfile::tempdir().unwrap();
        fs::write(state(directory.path()), &broken).unwrap();
        let found = sorted(restored(directory.path()));
        prop_assert!(only_true_values(&found.cells, before));
        prop_assert!(found.damaged > 0 || killed || same(&found.cells, before));
        let again = sorted(restored(directory.path()));
        prop_assert!(again.damaged == 0 && same(&again.cells, &found.cells));
    }
}
