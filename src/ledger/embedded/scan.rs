//! What the rows of a state file mean, and what is missing where some cannot be read.

use super::run::Runs;
use super::table::{Fact, Sheet, split};
use super::tasks::Tasks;
use crate::ledger::codec::{Context, Field, Malformed, Names, decode};
use crate::model::{CellKey, CellMeta, Gaps, Histogram, Reason, Restored, RestoredCell, Slice, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Where rows come from.
pub(super) trait Rows: Sync {
    /// Hands every row of a table, in the order of the keys, to `row`; whether these are all that there were.
    fn each(&self, sheet: Sheet, row: &mut dyn FnMut(&[u8], &[u8])) -> bool;
}

/// What a state file holds.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Contents {
    /// Its format, where it says.
    pub(in crate::ledger) format: Option<u64>,
    /// How many commits it has seen.
    pub(super) sequence: Option<u64>,
    /// When the file was made.
    pub(in crate::ledger) created: Option<Timestamp>,
    /// The cells of kinds that this program has.
    pub(in crate::ledger) restored: Restored,
    /// The names of the other kinds, whose cells are left as they are.
    pub(in crate::ledger) foreign: BTreeSet<String>,
    /// What is wrong, for a person.
    pub(in crate::ledger) problems: Vec<String>,
}

impl Contents {
    /// Notes that something is lost.
    pub(super) fn lose(&mut self, values: u64, what: impl Into<String>) {
        self.restored.damaged += values;
        self.problems.push(what.into());
    }
}

/// Reads a file of this format.
pub(super) fn scan(rows: &dyn Rows, names: &Names, now: Timestamp) -> Contents {
    let mut scan = Scan {
        rows,
        context: Context::new(names),
        cells: BTreeMap::new(),
        foreign: BTreeSet::new(),
        contents: Contents::default(),
    };
    scan.facts();
    scan.cells();
    scan.metas();
    let all_runs = scan.tasks_and_runs();
    scan.items();
    scan.finish(all_runs, now)
}

struct Scan<'r, 'n> {
    rows: &'r dyn Rows,
    context: Context<'n>,
    cells: BTreeMap<u32, Draft>,
    /// Numbers of cells of other kinds.
    foreign: BTreeSet<u32>,
    contents: Contents,
}

/// A cell whose parts are being found.
struct Draft {
    meta: Option<CellMeta>,
    /// Whether a block of its runs is lost.
    torn: bool,
    cell: RestoredCell,
}

/// Why a row is of no use.
enum Useless {
    /// It is broken, or of a cell that is not known.
    Lost,
    /// It is of a cell of another kind.
    Foreign,
}

impl Scan<'_, '_> {
    fn facts(&mut self) {
        let mut numbers = BTreeMap::new();
        self.rows.each(Sheet::Facts, &mut |key, sealed| {
            for fact in [Fact::Format, Fact::Created, Fact::Sequence] {
                if key == fact.key()
                    && let Ok(number) = fact.number(sealed)
                {
                    numbers.insert(key.to_vec(), number);
                }
            }
        });
        let created = numbers.get(Fact::Created.key()).and_then(|millis| i64::try_from(*millis).ok());
        self.contents.created = created.map(Timestamp::from_millis);
        self.contents.sequence = numbers.get(Fact::Sequence.key()).copied();
        self.contents.format = numbers.get(Fact::Format.key()).copied();
    }

    fn cells(&mut self) {
        let (rows, mut lost) = (self.rows, 0);
        let whole = rows.each(Sheet::Cells, &mut |key, sealed| {
            let Some((number, _)) = split(key) else { return lost += 1 };
            match value::<CellKey>(Sheet::Cells, key, sealed, &mut self.context) {
                Ok(key) => {
                    let (tasks, seen, items) = (Vec::new(), Vec::new(), Vec::new());
                    let cell = RestoredCell {
                        key,
                        meta: unknown(Timestamp::default(), Timestamp::default()),
                        tasks,
                        seen,
                        items,
                    };
                    self.cells.insert(number, Draft { meta: None, torn: false, cell });
                }
                Err(Malformed::Kind(kind)) => {
                    self.contents.foreign.insert(kind);
                    self.foreign.insert(number);
                }
                Err(_) => lost += 1,
            }
        });
        self.note(whole, lost, "cells");
    }

    fn metas(&mut self) {
        self.of_cells(Sheet::Metas, "records of a cell's health and watermark", |draft, key, meta| {
            draft.meta = Some(meta);
            key
        });
    }

    /// Tasks and remembered runs, at the same time; whether the runs are all there.
    fn tasks_and_runs(&mut self) -> bool {
        let (rows, names) = (self.rows, self.context.names());
        let (tasks, runs) = std::thread::scope(|scope| {
            let runs = scope.spawn(|| Runs::read(rows));
            let tasks = Tasks::read(rows, names);
            (tasks, runs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let mut lost = 0;
        for (number, tasks) in tasks.of_cells {
            let count = tasks.len() as u64;
            match self.draft(number) {
                Ok(draft) => draft.cell.tasks = tasks,
                Err(Useless::Lost) => lost += count,
                Err(Useless::Foreign) => {}
            }
        }
        for (number, count) in tasks.lost {
            let foreign = number.is_some_and(|number| self.foreign.contains(&number));
            lost += if foreign { 0 } else { count };
        }
        self.note(tasks.whole, lost, "tasks");
        let mut lost = runs.lost;
        for (number, runs) in runs.of_cells {
            match self.draft(number) {
                Ok(draft) => {
                    lost += runs.lost;
                    (draft.cell.seen, draft.torn) = (runs.seen, runs.lost > 0);
                }
                Err(Useless::Lost) => lost += runs.blocks + runs.lost,
                Err(Useless::Foreign) => {}
            }
        }
        self.note(runs.whole, lost, "blocks of remembered runs");
        runs.whole
    }

    fn items(&mut self) {
        self.of_cells(Sheet::Items, "tallied things", |draft, key, record| {
            draft.cell.items.push((key?, record));
            Ok(())
        });
    }

    fn draft(&mut self, number: u32) -> Result<&mut Draft, Useless> {
        let useless = if self.foreign.contains(&number) { Useless::Foreign } else { Useless::Lost };
        self.cells.get_mut(&number).ok_or(useless)
    }

    /// Reads a table whose rows each say something of a cell.
    fn of_cells<K: Field, V: Field>(
        &mut self,
        sheet: Sheet,
        what: &str,
        mut take: impl FnMut(&mut Draft, Result<K, Malformed>, V) -> Result<(), Malformed>,
    ) {
        let (rows, mut lost) = (self.rows, 0);
        let whole = rows.each(sheet, &mut |key, sealed| {
            let found = match split(key) {
                Some((number, rest)) => {
                    let value = value::<V>(sheet, key, sealed, &mut self.context);
                    let name = decode::<K>(rest, &mut self.context);
                    self.draft(number).and_then(|draft| {
                        value.and_then(|value| take(draft, name, value)).map_err(|_| Useless::Lost)
                    })
                }
                None => Err(Useless::Lost),
            };
            lost += u64::from(matches!(found, Err(Useless::Lost)));
        });
        self.note(whole, lost, what);
    }

    fn note(&mut self, whole: bool, lost: u64, what: &str) {
        if lost > 0 {
            self.contents.lose(lost, format!("{lost} {what}"));
        }
        if !whole {
            self.contents.lose(1, format!("some {what}, it is not known how many"));
        }
    }

    fn finish(mut self, all_runs: bool, now: Timestamp) -> Contents {
        let without = self.cells.values().filter(|draft| draft.meta.is_none()).count() as u64;
        for draft in std::mem::take(&mut self.cells).into_values() {
            let mut cell = draft.cell;
            // Whatever ended since the oldest remembered slice began is either remembered or was never counted.
            cell.meta = draft.meta.unwrap_or_else(|| {
                let oldest = cell.seen.iter().map(|seen| Slice::of(seen.at())).min();
                unknown(oldest.map_or(now, Slice::start), now)
            });
            if draft.torn || !all_runs {
                // What ended before this has been counted, but it is not known any more which runs that were.
                cell.meta.floor = cell.meta.floor.max(counted_to(&cell).plus(Duration::from_secs(1)));
            }
            let first = Slice::of(cell.meta.floor);
            cell.seen.retain(|seen| Slice::of(seen.at()) >= first);
            self.contents.restored.cells.push(cell);
        }
        if without > 0 {
            self.contents.lose(without, format!("health and watermark of {without} cells"));
        }
        self.contents
    }
}

fn value<T: Field>(
    sheet: Sheet,
    key: &[u8],
    sealed: &[u8],
    context: &mut Context<'_>,
) -> Result<T, Malformed> {
    decode(sheet.unseal(key, sealed)?.1, context)
}

/// The latest time of which anything kept says that runs were counted up to it: batches count before the watermark moves,
/// so the watermark alone would let some be counted again.
fn counted_to(cell: &RestoredCell) -> Timestamp {
    let meta = &cell.meta;
    let runs = cell.seen.iter().map(|seen| seen.at());
    let tasks = cell.tasks.iter().flat_map(|(_, task)| {
        let last = task.last.as_ref().and_then(|last| last.ended);
        let failures = task.failures.iter().map(|failure| failure.ended);
        last.into_iter().chain(task.successes.iter().map(|success| success.ended)).chain(failures)
    });
    let polls = meta.watermark.into_iter().chain(meta.last_success).chain([meta.floor]);
    runs.chain(tasks).chain(polls).max().unwrap_or(meta.floor)
}

/// The meta record of a cell whose own was lost.
fn unknown(floor: Timestamp, now: Timestamp) -> CellMeta {
    CellMeta {
        since: now,
        watermark: None,
        floor,
        polls: 0,
        up: None,
        last_success: None,
        results: [0; Reason::ALL.len()],
        skipped_ticks: 0,
        rejected: BTreeMap::new(),
        backlog: None,
        poll_durations: Histogram::of_seconds(&[].into()),
        message: String::new(),
        gaps: Gaps::default(),
    }
}
