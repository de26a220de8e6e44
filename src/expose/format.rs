//! The formats of an exposition.

/// How an exposition is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Prometheus' text format, 0.0.4.
    Text,
    /// OpenMetrics 1.0: exemplars, units, and when each counter began.
    OpenMetrics,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// Its place in [`Format::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// What stands after the last family.
    pub(super) const fn end(self) -> &'static [u8] {
        match self {
            Self::Text => b"",
            Self::OpenMetrics => b"# EOF\n",
        }
    }
}

/// One thing for each format.
pub(super) type Each<T> = [T; Format::ALL.len()];
