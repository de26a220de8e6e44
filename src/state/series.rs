//! How many series a task makes.

use crate::model::{Histogram, TaskRecord};

/// The lines that `record` makes in the exposition, for the bound on all of them. A test holds this figure to what is
/// really rendered.
pub fn of(record: &TaskRecord) -> u64 {
    // Success, failed, revised, unknown states, info, and the four current states.
    const ALWAYS: u64 = 2 + 1 + 1 + 1 + 4;
    let outcomes =
        record.runs.iter().skip(1).enumerate().filter(|(at, runs)| *at > 0 && **runs > 0).count() as u64;
    let histograms = record.histograms();
    let lines = |histogram: &Histogram| histogram.bounds.len() as u64 + 3;
    let codes = record.codes.len() as u64 + u64::from(record.other_codes > 0);
    let optional = [
        record.billed_micros.is_some(),
        record.retries.is_some(),
        record.expected_interval.is_some(),
        !record.successes.is_empty(),
    ];
    let failures = if record.failures.is_empty() { 0 } else { 2 };
    let log = if record.log_lines.is_some() { crate::model::LOG_LEVELS.len() as u64 + 1 } else { 0 };
    let last = record.last.as_ref().map_or(0, |last| {
        let told = [
            last.return_code.is_some(),
            last.duration.is_some(),
            last.memory_bytes.is_some(),
            last.started.is_some(),
            last.ended.is_some(),
            last.start_delay().is_some(),
        ];
        // Success and the count of consecutive failures.
        2 + told.into_iter().map(u64::from).sum::<u64>()
    });
    let oldest = record.oldest_active().into_iter().flatten().count() as u64;
    let native = record.native.as_ref().map_or(0, |native| native.values.len() as u64);
    ALWAYS
        + outcomes
        + histograms.map(lines).sum::<u64>()
        + codes
        + optional.into_iter().map(u64::from).sum::<u64>()
        + failures
        + log
        + last
        + oldest
        + native
}
