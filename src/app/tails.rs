//! The exporter's own metrics, packed, as the end of every page.

use crate::expose::{self, Format, Packer, Piece};
use crate::metrics::Own;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How old they may be. To write and pack them takes longer than to send a small page, and scrapes of several servers come
/// close together.
const FRESH: Duration = Duration::from_millis(250);

/// The latest, for each format.
#[derive(Default)]
pub(super) struct Tails(Mutex<[Option<(Instant, Piece)>; Format::ALL.len()]>);

impl Tails {
    /// The exporter's own metrics in a format.
    pub(super) fn of(&self, own: &Own, format: Format) -> Piece {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let slot = &mut kept[format as usize];
        match slot {
            Some((made, piece)) if now.duration_since(*made) < FRESH => piece.clone(),
            _ => {
                let piece = expose::tail(&expose::own(own, format), format, &mut Packer::default());
                *slot = Some((now, piece.clone()));
                piece
            }
        }
    }
}
