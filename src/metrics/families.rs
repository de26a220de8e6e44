//! The state as families: pure, one cell at a time, one pass over its tasks per family.

use super::catalog::{self, Family};
use super::sink::{Exemplar, Sink};
use crate::model::{
    CellKey, ItemSet, LOG_LEVELS, NativeGauge, Outcome, Reason, RunState, TaskKey, TaskRecord, WaitPhase,
};
use crate::state::CellState;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A stretch of a cell's tasks, by their keys.
pub type Span = (Bound<TaskKey>, Bound<TaskKey>);

type OfTask = fn(&TaskRecord, &mut dyn Sink);
type OfCell = fn(&CellKey, &CellState, &mut dyn Sink);

/// How a family is drawn from the state.
#[derive(Clone, Copy)]
pub enum View {
    /// From each task.
    Task(OfTask),
    /// From each task but the overflow one, where there is no "last run" and no single description.
    OwnTask(OfTask),
    /// From each task, while what is known of the present may be shown.
    Now(OfTask),
    /// From the cell.
    Cell(OfCell),
    /// From each task's own gauges of its kind.
    Native(&'static NativeGauge),
}

impl View {
    /// Whether the family is about the cell alone, so that no change in a task changes it.
    pub fn is_of_cell(self) -> bool {
        matches!(self, Self::Cell(_))
    }

    /// Hands the samples of the family in one cell to `sink`: those about the tasks in `span`, or about the cell itself.
    pub fn draw(self, key: &CellKey, cell: &CellState, span: &Span, sink: &mut dyn Sink) {
        let each = |only_own: bool, draw: &dyn Fn(&TaskRecord, &mut dyn Sink), sink: &mut dyn Sink| {
            for (task, record) in cell.tasks().range(span.clone()) {
                if !(only_own && task.is_overflow()) {
                    sink.task(key, task, record.since);
                    draw(record, sink);
                }
            }
        };
        match self {
            Self::Task(draw) => each(false, &draw, sink),
            Self::OwnTask(draw) => each(true, &draw, sink),
            Self::Now(draw) if cell.shows_now() => each(false, &draw, sink),
            Self::Now(_) => {}
            Self::Cell(draw) => draw(key, cell, sink),
            Self::Native(gauge) => each(
                true,
                &|record, sink| {
                    for (of, value) in record.native.iter().flat_map(|native| &native.values) {
                        if of.name == gauge.name {
                            sink.sample(&[], *value);
                        }
                    }
                },
                sink,
            ),
        }
    }
}

/// Every family that is drawn from the state, in the order of exposition, the kinds' own gauges last.
pub fn cell_families(natives: &[&'static NativeGauge]) -> Vec<(Family, View)> {
    let mut families: Vec<(Family, View)> = TASKS.iter().chain(CELLS).copied().collect();
    families.extend(natives.iter().map(|gauge| (catalog::native(gauge), View::Native(gauge))));
    families
}

const TASKS: &[(Family, View)] = &[
    (catalog::RUNS, View::Task(runs)),
    (catalog::RUN_DURATION, View::Task(durations)),
    (catalog::RUN_WAIT, View::Task(waits)),
    (
        catalog::RUN_MEMORY,
        View::Task(|task, sink| task.memory.iter().for_each(|memory| sink.histogram(&[], memory))),
    ),
    (catalog::RETURN_CODES, View::Task(codes)),
    (catalog::BILLED, View::Task(billed)),
    (
        catalog::RETRIES,
        View::Task(|task, sink| task.retries.iter().for_each(|retries| sink.count(&[], *retries))),
    ),
    (catalog::REVISED, View::Task(|task, sink| sink.count(&[], task.revised))),
    (catalog::UNKNOWN_STATES, View::Task(|task, sink| sink.count(&[], task.unknown_states))),
    (catalog::LAST_SUCCESSFUL, View::OwnTask(last_successful)),
    (catalog::LAST_CODE, View::OwnTask(last_code)),
    (catalog::LAST_DURATION, View::OwnTask(last_duration)),
    (catalog::LAST_MEMORY, View::OwnTask(last_memory)),
    (catalog::LAST_START, View::OwnTask(last_start)),
    (catalog::LAST_END, View::OwnTask(last_end)),
    (catalog::LAST_DELAY, View::OwnTask(last_delay)),
    (catalog::LAST_SUCCESS_TIME, View::OwnTask(last_success_time)),
    (catalog::LAST_FAILURE_TIME, View::OwnTask(last_failure_time)),
    (catalog::CONSECUTIVE_FAILURES, View::OwnTask(consecutive_failures)),
    (catalog::LAST_FAILED_INFO, View::OwnTask(last_failed)),
    (catalog::CURRENT_RUNS, View::Now(current_runs)),
    (catalog::OLDEST_CURRENT, View::Now(oldest_current)),
    (catalog::TASK_INFO, View::OwnTask(info)),
    (catalog::EXPECTED_INTERVAL, View::OwnTask(expected_interval)),
    (catalog::LOG_LINES, View::Task(log_lines)),
    (catalog::LOG_BYTES, View::Task(log_bytes)),
];

const CELLS: &[(Family, View)] = &[
    (
        catalog::TAT_INVOCATION_TASKS,
        View::Cell(|key, cell, sink| items(key, cell, ItemSet::TatInvocationTasks, sink)),
    ),
    (catalog::TAT_INVOCATIONS, View::Cell(|key, cell, sink| items(key, cell, ItemSet::TatInvocations, sink))),
    (catalog::SOURCE_UP, View::Cell(source_up)),
    (catalog::SOURCE_LAST_SUCCESS, View::Cell(source_last_success)),
    (catalog::SOURCE_WATERMARK, View::Cell(source_watermark)),
    (catalog::SOURCE_POLL_DURATION, View::Cell(source_poll_duration)),
    (catalog::SOURCE_INTERVAL, View::Cell(source_interval)),
    (catalog::SOURCE_POLLS, View::Cell(source_polls)),
    (catalog::SOURCE_SKIPPED_TICKS, View::Cell(source_skipped_ticks)),
    (catalog::SOURCE_REJECTED, View::Cell(source_rejected)),
    (catalog::SOURCE_BACKLOG, View::Cell(source_backlog)),
];

fn runs(task: &TaskRecord, sink: &mut dyn Sink) {
    for outcome in Outcome::ALL {
        let count = task.runs[outcome.index()];
        // Success and failed exist at 0, so that the first one of either is an increase.
        if count > 0 || matches!(outcome, Outcome::Success | Outcome::Failed) {
            let same = task.failures.iter().filter(|failure| failure.outcome == outcome);
            let newest = same.max_by_key(|failure| failure.ended);
            let example = newest.map(|run| Exemplar { run: &run.order, value: 1.0, at: run.ended });
            sink.count_with(&[("outcome", outcome.name())], count, example);
        }
    }
}

fn durations(task: &TaskRecord, sink: &mut dyn Sink) {
    for (outcome, histogram) in Outcome::ALL.iter().zip(&task.durations) {
        if let Some(histogram) = histogram {
            // A later run may have ended before an earlier one, and servers refuse an example that is older than the one
            // before.
            let newest = task.newest_end(*outcome);
            let last = task.last.as_ref().filter(|last| last.outcome == *outcome && last.ended >= newest);
            let example = last.and_then(|last| {
                Some(Exemplar { run: &last.order, value: last.duration?.as_secs_f64(), at: last.ended? })
            });
            sink.histogram_with(&[("outcome", outcome.name())], histogram, example);
        }
    }
}

fn waits(task: &TaskRecord, sink: &mut dyn Sink) {
    for (phase, histogram) in WaitPhase::ALL.iter().zip(&task.waits) {
        if let Some(histogram) = histogram {
            sink.histogram(&[("phase", phase.name())], histogram);
        }
    }
}

fn codes(task: &TaskRecord, sink: &mut dyn Sink) {
    for (code, count) in &task.codes {
        sink.count(&[("code", itoa::Buffer::new().format(*code))], *count);
    }
    if task.other_codes > 0 {
        sink.count(&[("code", "other")], task.other_codes);
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
fn billed(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(micros) = task.billed_micros {
        sink.sample(&[], micros as f64 / 1e6);
    }
}

fn last_successful(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(last) = &task.last {
        sink.count(&[], u64::from(matches!(last.outcome, Outcome::Success | Outcome::Skipped)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
fn last_code(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(code) = task.last.as_ref().and_then(|last| last.return_code) {
        sink.sample(&[], code as f64);
    }
}

fn last_duration(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(took) = task.last.as_ref().and_then(|last| last.duration) {
        sink.sample(&[], took.as_secs_f64());
    }
}

fn last_memory(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(bytes) = task.last.as_ref().and_then(|last| last.memory_bytes) {
        sink.count(&[], bytes);
    }
}

fn last_start(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(at) = task.last.as_ref().and_then(|last| last.started) {
        sink.sample(&[], at.as_seconds());
    }
}

fn last_end(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(at) = task.last.as_ref().and_then(|last| last.ended) {
        sink.sample(&[], at.as_seconds());
    }
}

fn last_delay(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(delay) = task.last.as_ref().and_then(|last| last.start_delay()) {
        sink.sample(&[], delay);
    }
}

fn last_success_time(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(success) = task.successes.first() {
        sink.sample(&[], success.ended.as_seconds());
    }
}

fn last_failure_time(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(failure) = task.failures.last() {
        sink.sample(&[], failure.ended.as_seconds());
    }
}

fn consecutive_failures(task: &TaskRecord, sink: &mut dyn Sink) {
    if task.last.is_some() {
        sink.count(&[], task.consecutive_failures());
    }
}

fn last_failed(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(failure) = task.failures.last() {
        let run_id = crate::model::Label::new(&failure.order.run.to_string());
        let mut buffer = itoa::Buffer::new();
        let code = failure.return_code.map_or("", |code| buffer.format(code));
        sink.count(&[("run_id", &run_id), ("outcome", failure.outcome.name()), ("return_code", code)], 1);
    }
}

fn current_runs(task: &TaskRecord, sink: &mut dyn Sink) {
    let mut counts = [0; RunState::CURRENT.len()];
    for state in task.active.iter().filter_map(|active| active.state.index()) {
        counts[state] += 1;
    }
    for (state, count) in RunState::CURRENT.into_iter().zip(counts) {
        sink.count(&[("state", state)], count);
    }
}

fn oldest_current(task: &TaskRecord, sink: &mut dyn Sink) {
    for (state, since) in RunState::CURRENT.into_iter().zip(task.oldest_active()) {
        if let Some(since) = since {
            sink.sample(&[("state", state)], since.as_seconds());
        }
    }
}

fn info(task: &TaskRecord, sink: &mut dyn Sink) {
    let info = &task.info;
    let labels: [(&str, &str); 4] = [
        ("task_type", &info.task_type),
        ("cycle", &info.cycle),
        ("owner", &info.owner),
        ("workflow_id", &info.workflow_id),
    ];
    sink.count(&labels, 1);
}

fn expected_interval(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(interval) = task.expected_interval {
        sink.sample(&[], interval.as_secs_f64());
    }
}

fn log_lines(task: &TaskRecord, sink: &mut dyn Sink) {
    if let Some(lines) = &task.log_lines {
        for (level, count) in LOG_LEVELS.into_iter().zip(lines.iter()) {
            sink.count(&[("level", level)], *count);
        }
    }
}

fn log_bytes(task: &TaskRecord, sink: &mut dyn Sink) {
    if task.log_lines.is_some() {
        sink.count(&[], task.log_bytes);
    }
}

fn items(key: &CellKey, cell: &CellState, set: ItemSet, sink: &mut dyn Sink) {
    let mut counts: BTreeMap<(&TaskKey, &str), u64> = BTreeMap::new();
    for ((of, _), item) in cell.items() {
        if *of == set && cell.shows_now() {
            *counts.entry((&item.task, &*item.status)).or_default() += 1;
        }
    }
    for ((task, status), count) in counts {
        if set == ItemSet::TatInvocations {
            sink.cell(key, cell.meta().since)
        } else {
            sink.task(key, task, cell.meta().since)
        }
        sink.count(&[("status", status)], count);
    }
}

fn source_up(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    if let Some(up) = cell.meta().up {
        sink.cell(key, cell.meta().since);
        sink.count(&[], u64::from(up));
    }
}

fn source_last_success(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    if let Some(at) = cell.meta().last_success {
        sink.cell(key, cell.meta().since);
        sink.sample(&[], at.as_seconds());
    }
}

fn source_watermark(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    if let Some(at) = cell.meta().watermark {
        sink.cell(key, cell.meta().since);
        sink.sample(&[], at.as_seconds());
    }
}

fn source_poll_duration(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    sink.cell(key, cell.meta().since);
    sink.histogram(&[], &cell.meta().poll_durations);
}

fn source_interval(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    if let Some(interval) = cell.plan().interval {
        sink.cell(key, cell.meta().since);
        sink.sample(&[], interval.as_secs_f64());
    }
}

fn source_polls(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    sink.cell(key, cell.meta().since);
    for (reason, count) in Reason::ALL.iter().zip(cell.meta().results) {
        sink.count(&[("result", reason.name())], count);
    }
}

fn source_skipped_ticks(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    sink.cell(key, cell.meta().since);
    sink.count(&[], cell.meta().skipped_ticks);
}

fn source_rejected(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    sink.cell(key, cell.meta().since);
    for cause in crate::model::RejectCause::ALL {
        sink.count(&[("cause", cause.name())], cell.meta().rejected.get(&cause).copied().unwrap_or(0));
    }
}

fn source_backlog(key: &CellKey, cell: &CellState, sink: &mut dyn Sink) {
    if let Some(backlog) = cell.meta().backlog {
        sink.cell(key, cell.meta().since);
        sink.count(&[], backlog);
    }
}

#[cfg(test)]
mod tests;
