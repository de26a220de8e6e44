//! Where counts outlive the process.

mod memory;

pub use memory::Memory;

use crate::model::{CellKey, Delta};

/// Keeps what the store adopts. A delta is committed first and adopted after, so that what a scrape shows is kept.
///
/// Calls may block on a disk or a network; the keeper's thread is made for that.
pub trait Ledger: Send {
    /// Keeps one delta, all of it or nothing of it.
    ///
    /// # Errors
    /// Why nothing was kept. The keeper tries the same delta again, so a commit must be safe to repeat.
    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError>;

    /// Forgets a cell.
    ///
    /// # Errors
    /// Why it could not be forgotten.
    fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError>;

    /// The size of what is kept, in bytes.
    fn bytes(&self) -> u64;
}

/// Why the ledger could not keep a delta.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be kept: {0}")]
pub struct LedgerError(pub String);
