//! Why a state directory cannot be used.

use super::home;
use std::io;
use std::path::{Path, PathBuf};

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
    /// While this process could only read it, another one wrote.
    #[error(
        "{} is not as this process read it at its start, when it could not write: another one has used it since; \
         restart this one, so that it goes on from what is there", path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The system said no.
    #[error("cannot {doing} {}{owners}", path.display())]
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
    pub(super) fn access(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let owners = match source.kind() {
            io::ErrorKind::PermissionDenied => home::owners(path),
            _ => String::new(),
        };
        Self::Access { path: path.into(), doing, source, owners }
    }

    /// Whether somebody has to change permissions before it can be used: that does not pass by itself.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Access { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// It and what caused it, on one line.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Access { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}
