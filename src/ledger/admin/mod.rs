//! What an operator does with a state directory that no exporter uses: look into it, move it, check it.

mod check;
mod export;
mod import;
mod inspect;
mod recall;
#[cfg(test)]
mod tests;

pub use export::export;
pub use import::import;
pub use inspect::{Filter, inspect};
pub use recall::{Recalled, recall};

use super::embedded::{Closed, Contents, Found};
use super::{Names, OpenError};
use crate::model::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// How much was moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// Cells.
    pub cells: u64,
    /// Tasks.
    pub tasks: u64,
    /// Remembered runs.
    pub runs: u64,
    /// Things counted by status.
    pub items: u64,
}

/// Checks every checksum, and whether what is counted can be true. The problems, one a line; none is good.
///
/// # Errors
/// The directory is in use, or what it holds cannot be read at all.
pub fn verify(directory: &Path, names: &Names, now: Timestamp) -> Result<Vec<String>, AdminError> {
    let (contents, _) = read(directory, names, now)?;
    let lost = contents.problems.iter().map(|problem| format!("damaged: {problem}"));
    Ok(lost.chain(contents.restored.cells.iter().flat_map(|cell| check::problems(cell, now))).collect())
}

/// What is in a directory, and whether all of it could be read.
fn read(directory: &Path, names: &Names, now: Timestamp) -> Result<(Contents, bool), AdminError> {
    // Looking must not make a directory.
    if !directory.is_dir() {
        return Err(AdminError::Nothing(directory.into()));
    }
    match Closed::look(directory)?.read(names, now)? {
        Found::Nothing => Err(AdminError::Nothing(directory.into())),
        Found::Sound(contents) => Ok((contents, true)),
        Found::Damaged(contents) => Ok((contents, false)),
    }
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The directory cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to look at.
    #[error("there is no state in {}", .0.display())]
    Nothing(PathBuf),
    /// There is something already.
    #[error("there is a state in {} already; nothing is overwritten: move it away first", .0.display())]
    Occupied(PathBuf),
    /// What is there is damaged.
    #[error(
        "the state is damaged: {0}; start the exporter on it once, which saves what can be saved, then try again"
    )]
    Damaged(String),
    /// The text to import is not one that was exported.
    #[error("line {line}: {why}")]
    Text {
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Reading or writing the text failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
