//! A disk in memory that fails and loses power when it is told to.

use crate::ledger::codec::tests::names;
use crate::ledger::embedded::book::{Book, Medium};
use crate::ledger::embedded::scan::scan;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{CellKey, Delta, Restored, Timestamp};
use redb::{BackendError, Database, DatabaseError, ReadableDatabase, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

/// How a process ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// Killed: what it wrote is written.
    Kill,
    /// With the machine: of what was written since the last sync, this seed chooses what got to the disk.
    PowerLoss(u64),
}

#[derive(Debug, Default)]
struct State {
    synced: Vec<u8>,
    /// With what was changed since.
    content: Vec<u8>,
    changes: Vec<Change>,
    /// Changes and syncs until one fails.
    left: Option<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, data) => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl State {
    fn change(&mut self, change: Change) -> io::Result<()> {
        self.works()?;
        change.make(&mut self.content);
        self.changes.push(change);
        Ok(())
    }

    /// Whether the next change or sync still succeeds.
    fn works(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// Lets so many changes and syncs succeed, and none after them until it is mended.
    pub(crate) fn fail_after(&self, changes: usize) {
        self.0.lock().unwrap().left = Some(changes);
    }

    /// Lets everything succeed again.
    pub(crate) fn mend(&self) {
        self.0.lock().unwrap().left = None;
    }

    /// The disk as the next process finds it. What this process still writes, as it goes down, is lost.
    pub(crate) fn end(&self, how: End) -> Self {
        let state = self.0.lock().unwrap();
        let mut found = state.synced.clone();
        match how {
            End::Kill => found.clone_from(&state.content),
            End::PowerLoss(seed) => {
                let mut chance = fastrand::Rng::with_seed(seed);
                // A file system keeps the order of lengths, of little else.
                let kept = |change: &&Change| matches!(change, Change::Length(_)) || chance.bool();
                state.changes.iter().filter(kept).for_each(|change| change.make(&mut found));
            }
        }
        Self(Arc::new(Mutex::new(State { synced: found.clone(), content: found, ..State::default() })))
    }

    fn length(&self) -> usize {
        self.0.lock().unwrap().content.len()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(state.content.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Length(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.works()?;
        state.synced = state.content.clone();
        state.changes.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Write(usize::try_from(offset).unwrap(), data.into()))
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

impl Medium for Disk {
    fn open(&self, builder: &redb::Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(self.clone())
    }

    fn bytes(&self) -> u64 {
        self.length() as u64
    }
}

/// The ledger on such a disk.
pub(crate) struct OnDisk {
    book: Book,
    disk: Disk,
}

impl OnDisk {
    /// Opens the disk as a start of the program does.
    pub(crate) fn open(disk: &Disk, now: Timestamp) -> Self {
        let medium = || Box::new(disk.clone());
        let new = disk.length() == 0;
        let book = if new { Book::create(medium(), now) } else { Book::open(medium()) };
        Self { book: book.unwrap(), disk: disk.clone() }
    }
}

impl Ledger for OnDisk {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        let mut builder = Database::builder();
        builder.set_check_integrity_on_open(true);
        // Beside the open one, on a copy.
        let database = self.disk.end(End::Kill).open(&builder).unwrap();
        let contents = scan(&database.begin_read().unwrap(), &names(), Timestamp::default());
        assert_eq!(contents.problems, Vec::<String>::new());
        Ok(contents.restored)
    }

    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError> {
        self.book.commit(delta)
    }

    fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError> {
        self.book.retire(cell)
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        self.book.compact()
    }

    fn bytes(&self) -> u64 {
        self.book.bytes()
    }
}

#[test]
fn a_commit_that_fails_anywhere_counts_once_when_it_is_tried_again() {
    use super::scene::{NOW, cell, delta};
    let mut landed = 0;
    for changes in 0..60 {
        let disk = Disk::default();
        let mut ledger = OnDisk::open(&disk, NOW);
        ledger.commit(&delta(cell("s"), 2, 0..10, NOW)).unwrap();
        disk.fail_after(changes);
        let failed = ledger.commit(&delta(cell("new"), 2, 20..30, NOW)).is_err();
        let kept = ledger.restore().unwrap().cells.len() == 2;
        landed += usize::from(failed && kept);
        assert!(failed || kept);
        if failed {
            assert!(ledger.commit(&delta(cell("new"), 2, 20..30, NOW)).is_err(), "the disk is still full");
            disk.mend();
            ledger.commit(&delta(cell("new"), 2, 20..30, NOW)).unwrap();
        }
        disk.mend();
        ledger.commit(&delta(cell("new"), 2, 30..31, NOW)).unwrap();
        let cells = ledger.restore().unwrap().cells;
        assert_eq!(cells.iter().map(|cell| cell.seen.len()).collect::<Vec<_>>(), [10, 11], "{changes}");
    }
    assert!(landed > 0, "no failure came after the last byte, so that was not tried");
}
