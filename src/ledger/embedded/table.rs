//! The tables of the state file and their keys.
//!
//! Keys begin with the number of their cell, so that a cell is one range of each table. Values are sealed.

use crate::ledger::codec::{Malformed, seal, unseal};
use crate::model::Slice;
use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};
use std::ops::Range;

/// The format of keys and values. Since 2 the histograms of tasks have native buckets; values of 1 are read as they are,
/// and stay so until they are written again.
pub(super) const FORMAT: u64 = 2;

/// One table. Its place in the list is part of every seal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sheet {
    /// What is known of the file as a whole: see [`Fact`].
    Facts,
    /// Cell number → `CellKey`. Written once a cell.
    Cells,
    /// Cell number → `CellMeta`.
    Metas,
    /// Cell number, `TaskKey` → `TaskRecord`.
    Tasks,
    /// Cell number, slice, block number → block of remembered runs.
    Runs,
    /// Cell number, `(ItemSet, id)` → `ItemRecord`.
    Items,
}

impl Sheet {
    /// Every table.
    pub(super) const ALL: [Self; 6] =
        [Self::Facts, Self::Cells, Self::Metas, Self::Tasks, Self::Runs, Self::Items];

    /// Those that hold something of a cell.
    pub(super) const OF_CELLS: [Self; 5] = [Self::Cells, Self::Metas, Self::Tasks, Self::Runs, Self::Items];

    /// The table, for redb.
    pub(super) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Facts => "facts",
            Self::Cells => "cells",
            Self::Metas => "metas",
            Self::Tasks => "tasks",
            Self::Runs => "runs",
            Self::Items => "items",
        })
    }

    /// The value under a key, and the number of the commit that wrote it.
    pub(super) fn unseal<'a>(self, key: &[u8], sealed: &'a [u8]) -> Result<(u64, &'a [u8]), Malformed> {
        unseal(self as u8, key, sealed)
    }
}

/// A table that is being written by one commit.
pub(super) struct Pen<'t> {
    sheet: Sheet,
    sequence: u64,
    table: Table<'t, &'static [u8], &'static [u8]>,
}

impl<'t> Pen<'t> {
    /// Opens a table for the commit of this number.
    pub(super) fn new(txn: &'t WriteTransaction, sheet: Sheet, sequence: u64) -> Result<Self, TableError> {
        Ok(Self { sheet, sequence, table: txn.open_table(sheet.definition())? })
    }

    /// Writes a value.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.table.insert(key, seal(self.sheet as u8, key, self.sequence, value).as_slice())?;
        Ok(())
    }

    /// Takes a value away.
    pub(super) fn remove(&mut self, key: &[u8]) -> Result<(), StorageError> {
        self.table.remove(key)?;
        Ok(())
    }

    /// Takes every value of a range away.
    pub(super) fn clear(&mut self, range: &Range<Vec<u8>>) -> Result<(), StorageError> {
        self.table.retain_in::<&[u8], _>(range.start.as_slice()..range.end.as_slice(), |_, _| false)
    }

    /// A value; `None` where there is none, or none that can be trusted.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(sealed) = self.table.get(key)? else { return Ok(None) };
        Ok(self.sheet.unseal(key, sealed.value()).ok().map(|(_, value)| value.to_vec()))
    }

    /// The last key from `first` to `last`.
    pub(super) fn last_key(&self, first: &[u8], last: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let row = self.table.range::<&[u8]>(first..=last)?.next_back().transpose()?;
        Ok(row.map(|(key, _)| key.value().to_vec()))
    }
}

/// A number that is known of the file as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fact {
    /// The [`FORMAT`] of the newest values that may stand in it.
    Format,
    /// When it was made, in milliseconds since the Unix epoch.
    Created,
    /// How many commits it has seen. The value is what the seal says anyway.
    Sequence,
}

impl Fact {
    /// Its key.
    pub(super) const fn key(self) -> &'static [u8] {
        match self {
            Self::Format => b"format",
            Self::Created => b"created",
            Self::Sequence => b"sequence",
        }
    }

    /// The number that a sealed value holds.
    pub(super) fn number(self, sealed: &[u8]) -> Result<u64, Malformed> {
        let (_, value) = Sheet::Facts.unseal(self.key(), sealed)?;
        value.try_into().map(u64::from_be_bytes).map_err(|_| Malformed::Not("8 bytes"))
    }

    /// Writes it.
    pub(super) fn put(self, facts: &mut Pen<'_>, number: u64) -> Result<(), StorageError> {
        facts.put(self.key(), &number.to_be_bytes())
    }
}

/// The key of something in a cell.
pub(super) fn key(cell: u32, rest: &[u8]) -> Vec<u8> {
    [&cell.to_be_bytes(), rest].concat()
}

/// The keys of everything in a cell.
pub(super) fn of_cell(cell: u32) -> Range<Vec<u8>> {
    key(cell, &[])..key(cell.saturating_add(1), &[])
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

/// The number in the key of a block of runs.
pub(super) fn block_number(key: &[u8]) -> u32 {
    key.last_chunk().map_or(0, |number| u32::from_be_bytes(*number))
}
