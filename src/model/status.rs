//! What the status page tells.

use super::{CellKey, EndpointStatus, Reason, Timestamp};
use std::sync::Arc;
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
    /// Whether what is remembered is loaded and shown.
    pub ready: bool,
    /// What does not go on that should, for which a supervisor restarts the exporter; `None` where all is well.
    pub hung: Option<String>,
    /// How many series are exposed.
    pub series: u64,
    /// Every cell, in the order of [`CellKey`].
    pub cells: Vec<CellStatus>,
    /// Every endpoint that was called since the start, by account and host.
    pub endpoints: Vec<EndpointStatus>,
    /// What was asked of each API action, by account, service and action.
    pub quotas: Vec<QuotaStatus>,
    /// The accounts whose present credentials end at a known time, and when.
    pub credentials: Vec<(String, Timestamp)>,
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
    /// When the next poll is due.
    pub next_poll: Option<Timestamp>,
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
    /// The last trouble since the start, whether it is over or not.
    pub last_error: Option<Arc<Failure>>,
    /// The last polls since the start, newest first.
    pub trail: Arc<[PollTrace]>,
}

/// A poll that did not go well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub reason: Reason,
    /// One line of what failed and what to do. Holds no secret.
    pub message: String,
}

/// What one poll was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollTrace {
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub result: Reason,
    /// The API requests that it sent.
    pub requests: u64,
    /// The run records that it handed over.
    pub records: u64,
}

/// How much of what an API action allows is used.
#[derive(Clone, PartialEq, Debug)]
pub struct QuotaStatus {
    /// The account's name in the configuration.
    pub account: String,
    /// `wedata`, `tat`, `scf`, `sts`, `enos`.
    pub service: String,
    /// The API's own name of the action.
    pub action: String,
    /// Requests of the last minute, in all regions.
    pub last_minute: u64,
    /// The most requests in one second of the last minute, in one region.
    pub peak_per_second: u64,
    /// The requests per second that the exporter allows itself now, in one region; `None` where nothing limits it.
    pub allowed_per_second: Option<f64>,
}
