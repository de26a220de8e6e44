//! When each function was last read: the order in which the next poll reads them. What is still to be read of a function
//! stands in the cell's gaps.

use super::target::Target;
use crate::model::{TaskKey, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A note about one function. A restart can lose it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Note {
    /// When it was last read, or tried.
    pub(super) at: Timestamp,
    /// Whether the last attempt at it failed.
    pub(super) failed: bool,
}

/// The notes of all functions of a source in a region.
#[derive(Default)]
pub(super) struct Progress {
    notes: Mutex<HashMap<(String, TaskKey), Note>>,
}

impl Progress {
    /// Takes a note.
    pub(super) fn write(&self, target: &Target, note: Note) {
        self.lock().insert((target.namespace.clone(), target.task.clone()), note);
    }

    /// Puts first what was read longest ago, and last what failed: a poll that meets its deadline then goes on where
    /// it ended, and a function that cannot be read keeps none of the others waiting.
    pub(super) fn sort(&self, targets: &mut [Target]) {
        let notes = self.lock();
        targets.sort_by_cached_key(|target| {
            let note = notes.get(&(target.namespace.clone(), target.task.clone()));
            note.map_or((false, None), |note| (note.failed, Some(note.at)))
        });
    }

    /// Forgets the functions of `namespace` that are not among `targets`.
    pub(super) fn retain(&self, namespace: &str, targets: &[Target]) {
        let kept: std::collections::HashSet<&TaskKey> = targets.iter().map(|target| &target.task).collect();
        self.lock().retain(|(of, task), _| of != namespace || kept.contains(task));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, TaskKey), Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
