//! Looks at a state file before it is used, without changing it.

use super::overlay::Overlay;
use super::rubble::Rubble;
use super::scan::{Contents, Rows, scan};
use super::table::{FORMAT, Sheet};
use crate::ledger::codec::Names;
use crate::model::Timestamp;
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, StorageError,
};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Memory for pages while a file is examined: each is read twice, and twice from the system's own cache is cheap enough.
const CACHE: usize = 64 << 20;

/// What a file turned out to be.
#[derive(Debug)]
pub(super) enum Exam {
    /// Every page and every value is what was written.
    Sound(Contents),
    /// Something is not; this is what could be read.
    Damaged(Contents),
    /// Of a later format than this program knows.
    Newer(u64),
}

/// Where redb keeps its flags. The lowest bit says which of two slots holds the last commit; the other one holds the
/// commit before.
const FLAGS: u64 = 9;

/// Where the two slots say which version of redb's own format they are, and the version that this redb writes.
const SLOTS: [u64; 2] = [64, 192];
const REDB_FORMAT: u8 = 3;

/// Examines a file that is not empty.
///
/// # Errors
/// Where the disk cannot be read: that says nothing about the file.
pub(super) fn examine(file: &File, names: &Names, now: Timestamp) -> io::Result<Exam> {
    if let Some(version) = newer_redb(file) {
        return Ok(Exam::Newer(version));
    }
    let overlay = || Overlay::new(file.try_clone()?);
    let whole = |overlay| -> io::Result<_> { Ok(open(overlay)?.and_then(|found| look(&found, names, now))) };
    if let Some(exam) = whole(overlay()?)? {
        return Ok(exam);
    }
    let before = overlay()?;
    let mut flags = [0];
    // Where that fails the file is too short to have a commit before.
    let _too_short = before.read(FLAGS, &mut flags).and_then(|()| before.write(FLAGS, &[flags[0] ^ 1]));
    if let Some(Exam::Sound(mut contents)) = whole(before)? {
        contents.lose(1, "the last commit; the one before it is whole and takes its place");
        return Ok(Exam::Damaged(contents));
    }
    Ok(judge(scan(&Rubble::search(file)?, names, now)))
}

fn judge(contents: Contents) -> Exam {
    match contents.format {
        Some(format) if format > FORMAT => Exam::Newer(format),
        _ if contents.restored.damaged > 0 => Exam::Damaged(contents),
        _ => Exam::Sound(contents),
    }
}

fn look(database: &Database, names: &Names, now: Timestamp) -> Option<Exam> {
    guarded(|| Some(judge(scan(&database.begin_read().ok()?, names, now)))).flatten()
}

impl Rows for ReadTransaction {
    fn each(&self, sheet: Sheet, row: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        let mut read = || -> Result<(), redb::Error> {
            for found in self.open_table(sheet.definition())?.iter()? {
                let (key, value) = found?;
                row(key.value(), value.value());
            }
            Ok(())
        };
        read().is_ok()
    }
}

/// Opens a file as after a crash, with every page checked. `None` where that fails.
fn open(overlay: Overlay) -> io::Result<Option<Database>> {
    let mut builder = Database::builder();
    builder.set_check_integrity_on_open(true);
    builder.set_cache_size(CACHE);
    match guarded(|| builder.create_with_backend(overlay)) {
        Some(Ok(database)) => Ok(Some(database)),
        // The system's own error, not one about the file's content.
        Some(Err(DatabaseError::Storage(StorageError::Io(error)))) if error.raw_os_error().is_some() => {
            Err(error)
        }
        _ => Ok(None),
    }
}

/// Runs `read`. redb answers most broken files with an error, but not all: some make it panic.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// The version of redb's own format, where both slots agree on a later one.
fn newer_redb(file: &File) -> Option<u64> {
    let mut magic = [0; 4];
    file.read_exact_at(&mut magic, 0).ok()?;
    let version = |at| {
        let mut version = [0];
        file.read_exact_at(&mut version, at).ok().map(|()| version[0])
    };
    let [first, second] = SLOTS.map(version);
    first.filter(|version| &magic == b"redb" && *version > REDB_FORMAT && first == second).map(u64::from)
}
