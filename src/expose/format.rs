//! The formats of an exposition.

use super::protobuf::{self, Protobuf};
use super::text::{self, Text};
use crate::metrics::Sink;
use crate::metrics::catalog::Family;

/// How an exposition is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Prometheus' text format, 0.0.4.
    Text,
    /// OpenMetrics 1.0: exemplars, units, and when each counter began.
    OpenMetrics,
    /// Delimited protocol buffers: all that OpenMetrics has, in fewer bytes, and read faster.
    Protobuf,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Text, Self::OpenMetrics, Self::Protobuf];

    /// Its place in [`Format::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// What stands after the last family.
    pub(super) const fn end(self) -> &'static [u8] {
        match self {
            Self::Text | Self::Protobuf => b"",
            Self::OpenMetrics => b"# EOF\n",
        }
    }
}

/// One thing for each format.
pub(super) type Each<T> = [T; Format::ALL.len()];

/// What stands before the samples of a family, which take `samples` bytes.
pub(super) fn header(family: &Family, format: Format, samples: usize) -> Vec<u8> {
    match format {
        Format::Text | Format::OpenMetrics => text::header(family, format),
        Format::Protobuf => protobuf::header(family, samples),
    }
}

/// The samples of a family that `draw` hands over.
pub(super) fn samples(family: &Family, format: Format, draw: impl FnOnce(&mut dyn Sink)) -> Vec<u8> {
    match format {
        Format::Text | Format::OpenMetrics => {
            let mut text = Text::new(family, format);
            draw(&mut text);
            text.finish().0
        }
        Format::Protobuf => {
            let mut messages = Protobuf::new(family);
            draw(&mut messages);
            messages.finish()
        }
    }
}
