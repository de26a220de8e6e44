//! The state file while it is in use: one transaction a delta.

use super::run;
use super::table::{self, FORMAT, Fact, Pen, Sheet};
use crate::ledger::LedgerError;
use crate::ledger::codec::{Field, encode};
use crate::model::{CellKey, Delta, Slice, Timestamp};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableError, WriteTransaction};
use std::collections::BTreeMap;

/// Memory for pages of the file. A commit touches few, and what is read at a start is read once.
const CACHE: usize = 16 << 20;

/// A file is compacted when this much of it is not needed, and no less than half.
const SLACK: u64 = 8 << 20;

/// What a state file stands on: a disk, or a test's stand-in.
pub(super) trait Medium: Send {
    /// Opens it; what a crash left is put in order.
    fn open(&self, builder: &redb::Builder) -> Result<Database, redb::DatabaseError>;
    /// Its size in bytes.
    fn bytes(&self) -> u64;
}

/// The open state file.
pub(super) struct Book {
    medium: Box<dyn Medium>,
    /// Closed after a failure: redb wants a file on which writing failed to be opened anew.
    database: Option<Database>,
    /// Numbers of cells, by their encoded keys, as the file has them.
    numbers: BTreeMap<Vec<u8>, u32>,
    /// The commits that the file has seen.
    sequence: u64,
    /// The commit that failed last, of which it is not known whether it is kept: the failure may have come after the
    /// last byte.
    unsure: Option<u64>,
    /// The day whose runs were forgotten last: whether the file has shrunk is looked at once a day.
    day: u32,
    /// Whether it should be looked at now.
    look: bool,
}

impl Book {
    /// Makes the tables of a new file.
    pub(super) fn create(medium: Box<dyn Medium>, created: Timestamp) -> Result<Self, LedgerError> {
        let mut book = Self::over(medium);
        book.write(|txn, sequence| {
            for sheet in Sheet::ALL {
                txn.open_table(sheet.definition())?;
            }
            let mut facts = Pen::new(txn, Sheet::Facts, sequence)?;
            Fact::Format.put(&mut facts, FORMAT)?;
            Fact::Created.put(&mut facts, u64::try_from(created.millis()).unwrap_or(0))?;
            Ok(())
        })?;
        Ok(book)
    }

    /// Goes on with a file that has its tables.
    pub(super) fn open(medium: Box<dyn Medium>) -> Result<Self, LedgerError> {
        let mut book = Self::over(medium);
        book.look = true;
        book.opened()?;
        Ok(book)
    }

    /// Says that values of this format may stand in a file of an earlier one: before any does, so that a program that knows
    /// the earlier one alone refuses the file, and does not take it for damaged.
    pub(super) fn upgrade(&mut self) -> Result<(), LedgerError> {
        self.write(|txn, sequence| Ok(Fact::Format.put(&mut Pen::new(txn, Sheet::Facts, sequence)?, FORMAT)?))
    }

    fn over(medium: Box<dyn Medium>) -> Self {
        let numbers = BTreeMap::new();
        Self { medium, database: None, numbers, sequence: 0, unsure: None, day: 0, look: false }
    }

    /// Keeps one delta. One that failed before and turns out to be kept is not written again.
    pub(super) fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError> {
        self.opened()?;
        if self.unsure.take() == Some(self.sequence) {
            return Ok(());
        }
        let key = encode(&delta.cell);
        let known = self.numbers.get(&key).copied();
        let number = known.unwrap_or_else(|| self.numbers.values().max().map_or(0, |highest| highest + 1));
        let next = self.sequence + 1;
        let written = self.write(|txn, sequence| {
            if known.is_none() {
                Pen::new(txn, Sheet::Cells, sequence)?.put(&table::key(number, &[]), &key)?;
            }
            write_delta(txn, sequence, number, delta)
        });
        if written.is_err() {
            self.unsure = Some(next);
            return written;
        }
        self.numbers.insert(key, number);
        let day = Slice::of(delta.meta.floor).0 / 24;
        self.look |= self.day < day;
        self.day = self.day.max(day);
        Ok(())
    }

    /// Forgets a cell.
    pub(super) fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError> {
        self.opened()?;
        let key = encode(cell);
        let Some(number) = self.numbers.get(&key).copied() else { return Ok(()) };
        self.write(|txn, sequence| {
            for sheet in Sheet::OF_CELLS {
                Pen::new(txn, sheet, sequence)?.clear(&table::of_cell(number))?;
            }
            Ok(())
        })?;
        self.numbers.remove(&key);
        self.look = true;
        Ok(())
    }

    /// Gives back space where that is worth it.
    pub(super) fn compact(&mut self) -> Result<(), LedgerError> {
        if !std::mem::take(&mut self.look) || self.medium.bytes() < SLACK {
            return Ok(());
        }
        let txn = self.opened()?.begin_read().map_err(failed)?;
        let mut needed = 0;
        for sheet in Sheet::ALL {
            let stats = txn.open_table(sheet.definition()).map_err(failed)?.stats().map_err(failed)?;
            needed += stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
        }
        txn.close().map_err(failed)?;
        if self.medium.bytes() < needed.saturating_mul(2).saturating_add(SLACK) {
            return Ok(());
        }
        let Some(database) = &mut self.database else { return Ok(()) };
        let compacted = database.compact().map(|_| ()).map_err(failed);
        if compacted.is_err() {
            self.database = None;
        }
        compacted
    }

    /// The size of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.medium.bytes()
    }

    /// The open file, with what this process must know of it.
    fn opened(&mut self) -> Result<&Database, LedgerError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => {
                let mut builder = Database::builder();
                builder.set_cache_size(CACHE);
                let database = self.medium.open(&builder).map_err(failed)?;
                (self.sequence, self.numbers) = learn(&database).map_err(failed)?;
                database
            }
        };
        Ok(self.database.insert(database))
    }

    /// Runs one transaction, with its number in it.
    fn write(
        &mut self,
        change: impl FnOnce(&WriteTransaction, u64) -> Result<(), redb::Error>,
    ) -> Result<(), LedgerError> {
        self.opened()?;
        let sequence = self.sequence + 1;
        let database = self.opened()?;
        let written = database.begin_write().map_err(redb::Error::from).and_then(|txn| {
            change(&txn, sequence)?;
            Fact::Sequence.put(&mut Pen::new(&txn, Sheet::Facts, sequence)?, sequence)?;
            Ok(txn.commit()?)
        });
        match written {
            Ok(()) => self.sequence = sequence,
            Err(_) => self.database = None,
        }
        written.map_err(failed)
    }
}

/// What an open file says of its commits and cells; a new one has no tables yet.
fn learn(database: &Database) -> Result<(u64, BTreeMap<Vec<u8>, u32>), redb::Error> {
    let txn = database.begin_read()?;
    let facts = match txn.open_table(Sheet::Facts.definition()) {
        Err(TableError::TableDoesNotExist(_)) => return Ok((0, BTreeMap::new())),
        facts => facts?,
    };
    let sequence = match facts.get(Fact::Sequence.key())? {
        None => 0,
        Some(sealed) => {
            Fact::Sequence.number(sealed.value()).map_err(|why| redb::Error::Corrupted(why.to_string()))?
        }
    };
    let mut numbers = BTreeMap::new();
    for row in txn.open_table(Sheet::Cells.definition())?.iter()? {
        let (key, sealed) = row?;
        let cell = Sheet::Cells.unseal(key.value(), sealed.value());
        if let (Some((number, _)), Ok((_, cell))) = (table::split(key.value()), cell) {
            numbers.insert(cell.to_vec(), number);
        }
    }
    Ok((sequence, numbers))
}

fn write_delta(txn: &WriteTransaction, sequence: u64, cell: u32, delta: &Delta) -> Result<(), redb::Error> {
    let pen = |sheet| Pen::new(txn, sheet, sequence);
    pen(Sheet::Metas)?.put(&table::key(cell, &[]), &encode(&delta.meta))?;
    let mut tasks = pen(Sheet::Tasks)?;
    let mut value = Vec::new();
    for (task, record) in &delta.tasks {
        value.clear();
        record.put(&mut value);
        tasks.put(&table::key(cell, &encode(task)), &value)?;
    }
    for task in &delta.idle {
        tasks.remove(&table::key(cell, &encode(task)))?;
    }
    run::write(&mut pen(Sheet::Runs)?, cell, &delta.seen, Slice::of(delta.meta.floor))?;
    let mut items = pen(Sheet::Items)?;
    for (id, record) in &delta.items {
        items.put(&table::key(cell, &encode(id)), &encode(record))?;
    }
    for id in &delta.expired_items {
        items.remove(&table::key(cell, &encode(id)))?;
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> LedgerError {
    LedgerError(error.to_string())
}
