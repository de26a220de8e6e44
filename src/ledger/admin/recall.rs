//! What is remembered of each source, in a few numbers.

use super::{AdminError, read};
use crate::ledger::Names;
use crate::model::{Label, Outcome, RestoredCell, Timestamp};
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// One cell of a source.
#[derive(Clone, PartialEq, Debug)]
pub struct Recalled {
    /// The source's name in the configuration.
    pub source: Label,
    /// Its tasks.
    pub tasks: f64,
    /// Its runs that have not finished.
    pub open: f64,
    /// Its finished runs, ever counted.
    pub runs: f64,
    /// Those of them that failed or timed out.
    pub failed: f64,
    /// Runs that finished in the last day of which something is known, or what a shorter time comes to.
    pub runs_per_day: f64,
}

/// What `directory` remembers, cell by cell; cells that stand for a discovery are left out.
///
/// # Errors
/// The directory is in use or empty.
pub fn recall(directory: &Path, names: &Names, now: Timestamp) -> Result<Vec<Recalled>, AdminError> {
    let (contents, _) = read(directory, names, now)?;
    Ok(contents.restored.cells.iter().filter(|cell| !stands_for_discovery(cell)).map(of).collect())
}

/// A discovery has no project, reads nothing and so has no watermark.
fn stands_for_discovery(cell: &RestoredCell) -> bool {
    cell.key.project.is_empty() && cell.meta.watermark.is_none()
}

fn of(cell: &RestoredCell) -> Recalled {
    let tasks = cell.tasks.iter().map(|(_, record)| record);
    let failed = |outcome: &&Outcome| outcome.is_failure();
    let failures = Outcome::ALL.iter().filter(failed).map(|outcome| outcome.index());
    let last = cell.meta.watermark.unwrap_or(cell.meta.since);
    let begin = last.minus(DAY).max(cell.meta.floor);
    let recent = cell.seen.iter().filter(|run| run.seen().outcome.is_some() && run.at() >= begin).count();
    let span = last.since(begin).unwrap_or_default().max(Duration::from_secs(60));
    Recalled {
        source: cell.key.source.clone(),
        tasks: count(cell.tasks.len() as u64),
        open: count(tasks.clone().map(|record| record.active.len() as u64).sum()),
        runs: count(tasks.clone().flat_map(|record| record.runs).sum()),
        failed: count(tasks.map(|record| failures.clone().map(|n| record.runs[n]).sum::<u64>()).sum()),
        runs_per_day: count(recent as u64) * DAY.as_secs_f64() / span.as_secs_f64(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for an estimate")]
fn count(number: u64) -> f64 {
    number as f64
}
