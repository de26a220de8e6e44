//! Where counts outlive the process.

pub mod admin;
mod codec;
mod embedded;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod memory;

pub use codec::Names;
#[cfg(test)]
pub(crate) use embedded::tests::{damage, disk};
pub use embedded::{Embedded, OpenError};
pub use memory::Memory;

use crate::model::{CellKey, Delta, Restored};

/// Keeps what the store adopts. A delta is committed first and adopted after, so that what a scrape shows is kept.
///
/// Calls may block on a disk or a network; the keeper's thread is made for that.
pub trait Ledger: Send {
    /// Hands over what was kept, once, before the first commit.
    ///
    /// # Errors
    /// Why it cannot be read. Starting without it would count everything again.
    fn restore(&mut self) -> Result<Restored, LedgerError>;

    /// Keeps one delta, all of it or nothing of it.
    ///
    /// # Errors
    /// Why it is not known to be kept. The same delta is committed again until that succeeds, and then counts once.
    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError>;

    /// Forgets a cell.
    ///
    /// # Errors
    /// Why it could not be forgotten.
    fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError>;

    /// Gives back space, where there is enough of it to be worth the work. Called when nobody waits.
    ///
    /// # Errors
    /// Why it could not be given back. What is kept stays kept.
    fn compact(&mut self) -> Result<(), LedgerError>;

    /// The size of what is kept, in bytes.
    fn bytes(&self) -> u64;
}

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be kept: {0}")]
pub struct LedgerError(pub String);
