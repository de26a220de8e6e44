//! Reads a file whose tree is broken: leaf by leaf, wherever one stands.
//!
//! A leaf of redb's tree is a page with a list of keys and values, and every value of ours carries a checksum over its
//! table and key and the number of the commit that wrote it. So a value that is found anywhere is known to be one, and of
//! several under one key, because a page that was freed is not wiped, the newest is taken.

use super::scan::Rows;
#[cfg(any(test, feature = "fuzzing"))]
use super::scan::scan;
use super::table::Sheet;
#[cfg(any(test, feature = "fuzzing"))]
use crate::{ledger::Names, model::Timestamp};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// redb's pages begin at multiples of this.
const PAGE: usize = 4096;

/// The longest leaf that is looked for: one with a record as long as records get.
const LONGEST: usize = 256 * PAGE;

/// The first byte of a leaf.
const LEAF: u8 = 1;

/// The values that were found.
#[derive(Debug, Default)]
pub(super) struct Rubble {
    /// By table and key: the commit that wrote it, and the sealed value.
    found: BTreeMap<(Sheet, Vec<u8>), (u64, Vec<u8>)>,
}

impl Rubble {
    /// Searches the whole file.
    pub(super) fn search(file: &File) -> io::Result<Self> {
        let mut rubble = Self::default();
        let length = file.metadata()?.len();
        let mut start = 0;
        while start < length {
            let mut page = vec![0; PAGE.min(usize::try_from(length - start).unwrap_or(PAGE))];
            file.read_exact_at(&mut page, start)?;
            if let Some(end) = leaf_end(&page) {
                // A leaf with a long value is longer than a page; only then is more read.
                let end = end.min(usize::try_from(length - start).unwrap_or(end)).min(LONGEST);
                if end > page.len() {
                    let more = page.len();
                    page.resize(end, 0);
                    file.read_exact_at(&mut page[more..], start + more as u64)?;
                }
                rubble.take(&page);
            }
            start += PAGE as u64;
        }
        Ok(rubble)
    }

    /// Takes the values of a leaf.
    fn take(&mut self, leaf: &[u8]) {
        for (key, sealed) in rows(leaf) {
            let row = |sheet: Sheet| Some((sheet, sheet.unseal(key, sealed).ok()?.0));
            let Some((sheet, sequence)) = Sheet::ALL.into_iter().find_map(row) else { continue };
            let found = self.found.entry((sheet, key.to_vec())).or_default();
            if found.1.is_empty() || found.0 < sequence {
                *found = (sequence, sealed.to_vec());
            }
        }
    }
}

/// Searches `file` and reads what was found, for `crate::fuzzing`; tells how many cells there were.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::ledger) fn salvage(file: &File, names: &Names, now: Timestamp) -> usize {
    let Ok(rubble) = Rubble::search(file) else { return 0 };
    let cells = scan(&rubble, names, now).restored.cells.len();
    assert!(cells <= rubble.found.len(), "more cells than values");
    cells
}

impl Rows for Rubble {
    fn each(&self, sheet: Sheet, row: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        for ((_, key), (_, sealed)) in self.found.iter().filter(|((of, _), _)| *of == sheet) {
            row(key, sealed);
        }
        // Nobody knows what was there and is not found.
        false
    }
}

fn number(leaf: &[u8], at: usize) -> Option<usize> {
    let bytes = leaf.get(at..at + 4)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

/// How many pairs a leaf says that it has. After that come the ends of all keys, then of all values.
fn pairs(leaf: &[u8]) -> Option<usize> {
    match leaf {
        [LEAF, _, low, high, ..] => {
            Some(usize::from(u16::from_le_bytes([*low, *high]))).filter(|pairs| *pairs > 0)
        }
        _ => None,
    }
}

/// Where the last value of a leaf ends; of a leaf with so many pairs that its lists are longer than a page, the page's end.
fn leaf_end(page: &[u8]) -> Option<usize> {
    let pairs = pairs(page)?;
    Some(number(page, 4 + 8 * pairs - 4).unwrap_or(page.len()))
}

/// The pairs of a leaf that lie inside it.
fn rows(leaf: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = pairs(leaf).unwrap_or(0);
    let end = move |list: usize, nth: usize| number(leaf, 4 + 4 * (list * pairs + nth));
    let keys_end = pairs.checked_sub(1).and_then(|last| end(0, last)).unwrap_or(0);
    let pair = move |nth: usize| {
        let before = |list: usize, first: usize| match nth.checked_sub(1) {
            Some(before) => end(list, before),
            None => Some(first),
        };
        let key = leaf.get(before(0, 4 + 8 * pairs)?..end(0, nth)?)?;
        let value = leaf.get(before(1, keys_end)?..end(1, nth)?)?;
        Some((key, value))
    };
    (0..pairs).filter_map(pair)
}
