//! Pieces put together: what one scrape gets.

use super::format::Format;
use super::piece::{Packer, Piece};
use bytes::{Buf, Bytes};
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress};
use std::sync::Arc;

/// The header of a gzip member without a name, a time or a system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty last block, on its own byte.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// The most that is unpacked at once.
const STEP: usize = 64 * 1024;

/// A whole exposition, packed. Cloning it copies no text.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pieces: Arc<Vec<Bytes>>,
    length: usize,
    packed: usize,
    checksum: Hasher,
}

impl Document {
    /// Puts pieces together.
    pub(super) fn of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Self {
        let mut document = Self::default();
        let mut all = Vec::new();
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            document.length += piece.length();
            document.packed += piece.packed().len();
            document.checksum.combine(&piece.checksum());
            all.push(piece.packed().clone());
        }
        document.pieces = Arc::new(all);
        document
    }

    /// Its text.
    pub fn text(&self) -> Vec<u8> {
        self.plain(&Piece::default()).flatten().collect()
    }

    /// This, and `tail` after it, as an answer that is sent packed.
    pub fn gzip(&self, tail: &Piece) -> Answer {
        let mut checksum = self.checksum.clone();
        checksum.combine(&tail.checksum());
        let mut trailer = LAST_BLOCK.to_vec();
        trailer.extend_from_slice(&checksum.finalize().to_le_bytes());
        // The format counts modulo 2^32.
        let length = (self.length + tail.length()) as u64 & u64::from(u32::MAX);
        trailer.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_le_bytes());
        let length = HEADER.len() + self.packed + tail.packed().len() + trailer.len();
        let ends = [Bytes::from_static(&HEADER), tail.packed().clone(), trailer.into()];
        Answer { document: self.clone(), ends, length, plain: None, next: 0 }
    }

    /// This, and `tail` after it, as an answer that is unpacked while it is sent.
    pub fn plain(&self, tail: &Piece) -> Answer {
        let ends = [Bytes::new(), tail.packed().clone(), Bytes::new()];
        let plain = Some(Box::new(Unpacker::default()));
        Answer { document: self.clone(), ends, length: self.length + tail.length(), plain, next: 0 }
    }
}

/// A stretch of text of its own, such as the exporter's own metrics.
pub fn tail(text: &[u8], format: Format, packer: &mut Packer) -> Piece {
    packer.pack(&[text, format.end()].concat())
}

/// A snapshot on its way to one reader. A slow one keeps its snapshot, and a step of it unpacked.
pub struct Answer {
    document: Document,
    /// What stands before the document's pieces, and twice what stands after.
    ends: [Bytes; 3],
    length: usize,
    plain: Option<Box<Unpacker>>,
    next: usize,
}

impl Answer {
    /// Its whole length in bytes, as it is sent.
    pub fn length(&self) -> usize {
        self.length
    }

    fn piece(&mut self) -> Option<Bytes> {
        let [first, tail, last] = &self.ends;
        let pieces = &self.document.pieces;
        let piece = match self.next.checked_sub(1) {
            None => first,
            Some(at) if at < pieces.len() => &pieces[at],
            Some(at) => [tail, last].get(at - pieces.len())?,
        };
        self.next += 1;
        Some(piece.clone())
    }
}

impl Iterator for Answer {
    type Item = Bytes;

    /// The next bytes to send; never none at all.
    fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(step) = self.plain.as_mut().and_then(|unpacker| unpacker.step()) {
                return Some(step);
            }
            let piece = self.piece()?;
            match &mut self.plain {
                _ if piece.is_empty() => {}
                Some(unpacker) => unpacker.take(piece),
                None => return Some(piece),
            }
        }
    }
}

/// Unpacks pieces one after the other.
struct Unpacker {
    inflate: Decompress,
    left: Bytes,
    /// Whether the last step ended because it was full, so that there may be more without more to read.
    full: bool,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { inflate: Decompress::new(false), left: Bytes::new(), full: false }
    }
}

impl Unpacker {
    fn take(&mut self, piece: Bytes) {
        self.inflate.reset(false);
        self.left = piece;
    }

    /// The next bytes of the piece at hand; `None` at its end.
    fn step(&mut self) -> Option<Bytes> {
        if self.left.is_empty() && !self.full {
            return None;
        }
        let mut out = Vec::with_capacity(STEP);
        let before = self.inflate.total_in();
        let ended = self.inflate.decompress_vec(&self.left, &mut out, FlushDecompress::None);
        let taken = usize::try_from(self.inflate.total_in() - before).unwrap_or(usize::MAX);
        self.left.advance(taken.min(self.left.len()));
        self.full = out.len() == out.capacity();
        // What is packed here is unpacked here: only a defect in one of both can leave something.
        if !self.full && (ended.is_err() || !self.left.is_empty()) {
            tracing::error!("a page cannot be unpacked; this is a defect, please report it");
            self.left.clear();
        }
        Some(out).filter(|out| !out.is_empty()).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests;
