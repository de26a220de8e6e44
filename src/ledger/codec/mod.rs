//! The records as bytes for the state file, and as JSON for `state export`.
//!
//! Each record's fields are listed once, in `record`; bytes, JSON and both ways back follow from that list, so they
//! cannot drift apart. The list is the format: a field more or less is a new format version, save that an array may
//! grow at its end.

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
    At(&'static str, Box<Malformed>),
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

/// Puts the checksum of key and value before a value. It covers the key, so that a value under a wrong key is found too.
pub(super) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = checksum(key, value).to_be_bytes().to_vec();
    sealed.extend_from_slice(value);
    sealed
}

/// The value that was sealed under `key`.
pub(super) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let (sum, value) = sealed.split_first_chunk().ok_or(Malformed::Checksum)?;
    if u32::from_be_bytes(*sum) == checksum(key, value) { Ok(value) } else { Err(Malformed::Checksum) }
}

fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(key);
    crc.update(value);
    crc.finalize()
}
