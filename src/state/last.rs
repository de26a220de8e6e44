//! The last run of a task, and its latest successes and failures, in the order the task ran them.

use super::count::Facts;
use crate::model::{
    FailedRun, FinishedRun, LastSuccess, Observation, OrderKey, Outcome, RunId, TaskRecord, Timestamp,
};

/// Failures remembered one by one. A longer streak is counted, but a success that arrives late can then only end it
/// where it lies among these.
const MAX_FAILURES: usize = 64;

/// Failures kept although a success came after them, so that a revision finds the failure before.
const KEPT_FAILURES: usize = 2;

/// Successes kept, so that a revision finds the one before.
const KEPT_SUCCESSES: usize = 2;

/// Puts a finished run in its place.
pub(super) fn add(record: &mut TaskRecord, seen: &Observation, facts: &Facts, at: Timestamp) {
    let order = OrderKey::from(seen);
    if facts.outcome.is_failure() {
        let run = FailedRun {
            order: order.clone(),
            outcome: facts.outcome,
            ended: at,
            return_code: seen.return_code,
        };
        let place = record.failures.partition_point(|known| known.order < order);
        record.failures.insert(place, run);
    } else if facts.outcome == Outcome::Success {
        if record.failures.first().is_none_or(|oldest| oldest.order < order) {
            record.older_failures = 0;
        }
        let place = record.successes.partition_point(|known| known.order > order);
        record.successes.insert(place, LastSuccess { order: order.clone(), ended: at });
        record.successes.truncate(KEPT_SUCCESSES);
    }
    prune(record);
    if record.last.as_ref().is_none_or(|last| last.order <= order) {
        record.last = Some(Box::new(FinishedRun {
            order,
            outcome: facts.outcome,
            planned: seen.planned,
            started: facts.started,
            ended: facts.ended,
            duration: facts.duration,
            return_code: seen.return_code,
            memory_bytes: facts.memory_bytes,
        }));
    }
}

/// Takes a run out, because it is about to be put back with another outcome.
pub(super) fn remove(record: &mut TaskRecord, run: &RunId) {
    record.failures.retain(|known| known.order.run != *run);
    record.successes.retain(|known| known.order.run != *run);
}

/// Drops the failures that no gauge can need any more.
fn prune(record: &mut TaskRecord) {
    let success = record.successes.first().map(|success| success.order.clone());
    let settled =
        success.as_ref().map_or(0, |success| record.failures.partition_point(|known| known.order < *success));
    record.failures.drain(..settled.saturating_sub(KEPT_FAILURES));
    while record.failures.len() > MAX_FAILURES {
        let oldest = record.failures.remove(0);
        if success.as_ref().is_none_or(|success| oldest.order > *success) {
            record.older_failures += 1;
        }
    }
}
