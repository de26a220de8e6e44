//! Reading files, and knowing later whether they are still the same.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longer is no certificate, key or configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// What each file held, as far as that tells one content from another.
pub(super) type Seen = BTreeMap<PathBuf, [u8; 32]>;

/// Reads files and remembers which, and what they held. Contents and not times are compared: that is right on every
/// file system, for links that are turned round and files that are written twice within a tick, and costs some
/// microseconds for what is this small.
#[derive(Default)]
pub(super) struct Files {
    seen: Seen,
}

impl Files {
    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let content = read(path);
        self.seen.insert(path.to_owned(), digest(&content));
        content
    }

    /// What was read.
    pub(super) fn into_seen(self) -> Seen {
        self.seen
    }
}

/// What the same files hold now.
pub(super) fn look(again: &Seen) -> Seen {
    again.keys().map(|path| (path.clone(), digest(&read(path)))).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if content.len() as u64 > MOST_BYTES {
        return Err(format!("{} is longer than {MOST_BYTES} bytes", path.display()));
    }
    Ok(content)
}

fn digest(content: &Result<Vec<u8>, String>) -> [u8; 32] {
    match content {
        Ok(content) => Sha256::digest(content).into(),
        Err(why) => Sha256::digest(format!("\0cannot be read\0{why}")).into(),
    }
}
