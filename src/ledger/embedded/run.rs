//! The remembered runs on disk: blocks of 24-byte entries, by cell and slice.
//!
//! A row for each run would cost a key and a half-empty page; a block fills a page of the file, new runs go to the end of
//! their slice's last block, and a changed one is changed where it stands.

use super::scan::Rows;
use super::table::{self, Pen, Sheet};
use crate::model::{RunKey, Seen, SeenChange, SeenRun, Slice};
use redb::StorageError;
use std::collections::{BTreeMap, HashMap};

/// Bytes of one entry: key and what is seen.
const ENTRY: usize = 24;

/// Entries of a full block: with its key, its seal and what redb adds, just less than a page of 4096 bytes.
const FULL: usize = 168;

/// The remembered runs of a file.
#[derive(Default)]
pub(super) struct Runs {
    /// By the number of their cell.
    pub(super) of_cells: BTreeMap<u32, OfCell>,
    /// Blocks whose key is of no cell.
    pub(super) lost: u64,
    /// Whether these are all that there were.
    pub(super) whole: bool,
}

/// Those of one cell.
#[derive(Default)]
pub(super) struct OfCell {
    pub(super) seen: Vec<SeenRun>,
    /// Blocks that were read.
    pub(super) blocks: u64,
    /// Blocks that cannot be read.
    pub(super) lost: u64,
}

impl Runs {
    /// Reads the whole table.
    pub(super) fn read(rows: &dyn Rows) -> Self {
        let mut runs = Self::default();
        runs.whole = rows.each(Sheet::Runs, &mut |key, sealed| {
            let Some((number, _)) = table::split(key) else { return runs.lost += 1 };
            let of_cell = runs.of_cells.entry(number).or_default();
            let block = Sheet::Runs.unseal(key, sealed).ok().and_then(|(_, block)| entries(block));
            match block {
                Some(entries) => {
                    of_cell.seen.extend(entries);
                    of_cell.blocks += 1;
                }
                None => of_cell.lost += 1,
            }
        });
        runs
    }
}

/// The entries of a block, save those that nobody wrote; `None` if its length is none of a block.
fn entries(block: &[u8]) -> Option<impl Iterator<Item = SeenRun>> {
    let (entries, rest) = block.as_chunks::<ENTRY>();
    rest.is_empty().then(|| entries.iter().filter_map(|entry| SeenRun::packed(key_of(entry), bits_of(entry))))
}

fn key_of(entry: &[u8; ENTRY]) -> RunKey {
    let mut key = [0; 16];
    key.copy_from_slice(&entry[..16]);
    RunKey::from_bytes(key)
}

fn bits_of(entry: &[u8; ENTRY]) -> u64 {
    let mut bits = [0; 8];
    bits.copy_from_slice(&entry[16..]);
    u64::from_be_bytes(bits)
}

fn entry(run: RunKey, seen: Seen) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(&run.to_bytes());
    entry[16..].copy_from_slice(&seen.pack().to_be_bytes());
    entry
}

/// What happens to one slice.
#[derive(Default)]
struct Work {
    /// Runs that stand in it and change: what they become, `None` for those that leave it.
    edits: HashMap<RunKey, Option<Seen>>,
    /// Runs that come to it.
    new: Vec<(RunKey, Seen)>,
}

/// Writes what changed, and forgets the slices before `first`.
pub(super) fn write(
    runs: &mut Pen<'_>,
    cell: u32,
    changes: &[SeenChange],
    first: Slice,
) -> Result<(), StorageError> {
    let mut slices: BTreeMap<Slice, Work> = BTreeMap::new();
    for change in changes {
        let now = Slice::of(change.seen.at);
        match change.before.map(|before| Slice::of(before.at)) {
            Some(before) if before == now => {
                slices.entry(now).or_default().edits.insert(change.run, Some(change.seen));
                continue;
            }
            Some(before) => {
                slices.entry(before).or_default().edits.insert(change.run, None);
            }
            None => {}
        }
        slices.entry(now).or_default().new.push((change.run, change.seen));
    }
    for (slice, work) in slices.split_off(&first) {
        work.apply(runs, cell, slice)?;
    }
    runs.clear(&(table::of_cell(cell).start..table::block(cell, first, 0)))
}

impl Work {
    fn apply(mut self, runs: &mut Pen<'_>, cell: u32, slice: Slice) -> Result<(), StorageError> {
        if !self.edits.is_empty() {
            self.edit(runs, cell, slice)?;
            // What does not stand where it should, because its block was lost, is put there again.
            self.new.extend(self.edits.drain().filter_map(|(run, seen)| Some((run, seen?))));
        }
        let (mut number, mut open) = last_block(runs, cell, slice)?;
        let mut new = self.new.into_iter().peekable();
        while new.peek().is_some() {
            if open.len() >= FULL * ENTRY {
                (number, open) = (number + 1, Vec::new());
            }
            let room = FULL - open.len() / ENTRY;
            for (run, seen) in new.by_ref().take(room) {
                open.extend_from_slice(&entry(run, seen));
            }
            runs.put(&table::block(cell, slice, number), &open)?;
        }
        Ok(())
    }

    /// Changes runs where they stand, in the newest blocks first: most changes follow soon.
    fn edit(&mut self, runs: &mut Pen<'_>, cell: u32, slice: Slice) -> Result<(), StorageError> {
        let (mut number, _) = last_block(runs, cell, slice)?;
        while !self.edits.is_empty() {
            let key = table::block(cell, slice, number);
            if let Some(mut block) = runs.get(&key)?
                && self.edit_block(&mut block)
            {
                if block.is_empty() {
                    runs.remove(&key)?;
                } else {
                    runs.put(&key, &block)?;
                }
            }
            match number.checked_sub(1) {
                Some(before) => number = before,
                None => break,
            }
        }
        Ok(())
    }

    /// Whether anything changed.
    fn edit_block(&mut self, block: &mut Vec<u8>) -> bool {
        let mut changed = false;
        let mut at = 0;
        while let Some(found) = block.get_mut(at..at + ENTRY).and_then(|found| found.first_chunk_mut()) {
            let run = key_of(found);
            match self.edits.remove(&run) {
                Some(Some(seen)) => *found = entry(run, seen),
                Some(None) => {
                    block.drain(at..at + ENTRY);
                    changed = true;
                    continue;
                }
                None => {
                    at += ENTRY;
                    continue;
                }
            }
            changed = true;
            at += ENTRY;
        }
        changed
    }
}

/// The number and entries of a slice's last block; of a new one where there is none, or where it cannot be read.
fn last_block(runs: &Pen<'_>, cell: u32, slice: Slice) -> Result<(u32, Vec<u8>), StorageError> {
    let range = (table::block(cell, slice, 0), table::block(cell, slice, u32::MAX));
    let Some(key) = runs.last_key(&range.0, &range.1)? else { return Ok((0, Vec::new())) };
    let number = table::block_number(&key);
    Ok(match runs.get(&key)? {
        Some(block) => (number, block),
        None => (number + 1, Vec::new()),
    })
}
