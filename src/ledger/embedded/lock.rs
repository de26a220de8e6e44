//! One process a directory.

use super::OpenError;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The file whose lock stands for the directory, and which says who holds it.
const NAME: &str = ".lock";

/// Holds the directory for as long as it lives. The system lets go of it however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the directory.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(NAME);
        let denied = |source| OpenError::access(&path, "lock", source);
        let mut file =
            super::home::private().read(true).write(true).create(true).open(&path).map_err(denied)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without its text the message is only less clear.
                let _unread = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "another process" } else { holder }.to_owned();
                return Err(OpenError::Held { directory: directory.into(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(denied(source)),
        }
        // The lock is what counts. On a full disk its holder stays nameless.
        let named =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", myself()));
        if let Err(error) = named {
            tracing::debug!(%error, "the lock's holder is not written into it");
        }
        Ok(Self { _file: file })
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
