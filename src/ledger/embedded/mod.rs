//! The ledger of one machine: a file that holds everything, and a lock beside it.
//!
//! `exam` looks at the file before it is used; `scan` reads it; `book` writes it, one transaction a delta; `home` knows
//! the directory and `lock` keeps a second process out.

mod book;
mod exam;
mod home;
mod lock;
mod overlay;
mod rubble;
mod run;
mod scan;
mod table;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;

use super::codec::Names;
use super::{Ledger, LedgerError};
use crate::model::{CellKey, Delta, Restored, RestoredCell, SeenChange, Timestamp};
use book::{Book, Medium};
use exam::Exam;
use home::Home;
use lock::Lock;
pub(super) use scan::Contents;
use std::io;
use std::path::{Path, PathBuf};

/// Keeps everything in one file of a directory that no other process uses.
pub struct Embedded {
    book: Book,
    restored: Option<Restored>,
    _closed: Closed,
}

impl Embedded {
    /// Takes the directory, which is made if it is missing, and reads its state file.
    ///
    /// A damaged file is set aside, and what of it can be read is taken over; [`Restored::damaged`] and the log say
    /// what is lost.
    ///
    /// # Errors
    /// Another process holds the directory, the state is of a later version, or the system lets this process not use
    /// it. The files are as they were.
    pub fn open(directory: &Path, names: &Names, now: Timestamp) -> Result<Self, OpenError> {
        let closed = Closed::take(directory)?;
        let contents = match closed.read(names, now)? {
            Found::Nothing => {
                closed.create(&[], now)?;
                Contents::default()
            }
            Found::Sound(contents) => contents,
            Found::Damaged(contents) => {
                let aside = closed.home.set_aside(now)?;
                closed.create(&contents.restored.cells, contents.created.unwrap_or(now))?;
                tell_of_damage(&aside, &contents);
                contents
            }
        };
        if !contents.foreign.is_empty() {
            tracing::warn!(kinds = ?contents.foreign,
                "the state holds cells of kinds that this program does not have; they are left as they are");
        }
        let path = closed.home.state();
        let book = Book::open(Box::new(StateFile(path.clone())))
            .map_err(|LedgerError(why)| OpenError::Unusable { path, why })?;
        Ok(Self { book, restored: Some(contents.restored), _closed: closed })
    }
}

fn tell_of_damage(aside: &Path, contents: &Contents) {
    let restored = &contents.restored;
    let tasks: usize = restored.cells.iter().map(|cell| cell.tasks.len()).sum();
    let runs: usize = restored.cells.iter().map(|cell| cell.seen.len()).sum();
    tracing::error!(
        state.kept_as = %aside.display(),
        lost = %contents.problems.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("; "),
        saved.cells = restored.cells.len(), saved.tasks = tasks, saved.runs = runs,
        "the state file was damaged; what could be read of it is taken over, the rest begins anew"
    );
}

impl Ledger for Embedded {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        self.restored.take().ok_or_else(|| LedgerError("it was restored already".into()))
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

/// A state directory that this process holds and that is not in use.
pub(super) struct Closed {
    home: Home,
    _lock: Lock,
}

/// What a directory holds.
#[derive(Debug)]
pub(super) enum Found {
    /// No state.
    Nothing,
    /// A state in good order.
    Sound(Contents),
    /// What could be read of a damaged one.
    Damaged(Contents),
}

impl Closed {
    /// Takes the directory, which is made if it is missing.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let home = Home::make(directory)?;
        let lock = Lock::take(home.directory())?;
        Ok(Self { home, _lock: lock })
    }

    /// Reads the state file without changing it.
    pub(super) fn read(&self, names: &Names, now: Timestamp) -> Result<Found, OpenError> {
        let path = self.home.state();
        let Some(file) = self.home.open()? else { return Ok(Found::Nothing) };
        let unread = |source| OpenError::access(&path, "read", source);
        if file.metadata().map_err(unread)?.len() == 0 {
            tracing::warn!(state.file = %path.display(), "the state file is empty; counting begins anew");
            return Ok(Found::Nothing);
        }
        match exam::examine(&file, names, now).map_err(unread)? {
            Exam::Sound(contents) => Ok(Found::Sound(contents)),
            Exam::Damaged(contents) => Ok(Found::Damaged(contents)),
            Exam::Newer(found) => Err(OpenError::Newer { path, found, known: table::FORMAT }),
        }
    }

    /// Makes a state file with `cells` in it, in the place of whatever was there.
    pub(super) fn create(&self, cells: &[RestoredCell], created: Timestamp) -> Result<(), OpenError> {
        let path = self.home.unfinished()?;
        let unusable = |LedgerError(why)| OpenError::Unusable { path: path.clone(), why };
        let mut book = Book::create(Box::new(StateFile(path.clone())), created).map_err(unusable)?;
        for cell in cells {
            book.commit(&whole(cell)).map_err(unusable)?;
        }
        drop(book);
        self.home.finish()
    }
}

/// All of a cell, as if it came at once.
fn whole(cell: &RestoredCell) -> Delta {
    let seen = cell.seen.iter().map(|seen| SeenChange { run: seen.run, seen: seen.seen(), before: None });
    Delta {
        cell: cell.key.clone(),
        meta: cell.meta.clone(),
        tasks: cell.tasks.clone(),
        seen: seen.collect(),
        items: cell.items.clone(),
        expired_items: Vec::new(),
        idle: Vec::new(),
        folded: 0,
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

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the state in {} is in use by {holder}; give each exporter a state.path of its own", directory.display())]
    Held {
        /// The directory.
        directory: PathBuf,
        /// The other process, in its own words.
        holder: String,
    },
    /// Something stands where the file should be.
    #[error("{} is not a file; move it away, or set state.path to another directory", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// It was written by a later version.
    #[error(
        "{} is of format {found}, made by a later version of this program; this one knows format {known}. \
         It is left as it is: run that version, or move the file away to count anew", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The format of this version.
        known: u64,
    },
    /// The system said no.
    #[error("cannot {doing} {}: {source}{owners}", path.display())]
    Access {
        /// What with.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
        /// Whose it is, and who this process is.
        owners: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl OpenError {
    fn access(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let owners = match source.kind() {
            io::ErrorKind::PermissionDenied => home::owners(path),
            _ => String::new(),
        };
        Self::Access { path: path.into(), doing, source, owners }
    }
}
