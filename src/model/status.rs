//! What the status page tells.

use super::{CellKey, EndpointStatus, Reason, Timestamp};
use std::time::Duration;

/// The exporter's state at one moment, for people.
#[derive(Clone, Debug)]
pub struct Status {
    /// The exporter's version.
    pub version: &'static str,
    /// When it started.
    pub started: Timestamp,
    /// The moment this was put together.
    pub now: Timestamp,
    /// Whether every source was polled at least once since the start.
    pub ready: bool,
    /// How many series are exposed.
    pub series: u64,
    /// Every cell, in the order of [`CellKey`].
    pub cells: Vec<CellStatus>,
    /// Every endpoint that was called since the start, by account and host.
    pub endpoints: Vec<EndpointStatus>,
}

/// How one cell is doing. What is not known yet is `None`.
#[derive(Clone, Debug)]
pub struct CellStatus {
    /// Which cell.
    pub cell: CellKey,
    /// Whether the last poll reached the source.
    pub up: Option<bool>,
    /// When the last poll ended.
    pub last_poll: Option<Timestamp>,
    /// How the last poll ended.
    pub last_result: Option<Reason>,
    /// How long the last poll took.
    pub took: Option<Duration>,
    /// When a poll last read all there was.
    pub last_success: Option<Timestamp>,
    /// Everything that changed before this has been read.
    pub watermark: Option<Timestamp>,
    /// What is known to be left unread.
    pub backlog: Option<u64>,
    /// How many tasks are known.
    pub tasks: u64,
    /// The last poll's one line of trouble; empty when all was well.
    pub message: String,
}
