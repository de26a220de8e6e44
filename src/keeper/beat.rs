//! The keeper's signs of life.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts the steps of the keeper's thread, and whether it was asked for one.
#[derive(Default)]
pub(super) struct Beat {
    steps: AtomicU64,
    asked: AtomicBool,
}

impl Beat {
    /// A step is taken, or begun after another.
    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// The steps so far.
    pub(super) fn count(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Whether a step may be asked for: one question at a time, or a keeper that waits long would find hundreds.
    pub(super) fn ask(&self) -> bool {
        !self.asked.swap(true, Ordering::Relaxed)
    }

    /// The question was answered, or could not be asked.
    pub(super) fn answered(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }
}
