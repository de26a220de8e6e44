//! Looks at a state file before it is used, without changing it.

use super::overlay::Overlay;
use super::scan::{self, Contents, guarded};
use super::table::FORMAT;
use crate::ledger::codec::Names;
use crate::model::Timestamp;
use redb::{ConcurrencyMode, Database, DatabaseError, ReadableDatabase, StorageBackend, StorageError};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

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

/// The bytes of redb's header: its size, flags, and two slots, one for each of the last two commits.
const HEADER: u64 = 320;

/// The bit of the header that says which slot holds the last commit.
const LAST_COMMIT: u64 = 9 * 8;

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
    let whole =
        |overlay| -> io::Result<_> { Ok(checked(overlay)?.and_then(|found| look(&found, names, now))) };
    if let Some(exam) = whole(overlay()?)? {
        return Ok(exam);
    }
    if let Some(Exam::Sound(contents)) = whole(flipped(overlay()?, LAST_COMMIT))? {
        return Ok(damaged(contents, "the last commit; the one before it is whole and takes its place"));
    }
    if let Some(exam) = unchecked(overlay()?)?.and_then(|found| look(&found, names, now)) {
        return Ok(match exam {
            Exam::Sound(contents) => damaged(contents, "pages on which nothing stands"),
            exam => exam,
        });
    }
    // The header is the one page on which all others hang. A single bit of it can be found by trying.
    for bit in 0..HEADER * 8 {
        if let Some(Exam::Sound(contents)) = whole(flipped(overlay()?, bit))? {
            return Ok(damaged(contents, "one bit of the header, which was found"));
        }
    }
    Ok(damaged(Contents::default(), "all of it: it is no state file, or its beginning is broken"))
}

fn flipped(overlay: Overlay, bit: u64) -> Overlay {
    let mut byte = [0];
    // A file shorter than that has no header to mend.
    let _shorter =
        overlay.read(bit / 8, &mut byte).and_then(|()| overlay.write(bit / 8, &[byte[0] ^ 1 << (bit % 8)]));
    overlay
}

fn damaged(mut contents: Contents, what: &str) -> Exam {
    contents.restored.damaged += 1;
    contents.problems.push(what.into());
    Exam::Damaged(contents)
}

fn look(database: &impl ReadableDatabase, names: &Names, now: Timestamp) -> Option<Exam> {
    guarded(|| {
        let txn = database.begin_read().ok()?;
        Some(match scan::format(&txn) {
            Some(format) if format > FORMAT => Exam::Newer(format),
            _ => match scan::scan(&txn, names, now) {
                contents if contents.restored.damaged == 0 => Exam::Sound(contents),
                contents => Exam::Damaged(contents),
            },
        })
    })
    .flatten()
}

/// Opens a file as after a crash, with every page checked. `None` where that fails.
fn checked(overlay: Overlay) -> io::Result<Option<Database>> {
    let mut builder = Database::builder();
    builder.set_check_integrity_on_open(true);
    opened(guarded(|| builder.create_with_backend(overlay)))
}

/// Opens a file without a look at its pages. Only a reader beside a writer of another process is let in like that.
fn unchecked(overlay: Overlay) -> io::Result<Option<redb::ReadOnlyDatabase>> {
    let mut builder = Database::builder();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    opened(guarded(|| builder.open_read_only_with_backend(overlay)))
}

fn opened<T>(found: Option<Result<T, DatabaseError>>) -> io::Result<Option<T>> {
    match found {
        Some(Ok(database)) => Ok(Some(database)),
        // The system's own error, not one about the file's content.
        Some(Err(DatabaseError::Storage(StorageError::Io(error)))) if error.raw_os_error().is_some() => {
            Err(error)
        }
        _ => Ok(None),
    }
}

/// The version of redb's own format, where both slots agree on a later one.
fn newer_redb(file: &File) -> Option<u64> {
    let version = |at| {
        let mut version = [0];
        file.read_exact_at(&mut version, at).ok().map(|()| version[0])
    };
    let [first, second] = SLOTS.map(version);
    first.filter(|version| *version > REDB_FORMAT && first == second && is_redb(file)).map(u64::from)
}

fn is_redb(file: &File) -> bool {
    let mut magic = [0; 4];
    file.read_exact_at(&mut magic, 0).is_ok() && &magic == b"redb"
}
