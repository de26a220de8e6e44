//! What bytes are read from, and what reading needs to know.

use super::Malformed;
use crate::model::NativeGauge;
use std::sync::Arc;

/// The words of this program that are kept by name: what is kept under another name is of another version.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The kinds of sources.
    pub kinds: Vec<&'static str>,
    /// Their own gauges.
    pub natives: Vec<&'static NativeGauge>,
}

impl Names {
    /// The kind of this name.
    pub(super) fn kind(&self, name: &str) -> Option<&'static str> {
        self.kinds.iter().find(|kind| **kind == name).copied()
    }

    /// The gauge of this name.
    pub(super) fn native(&self, name: &str) -> Option<&'static NativeGauge> {
        self.natives.iter().find(|gauge| gauge.name == name).copied()
    }
}

/// Distinct sets of histogram buckets that are shared in memory. There are a few per kind; more would only be slow.
const SHARED: usize = 32;

/// What reading one record needs, and what it leaves for the next.
#[derive(Debug)]
pub(in crate::ledger) struct Context<'n> {
    names: &'n Names,
    bounds: Vec<Arc<[f64]>>,
}

impl<'n> Context<'n> {
    /// Nothing read yet.
    pub(in crate::ledger) fn new(names: &'n Names) -> Self {
        Self { names, bounds: Vec::new() }
    }

    /// The words of this program.
    pub(in crate::ledger) fn names(&self) -> &'n Names {
        self.names
    }

    /// The set of buckets equal to `bounds` that others share, so that a million histograms hold it once.
    pub(super) fn share(&mut self, bounds: &[f64]) -> Arc<[f64]> {
        if let Some(known) = self.bounds.iter().find(|known| known[..] == *bounds) {
            return Arc::clone(known);
        }
        let new: Arc<[f64]> = bounds.into();
        if self.bounds.len() < SHARED {
            self.bounds.push(Arc::clone(&new));
        }
        new
    }
}

/// Bytes being read.
pub(in crate::ledger) struct Reader<'a, 'n> {
    bytes: &'a [u8],
    pub(super) context: &'a mut Context<'n>,
}

impl<'a, 'n> Reader<'a, 'n> {
    /// A reader of `bytes`.
    pub(super) fn new(bytes: &'a [u8], context: &'a mut Context<'n>) -> Self {
        Self { bytes, context }
    }

    /// How many bytes are left: no list can have more elements.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let Some((first, rest)) = self.bytes.split_first() else {
            return Err(Malformed::Not("long enough"));
        };
        self.bytes = rest;
        Ok(*first)
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(Malformed::Not("long enough"));
        };
        self.bytes = rest;
        Ok(taken)
    }
}
