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
#[cfg(test)]
mod tests;

use super::codec::Names;
use super::{Ledger, LedgerError};
use crate::model::{CellKey, Delta, Restored, SeenChange, Timestamp};
use book::{Book, Medium};
use exam::Exam;
use home::Home;
use lock::Lock;
use scan::Contents;
use std::io;
use std::path::{Path, PathBuf};

/// Keeps everything in one file of a directory that no other process uses.
pub struct Embedded {
    book: Book,
    restored: Option<Restored>,
    _lock: Lock,
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
        let home = Home::make(directory)?;
        let lock = Lock::take(home.directory())?;
        let contents = match read(&home, names, now)? {
            Found::Nothing => {
                create(&home, &[], now)?;
                Contents::default()
            }
            Found::Sound(contents) => contents,
            Found::Damaged(contents) => {
                let aside = home.set_aside(now)?;
                create(&home, &contents.restored.cells, contents.created.unwrap_or(now))?;
                tell_of_damage(&aside, &contents);
                contents
            }
        };
        if !contents.foreign.is_empty() {
            tracing::warn!(kinds = ?contents.foreign,
                "the state holds cells of kinds that this program does not have; they are left as they are");
        }
        let book = Book::open(Box::new(StateFile(home.state())))
            .map_err(|LedgerError(why)| OpenError::Unusable { path: home.state(), why })?;
        Ok(Self { book, restored: Some(contents.restored), _lock: lock })
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

/// What a directory holds.
#[derive(Debug)]
enum Found {
    Nothing,
    Sound(Contents),
    Damaged(Contents),
}

/// Reads the state file of a directory without changing anything.
fn read(home: &Home, names: &Names, now: Timestamp) -> Result<Found, OpenError> {
    let path = home.state();
    let Some(file) = home.open()? else { return Ok(Found::Nothing) };
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
fn create(home: &Home, cells: &[crate::model::RestoredCell], created: Timestamp) -> Result<(), OpenError> {
    let path = home.unfinished()?;
    let unusable = |LedgerError(why)| OpenError::Unusable { path: path.clone(), why };
    let mut book = Book::create(Box::new(StateFile(path.clone())), created).map_err(unusable)?;
    for cell in cells {
        let seen = cell.seen.iter().map(|(run, seen)| SeenChange { run: *run, seen: *seen, before: None });
        let whole = Delta {
            cell: cell.key.clone(),
            meta: cell.meta.clone(),
            tasks: cell.tasks.clone(),
            seen: seen.collect(),
            items: cell.items.clone(),
            expired_items: Vec::new(),
            folded: 0,
        };
        book.commit(&whole).map_err(unusable)?;
    }
    drop(book);
    home.finish()
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
