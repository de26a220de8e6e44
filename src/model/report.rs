//! How a poll went.

use super::{CellKey, Timestamp};
use std::time::Duration;

/// How a poll ended. The label `result` of `taskrun_source_polls_total`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// Everything was read.
    Ok,
    /// Something was read, something was refused or left unread.
    Partial,
    /// The API asked to slow down.
    Throttled,
    /// The credentials or their rights were refused.
    Auth,
    /// It took too long.
    Timeout,
    /// No connection, or one cut before the whole answer.
    Connect,
    /// The API said it is broken.
    Server,
    /// The answer was not what the API documents.
    Decode,
    /// The answer was larger than is ever read.
    TooLarge,
    /// The API refused the request.
    Rejected,
    /// The exporter was stopping.
    Cancelled,
    /// The exporter's own code failed.
    Panicked,
}

impl Reason {
    /// Every reason, in the order of [`Reason::index`].
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::Partial,
        Self::Throttled,
        Self::Auth,
        Self::Timeout,
        Self::Connect,
        Self::Server,
        Self::Decode,
        Self::TooLarge,
        Self::Rejected,
        Self::Cancelled,
        Self::Panicked,
    ];

    /// The place in [`Reason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Throttled => "throttled",
            Self::Auth => "auth",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Server => "server",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }
}

/// What the keeper knows of a cell after a poll of it: what decides how soon the next one is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pulse {
    /// Whether a run is queued, running or between two tries. Runs that wait do not count: most wait for a time or
    /// for another task, and what begins one of them is news.
    pub under_way: bool,
    /// Whether the poll brought anything that was not known: a run, another state of one, an outcome.
    pub news: bool,
}

/// The worker's verdict on one poll of one cell.
#[derive(Clone, Debug)]
pub struct PollReport {
    /// Which cell.
    pub cell: CellKey,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub reason: Reason,
    /// Whether all there was to read was read, records refused or not: then the data is fresh.
    pub fresh: bool,
    /// The API requests that it sent, retries included.
    pub requests: u64,
    /// Ticks that fell into the poll and were not served.
    pub skipped_ticks: u64,
    /// One line for the status page; empty when all is well. Holds no secret.
    pub message: String,
}
