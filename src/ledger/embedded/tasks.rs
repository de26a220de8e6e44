//! Reads the tasks: most of what takes time at a start, so every core decodes a part.

use super::scan::Rows;
use super::table::{Sheet, split};
use crate::ledger::codec::{Context, Names, decode};
use crate::model::{TaskKey, TaskRecord};
use std::num::NonZero;
use std::ops::Range;

/// What was read.
#[derive(Default)]
pub(super) struct Tasks {
    /// By the number of their cell, each cell's in the order of their keys.
    pub(super) of_cells: Vec<(u32, Vec<(TaskKey, TaskRecord)>)>,
    /// How many could not be read of each cell; `None` for keys of no cell.
    pub(super) lost: Vec<(Option<u32>, u64)>,
    /// Whether these are all that there were.
    pub(super) whole: bool,
}

impl Tasks {
    /// Reads the whole table.
    pub(super) fn read(rows: &dyn Rows, names: &Names) -> Self {
        // One copy of the table, and none for each row.
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let whole = rows.each(Sheet::Tasks, &mut |key, sealed| {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(sealed);
            places.push((start, start + key.len(), bytes.len()));
        });
        let mut tasks = Self { whole, ..Self::default() };
        let mut found: Vec<Found> = Vec::with_capacity(places.len());
        let mut context = Context::new(names);
        for (start, key_end, end) in places {
            let key = split(&bytes[start..key_end]);
            let cell = key.map(|(cell, _)| cell);
            match key.and_then(|(cell, rest)| Some((cell, decode(rest, &mut context).ok()?))) {
                Some((cell, key)) => {
                    found.push(Found { cell, key, at: start..key_end, sealed: key_end..end })
                }
                None => tasks.lost.push((cell, 1)),
            }
        }
        // Before the records are there, because those are long to move about.
        found.sort_by(|a, b| (a.cell, &a.key).cmp(&(b.cell, &b.key)));
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (share, bytes) = (found.len().div_ceil(threads).max(1), &bytes[..]);
        let mut parts = Vec::new();
        while !found.is_empty() {
            parts.push(found.split_off(found.len().saturating_sub(share)));
        }
        std::thread::scope(|scope| {
            let decode = |part| scope.spawn(move || records(part, bytes, names));
            let parts: Vec<_> = parts.into_iter().rev().map(decode).collect();
            for part in parts {
                match part.join() {
                    Ok(part) => tasks.join(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        tasks
    }

    fn join(&mut self, part: Self) {
        self.lost.extend(part.lost);
        for (cell, more) in part.of_cells {
            match self.of_cells.last_mut() {
                Some((last, tasks)) if *last == cell => tasks.extend(more),
                _ => self.of_cells.push((cell, more)),
            }
        }
    }
}

/// A row whose key is read and whose record is not.
struct Found {
    cell: u32,
    key: TaskKey,
    at: Range<usize>,
    sealed: Range<usize>,
}

fn records(part: Vec<Found>, bytes: &[u8], names: &Names) -> Tasks {
    let mut context = Context::new(names);
    let mut tasks = Tasks::default();
    let mut left = part.len();
    for Found { cell, key, at, sealed } in part {
        let value = Sheet::Tasks.unseal(&bytes[at], &bytes[sealed]);
        let record = value.and_then(|(_, value)| decode::<TaskRecord>(value, &mut context));
        left -= 1;
        let Ok(record) = record else {
            tasks.lost.push((Some(cell), 1));
            continue;
        };
        match tasks.of_cells.last_mut() {
            Some((last, of_cell)) if *last == cell => of_cell.push((key, record)),
            _ => {
                let mut of_cell = Vec::with_capacity(left + 1);
                of_cell.push((key, record));
                tasks.of_cells.push((cell, of_cell));
            }
        }
    }
    tasks
}
