//! The directory: which files it holds, and how one takes the place of another.

use super::OpenError;
use super::lock;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
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
    /// A directory that is there, whatever is in it.
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.into() }
    }

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

    /// Opens the state file for reading. `None` where there is no file.
    pub(super) fn open(&self) -> Result<Option<File>, OpenError> {
        let path = self.state();
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(OpenError::NotAFile { path }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::access(&path, "find", source)),
        }
        File::open(&path).map(Some).map_err(|source| OpenError::access(&path, "open", source))
    }

    /// Whether the state file may be written, which should be said with whose it is.
    pub(super) fn writable(&self) -> Result<(), OpenError> {
        let path = self.state();
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        opened.map(|_| ()).map_err(|source| OpenError::access(&path, "write", source))
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

    /// Takes away a file that could not be finished: where there is no room, it is in the way.
    pub(super) fn give_up(&self) {
        // It is replaced by the next try anyway.
        let _left = fs::remove_file(self.directory.join(UNFINISHED));
    }

    /// Gives the files to whoever the directory belongs to: root may have made them for a service.
    pub(super) fn hand_over(&self) -> Result<(), OpenError> {
        let own = fs::metadata("/proc/self").map_or(u32::MAX, |process| process.uid());
        let found = |path: &Path| {
            fs::metadata(path).map_err(|source| OpenError::access(path, "find the owner of", source))
        };
        let directory = found(&self.directory)?;
        if own != 0 || directory.uid() == own {
            return Ok(());
        }
        for path in [self.directory.join(lock::NAME), self.state()] {
            chown(&path, Some(directory.uid()), Some(directory.gid()))
                .map_err(|source| OpenError::access(&path, "change the owner of", source))?;
        }
        Ok(())
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
