//! Reads everything that can be read of a state file, and counts what cannot.

use super::run;
use super::table::{self, CELLS, Definition, FACTS, Fact, ITEMS, METAS, RUNS, TASKS};
use crate::ledger::codec::{Context, Field, Malformed, Names, decode, unseal};
use crate::model::{
    CellKey, CellMeta, Histogram, Reason, Restored, RestoredCell, RunKey, Seen, Slice, Timestamp,
};
use redb::{ReadTransaction, ReadableTableMetadata, StorageError, TableHandle};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a state file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The cells of kinds that this program has.
    pub(super) restored: Restored,
    /// Cells of other kinds, which are left as they are.
    pub(super) foreign: Vec<String>,
    /// When the file was made.
    pub(super) created: Option<Timestamp>,
    /// What is wrong, for a person.
    pub(super) problems: Vec<String>,
}

/// The format of a file; `None` where it does not say.
pub(super) fn format(txn: &ReadTransaction) -> Option<u64> {
    guarded(|| Fact::Format.get(&txn.open_table(FACTS).ok()?).ok()??.ok()).flatten()
}

/// Reads a file of this format.
pub(super) fn scan(txn: &ReadTransaction, names: &Names, now: Timestamp) -> Contents {
    let mut scan =
        Scan { txn, context: Context::new(names), read: BTreeMap::new(), contents: Contents::default() };
    scan.created();
    for (number, key) in scan.cells() {
        let cell = scan.cell(number, key, now);
        scan.contents.restored.cells.push(cell);
    }
    scan.missing();
    scan.contents
}

struct Scan<'t, 'n> {
    txn: &'t ReadTransaction,
    context: Context<'n>,
    /// Rows of each table that were reached, readable or not.
    read: BTreeMap<String, u64>,
    contents: Contents,
}

impl Scan<'_, '_> {
    fn lost(&mut self, values: u64, what: String) {
        self.contents.restored.damaged += values;
        self.contents.problems.push(what);
    }

    fn created(&mut self) {
        let created = guarded(|| Fact::Created.get(&self.txn.open_table(FACTS).ok()?).ok()??.ok()).flatten();
        self.contents.created = created.and_then(|at| i64::try_from(at).ok()).map(Timestamp::from_millis);
    }

    /// Counts the rows that were not reached: they stand on broken pages, or belong to a cell that is not known.
    fn missing(&mut self) {
        for (definition, what) in [
            (CELLS, "cells"),
            (METAS, "records of cells"),
            (TASKS, "tasks"),
            (RUNS, "blocks of runs"),
            (ITEMS, "items"),
        ] {
            let read = self.read.get(definition.name()).copied().unwrap_or(0);
            match guarded(|| self.txn.open_table(definition).ok()?.len().ok()).flatten() {
                Some(rows) if rows > read => {
                    self.lost(rows - read, format!("{} {what} that cannot be reached", rows - read))
                }
                Some(_) => {}
                None => self.lost(1, format!("the table of {what}")),
            }
        }
    }

    /// The cells of this program's kinds.
    fn cells(&mut self) -> BTreeMap<u32, CellKey> {
        let mut cells = BTreeMap::new();
        let mut foreign = Vec::new();
        for (number, found) in
            self.values::<CellKey>(CELLS, table::of_cell(0).start..vec![u8::MAX; 64], "cell")
        {
            let Some((number, _)) = table::split(&number) else { continue };
            match found {
                Ok(key) => {
                    cells.insert(number, key);
                }
                Err(kind) => foreign.push((number, kind)),
            }
        }
        for (number, _) in &foreign {
            for definition in [METAS, TASKS, RUNS, ITEMS] {
                self.each(definition, &table::of_cell(*number), |_, _, _| {});
            }
        }
        self.contents.foreign = foreign.into_iter().map(|(_, kind)| kind).collect();
        cells
    }

    fn cell(&mut self, number: u32, key: CellKey, now: Timestamp) -> RestoredCell {
        let range = table::of_cell(number);
        let metas = self.values::<CellMeta>(METAS, range.clone(), "cell's health and watermark");
        let tasks = self.keyed(TASKS, range.clone(), "task");
        let items = self.keyed(ITEMS, range.clone(), "item");
        let (mut seen, whole) = self.runs(range);
        let meta = metas.into_iter().find_map(|(_, meta)| meta.ok());
        let mut meta = meta.unwrap_or_else(|| {
            // Whatever ended since the oldest remembered slice began is either remembered or was never counted.
            let oldest = seen.iter().map(|(_, seen)| Slice::of(seen.at)).min();
            unknown(oldest.map_or(now, Slice::start))
        });
        if !whole && let Some(watermark) = meta.watermark {
            // What ended before the watermark has been counted, but which runs that were is not known any more.
            meta.floor = meta.floor.max(watermark);
        }
        seen.retain(|(_, seen)| Slice::of(seen.at) >= Slice::of(meta.floor));
        RestoredCell { key, meta, tasks, seen, items }
    }

    /// Rows whose key, behind the cell's number, is a record too.
    fn keyed<K: Field, V: Field>(
        &mut self,
        definition: Definition,
        range: Range<Vec<u8>>,
        what: &str,
    ) -> Vec<(K, V)> {
        let rows = self.values::<V>(definition, range, what);
        let mut keyed = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            let key = table::split(&key).map(|(_, rest)| decode(rest, &mut self.context));
            match (key, value) {
                (Some(Ok(key)), Ok(value)) => keyed.push((key, value)),
                _ => self.lost(1, format!("a {what} under a name that cannot be read")),
            }
        }
        keyed
    }

    /// Every row that can be read; `Err` for one that names what this program does not have.
    fn values<T: Field>(
        &mut self,
        definition: Definition,
        range: Range<Vec<u8>>,
        what: &str,
    ) -> Vec<(Vec<u8>, Result<T, String>)> {
        let mut found = Vec::new();
        let mut bad = 0;
        self.each(definition, &range, |context, key, sealed| {
            match unseal(key, sealed).and_then(|value| decode(value, context)) {
                Ok(value) => found.push((key.to_vec(), Ok(value))),
                Err(Malformed::Kind(kind)) => found.push((key.to_vec(), Err(kind))),
                Err(_) => bad += 1,
            }
        });
        if bad > 0 {
            self.lost(bad, format!("{bad} damaged values, each a {what}"));
        }
        found
    }

    /// The remembered runs of a cell, and whether that is all of them.
    fn runs(&mut self, range: Range<Vec<u8>>) -> (Vec<(RunKey, Seen)>, bool) {
        let mut seen = Vec::new();
        let mut bad = 0;
        let whole =
            self.each(RUNS, &range, |_, key, sealed| match unseal(key, sealed).ok().and_then(run::entries) {
                Some(entries) => {
                    seen.extend(entries.filter_map(|(run, seen)| Some((run, seen?))));
                }
                None => bad += 1,
            });
        if bad > 0 {
            self.lost(bad, format!("{bad} damaged blocks of remembered runs"));
        }
        (seen, whole && bad == 0)
    }

    /// Hands every row of `range` that can be reached to `row`; whether all of them could.
    fn each(
        &mut self,
        definition: Definition,
        range: &Range<Vec<u8>>,
        mut row: impl FnMut(&mut Context<'_>, &[u8], &[u8]),
    ) -> bool {
        let bounds = || range.start.as_slice()..range.end.as_slice();
        let Some(table) = guarded(|| self.txn.open_table(definition).ok()).flatten() else { return false };
        let read = self.read.entry(definition.name().into()).or_default();
        let context = &mut self.context;
        let mut reached = Vec::new();
        let forward = guarded(|| -> Result<(), StorageError> {
            for found in table.range::<&[u8]>(bounds())? {
                let (key, value) = found?;
                row(context, key.value(), value.value());
                *read += 1;
                reached.clear();
                reached.extend_from_slice(key.value());
            }
            Ok(())
        });
        if matches!(forward, Some(Ok(()))) {
            return true;
        }
        // Some page on the way is broken; what lies behind it is reached from the other end.
        let _broken = guarded(|| -> Result<(), StorageError> {
            for found in table.range::<&[u8]>(bounds())?.rev() {
                let (key, value) = found?;
                if key.value() <= reached.as_slice() {
                    break;
                }
                row(context, key.value(), value.value());
                *read += 1;
            }
            Ok(())
        });
        false
    }
}

/// Runs `read`. redb answers most broken files with an error, but not all: some make it panic.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// The meta record of a cell whose own was lost.
fn unknown(floor: Timestamp) -> CellMeta {
    CellMeta {
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
    }
}
