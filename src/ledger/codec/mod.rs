//! The records as bytes for the state file, and as JSON for `state export`.
//!
//! Each record's fields are listed once, in `record`; bytes, JSON and both ways back follow from that list, so they
//! cannot drift apart. The list is the format: a field more or less is a new format version, save that an array may
//! grow at its end, and that the last field may be one that takes no bytes where there is nothing to keep.

mod histogram;
mod reader;
mod record;
mod scalar;
#[cfg(test)]
pub(super) mod tests;

pub use reader::Names;
pub(super) use reader::{Context, Reader};

use serde_json::Value;

/// Something that is kept.
pub(super) trait Field: Sized {
    /// Appends its bytes.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes its bytes.
    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed>;
    /// It, for people and for moving.
    fn show(&self) -> Value;
    /// Reads what [`Field::show`] gave.
    fn read(value: &Value, names: &Names) -> Result<Self, Malformed>;
}

/// Why bytes or JSON are not the record they should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// They are not what was written.
    #[error("not {0}")]
    Not(&'static str),
    /// The checksum says that they have changed.
    #[error("the checksum does not match")]
    Checksum,
    /// A field of a JSON object is missing or wrong.
    #[error("{0}: {1}")]
    At(&'static str, Box<Self>),
    /// They are of a kind of source that this program does not have.
    #[error("this program has no kind of source called {0:?}")]
    Kind(String),
}

/// A record's bytes.
pub(super) fn encode<T: Field>(record: &T) -> Vec<u8> {
    let mut out = Vec::new();
    record.put(&mut out);
    out
}

/// Reads a whole record: bytes left over are an error.
pub(super) fn decode<T: Field>(bytes: &[u8], context: &mut Context<'_>) -> Result<T, Malformed> {
    let mut reader = Reader::new(bytes, context);
    let record = T::get(&mut reader)?;
    if reader.left() == 0 { Ok(record) } else { Err(Malformed::Not("a whole record")) }
}

/// A value with what is needed to trust it when it is found: the number of the commit that wrote it, and a checksum.
///
/// The checksum covers the table and the key too, so that a value under a wrong key is found, and a value alone tells
/// what it is: a file whose tree is broken can be read leaf by leaf.
pub(super) fn seal(table: u8, key: &[u8], sequence: u64, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(SEAL + value.len());
    sealed.extend_from_slice(&checksum(table, key, &sequence.to_be_bytes(), value).to_be_bytes());
    sealed.extend_from_slice(&sequence.to_be_bytes());
    sealed.extend_from_slice(value);
    sealed
}

/// The bytes before a value: checksum and commit.
const SEAL: usize = 4 + 8;

/// The value that was sealed under `key`, and the number of the commit that wrote it.
pub(super) fn unseal<'a>(table: u8, key: &[u8], sealed: &'a [u8]) -> Result<(u64, &'a [u8]), Malformed> {
    let (sum, rest) = sealed.split_first_chunk().ok_or(Malformed::Checksum)?;
    let (sequence, value) = rest.split_first_chunk().ok_or(Malformed::Checksum)?;
    if u32::from_be_bytes(*sum) == checksum(table, key, sequence, value) {
        Ok((u64::from_be_bytes(*sequence), value))
    } else {
        Err(Malformed::Checksum)
    }
}

fn checksum(table: u8, key: &[u8], sequence: &[u8; 8], value: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in [&[table], key, sequence, value] {
        crc.update(part);
    }
    crc.finalize()
}
