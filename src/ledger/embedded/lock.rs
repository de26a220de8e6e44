//! One process a directory.

use super::OpenError;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

/// The file whose lock stands for the directory, and which says who holds it.
pub(super) const NAME: &str = ".lock";

/// Holds the directory for as long as it lives. The system lets go of it however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Whether it says in the file who it is.
    named: bool,
}

impl Lock {
    /// Takes the directory.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(NAME);
        let denied = |source| OpenError::access(&path, "lock", source);
        let mut file = super::home::private()
            .read(true)
            .write(true)
            .create(true)
            .open(&path)
            // What may only be read can be locked all the same.
            .or_else(|error| File::open(&path).map_err(|_| error))
            .map_err(denied)?;
        locked(file.try_lock(), &mut file, directory)?;
        // The lock is what counts. On a full or read-only disk its holder stays nameless.
        let _nameless =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", myself()));
        Ok(Self { file, named: true })
    }

    /// Keeps others from taking a directory that is only looked at, and leaves no trace in it. `None` where no process
    /// has ever locked it.
    pub(super) fn look(directory: &Path) -> Result<Option<Self>, OpenError> {
        let path = directory.join(NAME);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|source| OpenError::access(&path, "lock", source))?,
        };
        locked(file.try_lock_shared(), &mut file, directory)?;
        Ok(Some(Self { file, named: false }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.named {
            // Whoever looks at the directory later has no name of its own, and must not be called by this one's.
            let _stays = self.file.set_len(0);
        }
    }
}

fn locked(tried: Result<(), TryLockError>, file: &mut File, directory: &Path) -> Result<(), OpenError> {
    match tried {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Without its text the message is only less clear.
            let _unread = file.read_to_string(&mut holder);
            let holder = holder.trim();
            let holder = if holder.is_empty() { "another process" } else { holder }.to_owned();
            Err(OpenError::Held { directory: directory.into(), holder })
        }
        Err(TryLockError::Error(source)) => Err(OpenError::access(&directory.join(NAME), "lock", source)),
    }
}

/// How another process should call this one.
fn myself() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let started =
        fs::metadata("/proc/self").and_then(|own| own.modified()).map(chrono::DateTime::<chrono::Utc>::from);
    let since =
        started.map_or_else(|_| String::new(), |at| at.format(" since %Y-%m-%dT%H:%M:%SZ").to_string());
    format!(
        "process {} on {}{since}",
        std::process::id(),
        if host.is_empty() { "this machine" } else { host }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap();
        let refused = Lock::take(directory.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {} on ", std::process::id())), "{refused}");
        assert!(refused.contains(" since 20"), "{refused}");
        drop(first);
        Lock::take(directory.path()).unwrap();
    }
}
