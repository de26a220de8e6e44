//! The body of an answer: chunks that are shared, and not copied.

use super::Exposition;
use super::pulse::Answering;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The largest piece handed over at once. What was handed over no longer counts as being answered, so with small pieces
/// little of a slow reader's answer escapes the deadline.
const PIECE: usize = 64 * 1024;

/// The chunks left to send.
pub(super) struct Chunks {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    /// What is left of the chunk at hand.
    chunk: Bytes,
    left: u64,
    answering: Option<Answering>,
    held: Vec<Box<dyn Any + Send>>,
}

impl Chunks {
    /// A body of these chunks.
    pub(super) fn new(exposition: Exposition) -> Self {
        Self {
            chunks: exposition.chunks,
            chunk: Bytes::new(),
            left: exposition.len,
            answering: None,
            held: Vec::new(),
        }
    }

    /// Keeps `guard` until the last piece is handed over, or the body is dropped.
    pub(super) fn hold(&mut self, guard: impl Any + Send) {
        self.held.push(Box::new(guard));
    }

    /// Tells the connection of every piece, and of the end.
    pub(super) fn felt_by(&mut self, answering: Answering) {
        self.answering = Some(answering);
    }

    /// The next piece.
    fn piece(&mut self) -> Option<Bytes> {
        // An empty frame would be read as the end of a chunked body.
        while self.chunk.is_empty() {
            self.chunk = self.chunks.next()?;
        }
        if let Some(answering) = &self.answering {
            answering.moved();
        }
        let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
        self.left = self.left.saturating_sub(piece.len() as u64);
        Some(piece)
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole_without_copying() {
        let big = Bytes::from(vec![b'x'; 2 * PIECE + 1]);
        let chunks = [Bytes::new(), big.clone(), Bytes::new(), Bytes::from_static(b"end\n")];
        let mut body = Chunks::new(Exposition::new(chunks.to_vec()));
        assert_eq!(body.size_hint().exact(), Some(2 * PIECE as u64 + 5));
        let mut pieces = Vec::new();
        while let Some(piece) = body.piece() {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            pieces.push(piece);
        }
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, 1, 4]);
        assert_eq!(pieces[1].as_ptr(), big[PIECE..].as_ptr());
        assert!(body.is_end_stream());
    }
}
