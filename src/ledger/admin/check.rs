//! What cannot be true of a cell, whatever the clouds have answered.

use crate::model::{Histogram, Outcome, RestoredCell, RunKey, Slice, TaskRecord, Timestamp};
use std::collections::HashSet;
use std::time::Duration;

/// How far ahead of this machine's clock a time may be that it wrote itself, before it was set.
const AHEAD: Duration = Duration::from_secs(300);

/// What is wrong in a cell, one problem a line.
pub(super) fn problems(cell: &RestoredCell, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    for (key, record) in &cell.tasks {
        let name = format!("{}: task {:?} {:?} {:?}", cell.key, &*key.workflow, &*key.task, &*key.task_id);
        found.extend(task(record).into_iter().map(|what| format!("{name}: {what}")));
    }
    let mut wrong = |is: bool, what: String| {
        if is {
            found.push(format!("{}: {what}", cell.key));
        }
    };
    let finished = cell.seen.iter().filter(|seen| seen.seen().outcome.is_some()).count() as u64;
    let counted: u64 = cell.tasks.iter().flat_map(|(_, record)| record.runs).sum();
    wrong(finished > counted, format!("{finished} finished runs are remembered, only {counted} are counted"));
    let distinct: HashSet<RunKey> = cell.seen.iter().map(|seen| seen.run).collect();
    wrong(distinct.len() < cell.seen.len(), "a run is remembered twice".into());
    let first = Slice::of(cell.meta.floor);
    wrong(
        cell.seen.iter().any(|seen| Slice::of(seen.at()) < first),
        "a run from before the floor is remembered".into(),
    );
    let floor = cell.meta.floor;
    wrong(
        cell.meta.watermark.is_some_and(|watermark| floor > watermark),
        "runs are forgotten that are not read yet".into(),
    );
    for (name, time) in [("it is read up to", cell.meta.watermark), ("it counts from", Some(floor))] {
        if let Some(time) = time.filter(|time| *time > now.plus(AHEAD)) {
            wrong(true, format!("{name} {time}, which is in the future: the clock was wrong, then or now"));
        }
    }
    wrong(!sound(&cell.meta.poll_durations), "the poll durations are no histogram".into());
    found
}

fn task(record: &TaskRecord) -> Vec<String> {
    let mut found = Vec::new();
    let total: u64 = record.runs.iter().sum();
    let mut at_most = |count: u64, most: u64, what: &str| {
        if count > most {
            found.push(format!("{what} tells of {count} runs, only {most} are counted"));
        }
    };
    for (outcome, histogram) in Outcome::ALL.iter().zip(&record.durations) {
        let count = histogram.as_deref().map_or(0, Histogram::count);
        at_most(count, record.runs[outcome.index()], &format!("the durations of outcome {}", outcome.name()));
    }
    for histogram in record.waits.iter().chain([&record.memory]).flatten() {
        at_most(histogram.count(), total, "a histogram of waits or memory");
    }
    at_most(record.codes.values().sum::<u64>() + record.other_codes, total, "the return codes");
    if !record.histograms().all(sound) {
        found.push(
            "a histogram has unordered buckets, or native ones that hold another number of runs".into(),
        );
    }
    if !record.failures.is_sorted_by(|a, b| a.order < b.order)
        || !record.successes.is_sorted_by(|a, b| a.order > b.order)
    {
        found.push("its failures or successes are not in order".into());
    }
    let current: HashSet<_> = record.active.iter().map(|active| &active.run).collect();
    if current.len() < record.active.len()
        || record.active.iter().any(|active| {
            active.state.index().is_none() && !matches!(active.state, crate::model::RunState::Unknown(_))
        })
    {
        found.push("a current run stands twice or is finished".into());
    }
    found
}

fn sound(histogram: &Histogram) -> bool {
    let same = histogram.native().is_none_or(|native| native.count() == histogram.count());
    same && histogram.bounds.is_sorted_by(|a, b| a < b)
}
