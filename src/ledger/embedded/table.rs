//! The tables of the state file and their keys.
//!
//! Keys begin with the number of their cell, so that a cell is one range of each table. Values are sealed with a
//! checksum over key and value.

use crate::ledger::codec::{self, Malformed};
use crate::model::Slice;
use redb::{ReadableTable, StorageError, Table, TableDefinition};
use std::ops::Range;

/// The format of keys and values.
pub(super) const FORMAT: u64 = 1;

/// A table of sealed values.
pub(super) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// A table that is being written.
pub(super) type Writable<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// Facts of the file: see [`Fact`].
pub(super) const FACTS: Definition = TableDefinition::new("facts");
/// Cell number → `CellKey`. Written once a cell.
pub(super) const CELLS: Definition = TableDefinition::new("cells");
/// Cell number → `CellMeta`.
pub(super) const METAS: Definition = TableDefinition::new("metas");
/// Cell number, `TaskKey` → `TaskRecord`.
pub(super) const TASKS: Definition = TableDefinition::new("tasks");
/// Cell number, slice, block number → block of remembered runs.
pub(super) const RUNS: Definition = TableDefinition::new("runs");
/// Cell number, `(ItemSet, id)` → `ItemRecord`.
pub(super) const ITEMS: Definition = TableDefinition::new("items");

/// Every table.
pub(super) const TABLES: [Definition; 6] = [FACTS, CELLS, METAS, TASKS, RUNS, ITEMS];

/// What is known of the file as a whole: numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fact {
    /// [`FORMAT`] as it was when the file was made.
    Format,
    /// When it was made, in milliseconds since the Unix epoch.
    Created,
    /// How many commits it has seen.
    Sequence,
}

impl Fact {
    /// The key.
    pub(super) const fn key(self) -> &'static [u8] {
        match self {
            Self::Format => b"format",
            Self::Created => b"created",
            Self::Sequence => b"sequence",
        }
    }

    /// Reads it; `None` where it was never written.
    pub(super) fn get(
        self,
        facts: &impl ReadableTable<&'static [u8], &'static [u8]>,
    ) -> Result<Option<Result<u64, Malformed>>, StorageError> {
        let Some(sealed) = facts.get(self.key())? else { return Ok(None) };
        let value = codec::unseal(self.key(), sealed.value());
        let number = value.and_then(|value| value.try_into().map_err(|_| Malformed::Not("8 bytes")));
        Ok(Some(number.map(u64::from_be_bytes)))
    }

    /// Writes it.
    pub(super) fn put(self, facts: &mut Writable<'_>, value: u64) -> Result<(), StorageError> {
        put(facts, self.key(), &value.to_be_bytes())
    }
}

/// Seals a value and writes it.
pub(super) fn put(table: &mut Writable<'_>, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
    table.insert(key, codec::seal(key, value).as_slice())?;
    Ok(())
}

/// The key of something in a cell.
pub(super) fn key(cell: u32, rest: &[u8]) -> Vec<u8> {
    [&cell.to_be_bytes(), rest].concat()
}

/// The keys of everything in a cell.
pub(super) fn of_cell(cell: u32) -> Range<Vec<u8>> {
    key(cell, &[])..match cell.checked_add(1) {
        Some(next) => key(next, &[]),
        None => vec![u8::MAX; 64],
    }
}

/// The cell that a key is of, and the rest of the key.
pub(super) fn split(key: &[u8]) -> Option<(u32, &[u8])> {
    let (cell, rest) = key.split_first_chunk()?;
    Some((u32::from_be_bytes(*cell), rest))
}

/// The key of a block of runs.
pub(super) fn block(cell: u32, slice: Slice, number: u32) -> Vec<u8> {
    key(cell, &[slice.0.to_be_bytes(), number.to_be_bytes()].concat())
}

/// The slice and number of the block that `rest`, the key behind the cell, is of.
pub(super) fn split_block(rest: &[u8]) -> Option<(Slice, u32)> {
    let (slice, number) = rest.split_first_chunk()?;
    Some((Slice(u32::from_be_bytes(*slice)), u32::from_be_bytes(number.try_into().ok()?)))
}
