//! A state directory whose file is not in use: read, made anew, opened.

use super::book::Book;
use super::exam::{self, Exam};
use super::home::Home;
use super::lock::Lock;
use super::scan::Contents;
use super::{OpenError, StateFile, aside, table};
use crate::ledger::LedgerError;
use crate::ledger::codec::Names;
use crate::model::{Delta, RestoredCell, SeenChange, Timestamp};
use std::path::Path;

/// A state directory that no other process uses while this lives, as far as it can be locked.
pub(in crate::ledger) struct Closed {
    pub(super) home: Home,
    pub(super) lock: Option<Lock>,
}

/// What a directory holds.
#[derive(Debug)]
pub(in crate::ledger) enum Found {
    /// No state.
    Nothing,
    /// A state in good order.
    Sound(Contents),
    /// What could be read of a damaged one.
    Damaged(Contents),
}

impl Found {
    /// What could be read.
    pub(super) fn contents(self) -> Contents {
        match self {
            Self::Nothing => Contents::default(),
            Self::Sound(contents) | Self::Damaged(contents) => contents,
        }
    }
}

impl Closed {
    /// Takes the directory, which is made if it is missing.
    pub(in crate::ledger) fn take(directory: &Path) -> Result<Self, OpenError> {
        let home = Home::make(directory)?;
        let lock = Some(Lock::take(home.directory())?);
        Ok(Self { home, lock })
    }

    /// A directory that is only read: nothing in it is changed or made.
    pub(in crate::ledger) fn look(directory: &Path) -> Result<Self, OpenError> {
        let home = Home::at(directory);
        let lock = Lock::look(home.directory())?;
        Ok(Self { home, lock })
    }

    /// Reads the state file without changing it.
    pub(in crate::ledger) fn read(&self, names: &Names, now: Timestamp) -> Result<Found, OpenError> {
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

    /// Opens the state file for writing, having made a sound one of what was found.
    pub(super) fn open(&self, found: &Found, now: Timestamp) -> Result<Book, OpenError> {
        match found {
            Found::Nothing => self.create(&[], now)?,
            Found::Sound(_) => self.home.writable()?,
            Found::Damaged(contents) => self.replace(contents, now)?,
        }
        let path = self.home.state();
        let older = matches!(found, Found::Sound(contents) if contents.format < Some(table::FORMAT));
        Book::open(Box::new(StateFile(path.clone())))
            .and_then(|mut book| if older { book.upgrade().map(|()| book) } else { Ok(book) })
            .map_err(|LedgerError(why)| OpenError::Unusable { path, why })
    }

    /// Makes a state file with `cells` in it, where there is none.
    pub(in crate::ledger) fn create(
        &self,
        cells: &[RestoredCell],
        created: Timestamp,
    ) -> Result<(), OpenError> {
        self.write(cells, created)?;
        self.home.finish()
    }

    /// Gives the files to the directory's owner.
    pub(in crate::ledger) fn hand_over(&self) -> Result<(), OpenError> {
        self.home.hand_over()
    }

    /// Puts what could be read of a damaged file in its place, and sets that aside.
    fn replace(&self, contents: &Contents, now: Timestamp) -> Result<(), OpenError> {
        self.write(&contents.restored.cells, contents.created.unwrap_or(now))?;
        let state = self.home.state();
        let kept = aside::set_aside(&state, now)?;
        self.home.finish()?;
        tell_of_damage(&kept, contents);
        aside::prune(&state);
        Ok(())
    }

    fn write(&self, cells: &[RestoredCell], created: Timestamp) -> Result<(), OpenError> {
        let path = self.home.unfinished()?;
        let written = Book::create(Box::new(StateFile(path.clone())), created)
            .and_then(|mut book| cells.iter().try_for_each(|cell| book.commit(&whole(cell))));
        written.map_err(|LedgerError(why)| {
            self.home.give_up();
            OpenError::Unusable { path, why }
        })
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
