//! What is remembered, for a person.

use super::{AdminError, read};
use crate::ledger::Names;
use crate::model::{Gaps, Outcome, RestoredCell, TaskKey, TaskRecord, Timestamp};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// Gaps that are named; the rest is a number.
const GAPS: usize = 20;

/// What to show; `None` is everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only the source of this name.
    pub source: Option<String>,
    /// Only tasks of this name or id.
    pub task: Option<String>,
}

impl Filter {
    fn has_cell(&self, cell: &RestoredCell) -> bool {
        self.source.as_ref().is_none_or(|source| **source == *cell.key.source)
    }

    fn has_task(&self, key: &TaskKey) -> bool {
        self.task.as_ref().is_none_or(|task| **task == *key.task || **task == *key.task_id)
    }
}

/// Writes what `directory` remembers to `out`: its cells, and their tasks where the filter names a source or a task.
///
/// # Errors
/// The directory is in use or empty, or `out` cannot be written.
pub fn inspect(
    directory: &Path,
    names: &Names,
    now: Timestamp,
    filter: &Filter,
    out: &mut dyn Write,
) -> Result<(), AdminError> {
    let (contents, _) = read(directory, names, now)?;
    for problem in &contents.problems {
        writeln!(out, "damaged: {problem}")?;
    }
    let mut cells: Vec<&RestoredCell> =
        contents.restored.cells.iter().filter(|cell| filter.has_cell(cell)).collect();
    cells.sort_by(|a, b| a.key.cmp(&b.key));
    for cell in cells {
        let mut tasks: Vec<_> = cell.tasks.iter().filter(|(key, _)| filter.has_task(key)).collect();
        if filter.task.is_some() && tasks.is_empty() {
            continue;
        }
        show_cell(cell, out)?;
        if filter.source.is_some() || filter.task.is_some() {
            tasks.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, record) in tasks {
                show_task(key, record, out)?;
            }
        }
    }
    Ok(())
}

/// The stretches that are left to be read, as many as a person reads.
fn show_gaps(gaps: &Gaps, out: &mut dyn Write) -> io::Result<()> {
    for (part, stretch) in gaps.stretches().take(GAPS) {
        let of = if part.is_empty() { String::new() } else { format!(" of {part}") };
        writeln!(out, "  but for             {} to {}{of}", stretch.from, stretch.to)?;
    }
    match gaps.len().saturating_sub(GAPS) {
        0 => Ok(()),
        more => writeln!(out, "  and                 {more} more"),
    }
}

fn show_cell(cell: &RestoredCell, out: &mut dyn Write) -> io::Result<()> {
    let RestoredCell { key, meta, tasks, seen, items } = cell;
    let current: usize = tasks.iter().map(|(_, record)| record.active.len()).sum();
    let counted: u64 = tasks.iter().flat_map(|(_, record)| record.runs).sum();
    writeln!(out, "{key} ({})", key.kind)?;
    writeln!(out, "  read up to          {}", told(meta.watermark))?;
    show_gaps(&meta.gaps, out)?;
    writeln!(out, "  counts from         {}", meta.floor)?;
    writeln!(out, "  last good poll      {} of {} polls", told(meta.last_success), meta.polls)?;
    writeln!(
        out,
        "  tasks               {} with {counted} finished and {current} current runs",
        tasks.len()
    )?;
    let times = || seen.iter().map(|seen| seen.at());
    writeln!(
        out,
        "  remembered runs     {} from {} to {}",
        seen.len(),
        told(times().min()),
        told(times().max())
    )?;
    writeln!(out, "  tallied things      {}", items.len())
}

fn show_task(key: &TaskKey, record: &TaskRecord, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> =
        [&*key.workflow, &*key.task, &*key.task_id].into_iter().filter(|name| !name.is_empty()).collect();
    writeln!(out, "  task {}", names.join(" / "))?;
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .filter(|outcome| record.runs[outcome.index()] > 0)
        .map(|outcome| format!("{} {}", record.runs[outcome.index()], outcome.name()))
        .collect();
    let counts = if counts.is_empty() { "no finished run".into() } else { counts.join(", ") };
    writeln!(out, "    since {}: {counts}, {} revised", record.since, record.revised)?;
    if let Some(last) = &record.last {
        writeln!(out, "    last run {} {} at {}", last.order.run, last.outcome.name(), told(last.ended))?;
    }
    for active in &record.active {
        writeln!(out, "    current run {} {:?} since {}", active.run, active.state, told(active.since))?;
    }
    Ok(())
}

fn told<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "never".into(), |value| value.to_string())
}
