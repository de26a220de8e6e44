//! The directory: which files it holds, and how one takes the place of another.

use super::OpenError;
use crate::model::Timestamp;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The state file's name.
const STATE: &str = "state.redb";

/// A state file that is being made. It takes its name when it is whole, so that no crash leaves half a one.
const UNFINISHED: &str = "state.redb.new";

/// Paths of one state directory.
#[derive(Clone, Debug)]
pub(super) struct Home {
    directory: PathBuf,
}

impl Home {
    /// The directory, made if it is missing.
    pub(super) fn make(directory: &Path) -> Result<Self, OpenError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| OpenError::access(directory, "make", source))?;
        Ok(Self { directory: directory.into() })
    }

    /// The directory itself.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state file.
    pub(super) fn state(&self) -> PathBuf {
        self.directory.join(STATE)
    }

    /// Opens the state file, for writing too, because what cannot be written should be said at the start.
    /// `None` where there is no file, or an empty one.
    pub(super) fn open(&self) -> Result<Option<File>, OpenError> {
        let path = self.state();
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(OpenError::NotAFile { path }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::access(&path, "find", source)),
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| OpenError::access(&path, "open", source))?;
        Ok(Some(file))
    }

    /// Where a new state file is made. What an earlier try left there is taken away.
    pub(super) fn unfinished(&self) -> Result<PathBuf, OpenError> {
        let path = self.directory.join(UNFINISHED);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(OpenError::access(&path, "replace", source))
            }
            _ => {
                private()
                    .write(true)
                    .create_new(true)
                    .open(&path)
                    .map_err(|source| OpenError::access(&path, "make", source))?;
                Ok(path)
            }
        }
    }

    /// Gives the finished file its name, at once and for good.
    pub(super) fn finish(&self) -> Result<(), OpenError> {
        let path = self.directory.join(UNFINISHED);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&path, self.state()))
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|source| OpenError::access(&path, "rename", source))
    }

    /// Keeps the state file under another name too, for whoever wants to look into it.
    pub(super) fn set_aside(&self, now: Timestamp) -> Result<PathBuf, OpenError> {
        let time = chrono::DateTime::from_timestamp_millis(now.millis()).unwrap_or_default();
        let name = format!("{STATE}.corrupt-{}", time.format("%Y%m%dT%H%M%SZ"));
        let numbered = (2..).map(|number| self.directory.join(format!("{name}-{number}")));
        let mut names = std::iter::once(self.directory.join(&name)).chain(numbered);
        let aside = names.find(|path| !path.exists()).unwrap_or_else(|| self.directory.join(&name));
        let state = self.state();
        // A second name for the same file: until the new file is renamed over the first, neither can be lost. Where the
        // file system has no second names, it is copied.
        fs::hard_link(&state, &aside)
            .or_else(|_| fs::copy(&state, &aside).map(|_| ()))
            .map_err(|source| OpenError::access(&aside, "make", source))?;
        Ok(aside)
    }
}

/// Files that only their owner reads: task names are nobody else's.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// What an operator needs to know about a file that this process may not use.
pub(super) fn owners(path: &Path) -> String {
    let Ok(own) = fs::metadata("/proc/self") else { return String::new() };
    let found = fs::metadata(path).or_else(|_| fs::metadata(path.parent().unwrap_or(path)));
    let Ok(found) = found else { return String::new() };
    format!(
        "; it belongs to user {} with mode {:o}, this process runs as user {}",
        found.uid(),
        found.mode() & 0o7777,
        own.uid()
    )
}
