//! A stretch of an exposition, packed once.
//!
//! Packed means: raw deflate blocks that end on a byte and refer to nothing before them. Pieces put end to end, between
//! a header and a trailer, are therefore one gzip member, whatever pieces they are: a scrape compresses nothing.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Text of this kind is a tenth of its size after the fastest level, and a fifteenth after ones that take four times as
/// long.
const LEVEL: Compression = Compression::fast();

/// A packed stretch.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    packed: Bytes,
    /// The bytes it unpacks to.
    length: usize,
    /// Their checksum.
    crc: u32,
}

impl Piece {
    /// A short stretch, packed without being made smaller.
    pub(super) fn stored(plain: &[u8]) -> Self {
        let mut packed = Vec::with_capacity(plain.len() + 5);
        for block in plain.chunks(usize::from(u16::MAX)) {
            let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
            packed.push(0);
            packed.extend_from_slice(&length.to_le_bytes());
            packed.extend_from_slice(&(!length).to_le_bytes());
            packed.extend_from_slice(block);
        }
        Self { packed: packed.into(), length: plain.len(), crc: crc32fast::hash(plain) }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether it is `plain`, packed.
    pub(super) fn holds(&self, plain: &[u8]) -> bool {
        self.length == plain.len() && self.crc == crc32fast::hash(plain)
    }

    pub(super) fn packed(&self) -> &Bytes {
        &self.packed
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Its checksum, fit to be combined with others.
    pub(super) fn checksum(&self) -> Hasher {
        Hasher::new_with_initial_len(self.crc, self.length as u64)
    }
}

/// Packs pieces. Keeps the compressor's memory, which takes longer to make than most pieces to pack.
pub struct Packer(Compress);

impl Default for Packer {
    fn default() -> Self {
        Self(Compress::new(LEVEL, false))
    }
}

impl Packer {
    /// Packs one stretch.
    pub fn pack(&mut self, plain: &[u8]) -> Piece {
        if plain.is_empty() {
            return Piece::default();
        }
        let mut packed = Vec::with_capacity(plain.len() / 8 + 64);
        self.0.reset();
        let mut taken = 0;
        loop {
            let before = self.0.total_in();
            let ended = self.0.compress_vec(&plain[taken..], &mut packed, FlushCompress::Sync);
            taken += usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            // Room left over means that everything was flushed; `BufError` that there was nothing left to do.
            let flushed = packed.len() < packed.capacity() || matches!(ended, Ok(Status::BufError));
            if taken >= plain.len() && flushed {
                break;
            }
            packed.reserve(plain.len() / 8 + 64);
        }
        // Half of a piece's memory would be slack otherwise, and there are many.
        packed.shrink_to_fit();
        Piece { packed: packed.into(), length: plain.len(), crc: crc32fast::hash(plain) }
    }
}
