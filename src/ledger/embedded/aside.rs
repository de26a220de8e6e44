//! Damaged state files that were set aside: how they are called, and how many are kept.

use super::OpenError;
use crate::model::Timestamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Copies that are kept, the newest. A disk that breaks files at every start must not be filled with them.
const KEPT: usize = 3;

/// What stands between the name of the state file and the time.
const MARK: &str = ".corrupt-";

/// Keeps `state` under another name too, for whoever wants to look into it.
pub(super) fn set_aside(state: &Path, now: Timestamp) -> Result<PathBuf, OpenError> {
    let time = chrono::DateTime::from_timestamp_millis(now.millis()).unwrap_or_default();
    let name = format!("{}{MARK}{}", state.display(), time.format("%Y%m%dT%H%M%SZ"));
    let numbered = (2..).map(|number| format!("{name}-{number}").into());
    let mut names = std::iter::once(PathBuf::from(&name)).chain(numbered);
    let aside = names.find(|path| !path.exists()).unwrap_or_else(|| PathBuf::from(&name));
    // A second name for the same file: until the new file is renamed over the first, neither can be lost. Where the
    // file system has no second names, it is copied.
    fs::hard_link(state, &aside)
        .or_else(|_| fs::copy(state, &aside).map(|_| ()))
        .map_err(|source| OpenError::access(&aside, "make", source))?;
    Ok(aside)
}

/// Removes all copies of `state` but the newest; says in the log which.
pub(super) fn prune(state: &Path) {
    let mut copies = copies(state).unwrap_or_default();
    copies.sort();
    let older = copies.len().saturating_sub(KEPT);
    for (_, path) in copies.drain(..older) {
        let removed = path.display();
        match fs::remove_file(&path) {
            Ok(()) => {
                tracing::warn!(%removed, kept = KEPT, "an older copy of a damaged state file is removed")
            }
            Err(error) => tracing::warn!(%removed, %error, "an older copy of a damaged state file stays"),
        }
    }
}

/// The copies that [`set_aside`] made, by when and in which order.
fn copies(state: &Path) -> io::Result<Vec<((String, u32), PathBuf)>> {
    let directory = state.parent().unwrap_or(Path::new("."));
    let prefix = format!("{}{MARK}", state.file_name().unwrap_or_default().to_string_lossy());
    let copy = |path: PathBuf| Some((when(path.file_name()?.to_str()?.strip_prefix(&prefix)?)?, path));
    Ok(fs::read_dir(directory)?.filter_map(|entry| copy(entry.ok()?.path())).collect())
}

/// Time and number of a copy, from the end of its name. `None` for a name that somebody else gave.
fn when(name: &str) -> Option<(String, u32)> {
    let (time, number) = match name.split_once('-') {
        Some((time, number)) => (time, number.parse().ok()?),
        None => (name, 1),
    };
    chrono::NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").ok()?;
    Some((time.to_owned(), number))
}
