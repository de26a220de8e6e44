//! The ledger of one machine: a file that holds everything, and a lock beside it.
//!
//! `exam` looks at the file before it is used; `scan` reads it; `book` writes it, one transaction a delta; `home` knows
//! the files of the directory, `aside` the damaged ones, and `lock` keeps a second process out.

mod aside;
mod book;
mod directory;
mod exam;
mod home;
mod lock;
mod overlay;
mod refusal;
mod rubble;
mod run;
mod scan;
mod table;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;

use super::codec::Names;
use super::{Ledger, LedgerError};
use crate::model::{CellKey, Delta, Restored, Timestamp};
use book::{Book, Medium};
pub(super) use directory::{Closed, Found};
use home::Home;
use lock::Lock;
pub use refusal::OpenError;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use rubble::salvage;
pub(super) use scan::Contents;
use std::path::{Path, PathBuf};

/// Keeps everything in one file of a directory that no other process uses.
pub struct Embedded {
    names: Names,
    now: Timestamp,
    restored: Option<Restored>,
    /// What was found at the start: a file that could not be written then must still be the same when it can.
    origin: Origin,
    /// The open file; none while the directory cannot be written.
    book: Option<Book>,
    /// Last, so that it is let go of last.
    closed: Closed,
}

impl Embedded {
    /// Takes the directory, which is made if it is missing, and reads its state file.
    ///
    /// A damaged file is set aside, and what of it can be read is taken over; [`Restored::damaged`] and the log say
    /// what is lost. Where the state can be read but not written, because the disk is full or the directory read-only,
    /// the ledger is given all the same: commits fail until it can be written.
    ///
    /// # Errors
    /// Another process holds the directory, the state is of a later version, or the system lets this process not use
    /// it. The files are as they were.
    pub fn open(directory: &Path, names: &Names, now: Timestamp) -> Result<Self, OpenError> {
        let home = Home::make(directory)?;
        let (lock, unlocked) = match Lock::take(directory) {
            Ok(lock) => (Some(lock), None),
            Err(error @ OpenError::Access { .. }) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let closed = Closed { home, lock };
        let found = closed.read(names, now)?;
        let origin = Origin::of(&found);
        let opened = match unlocked {
            None => closed.open(&found, now),
            Some(error) => Err(error),
        };
        let book = match opened {
            Ok(book) => Some(book),
            // With nothing to show and nobody who may write, there is nothing to wait for.
            Err(error) if matches!(found, Found::Nothing) && error.is_denied() => return Err(error),
            Err(error) => {
                tracing::error!(error = %error.told(),
                    "the state cannot be written: what it holds is shown, and counting waits; make room on the disk or \
                     mend its permissions");
                None
            }
        };
        let contents = found.contents();
        if !contents.foreign.is_empty() {
            tracing::warn!(kinds = ?contents.foreign,
                "the state holds cells of kinds that this program does not have; they are left as they are");
        }
        Ok(Self { names: names.clone(), now, restored: Some(contents.restored), origin, book, closed })
    }

    /// The open file; opened now, if it could not be at the start.
    fn book(&mut self) -> Result<&mut Book, LedgerError> {
        let book = match self.book.take() {
            Some(book) => book,
            None => {
                let book = self.open_later().map_err(|error| LedgerError(error.told()))?;
                tracing::info!(state.file = %self.closed.home.state().display(), "the state can be written, counting goes on");
                book
            }
        };
        Ok(self.book.insert(book))
    }

    fn open_later(&mut self) -> Result<Book, OpenError> {
        if self.closed.lock.is_none() {
            self.closed.lock = Some(Lock::take(self.closed.home.directory())?);
        }
        let found = self.closed.read(&self.names, self.now)?;
        if Origin::of(&found) != self.origin {
            return Err(OpenError::Changed { path: self.closed.home.state() });
        }
        self.closed.open(&found, self.now)
    }
}

/// By what a state is known to be the same as before.
#[derive(PartialEq, Eq)]
struct Origin {
    sequence: Option<u64>,
    damaged: u64,
}

impl Origin {
    fn of(found: &Found) -> Self {
        match found {
            Found::Nothing => Self { sequence: None, damaged: 0 },
            Found::Sound(contents) | Found::Damaged(contents) => {
                Self { sequence: contents.sequence, damaged: contents.restored.damaged }
            }
        }
    }
}

impl Ledger for Embedded {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        self.restored.take().ok_or_else(|| LedgerError("it was restored already".into()))
    }

    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError> {
        self.book()?.commit(delta)
    }

    fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError> {
        self.book()?.retire(cell)
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        self.book.as_mut().map_or(Ok(()), Book::compact)
    }

    fn bytes(&self) -> u64 {
        self.book.as_ref().map_or_else(|| StateFile(self.closed.home.state()).bytes(), Book::bytes)
    }
}

/// A state file on disk.
struct StateFile(PathBuf);

impl Medium for StateFile {
    fn open(&self, builder: &redb::Builder) -> Result<redb::Database, redb::DatabaseError> {
        // The file exists; what redb would make in the place of one that was taken away is not what was kept.
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.0)
            .map_err(redb::StorageError::from)?;
        builder.create_with_backend(redb::backends::FileBackend::new(file)?)
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.0).map_or(0, |file| file.len())
    }
}
