//! The exporter's own pages: `/metrics` and what people and supervisors ask beside it.
//!
//! Everything here answers from what a [`Page`] holds ready: no request waits for a poll, the keeper or the disk, and no
//! client, however slow, broken or numerous, takes more than its share of connections, memory and time.

mod accept;
mod body;
mod connection;
mod places;
mod pulse;
mod refused;
mod routes;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use accept::Wanted;
pub use refused::Refused;
pub use server::Server;

use crate::expose::Answer;
use crate::model::{BoxFuture, Status};
use bytes::Bytes;
use std::time::Duration;

/// What is served. Every method is called on the way of a request and must not wait for anything.
pub trait Page: Send + Sync {
    /// The newest snapshot of `/metrics`, as it is wanted.
    fn metrics(&self, wanted: Wanted) -> Exposition;
    /// Whether what is remembered is loaded and shown. Trouble upstream does not matter.
    fn ready(&self) -> bool;
    /// Whether the exporter does its work; a supervisor restarts it when not.
    fn healthy(&self) -> bool;
    /// What the status page shows.
    fn status(&self) -> Status;
    /// A scrape was answered with `code`, and its last byte handed over after `took`.
    fn scraped(&self, code: u16, took: Duration);
    /// A request was not answered with what it asked for, or a connection was closed on its client.
    fn refused(&self, _: Refused) {}
}

/// Reads the configuration again. Answers, for the one who asked, what has changed, or why nothing has.
pub type Reload = Box<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// An answer's body, in chunks that are made or taken as they are sent.
pub struct Exposition {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    len: u64,
}

impl Exposition {
    /// The chunks in the order they are sent.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self { chunks: Box::new(chunks.into_iter()), len }
    }
}

impl From<Answer> for Exposition {
    fn from(answer: Answer) -> Self {
        Self { len: answer.length() as u64, chunks: Box::new(answer) }
    }
}

impl From<Bytes> for Exposition {
    fn from(chunk: Bytes) -> Self {
        Self::new(vec![chunk])
    }
}

/// How much of everything clients may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections served at once; for one more, the one that has waited longest for its client is closed.
    pub max_connections: usize,
    /// Pages rendered or sent at once; more are refused with 503.
    pub max_concurrent_scrapes: usize,
    /// From the connection to the end of the first request's headers, TLS included; later from the first byte of a request.
    pub header_timeout: Duration,
    /// From a good answer to the next request: longer than any scrape interval in use.
    pub idle_timeout: Duration,
    /// From one part of an answer to the next, where its client does not read.
    pub write_timeout: Duration,
    /// From the end of a request's headers to the end of its answer.
    pub response_timeout: Duration,
}

impl Default for Limits {
    /// Eight seconds and not ten: a crowd waits for up to two before it is accepted, and ten is what is promised.
    fn default() -> Self {
        Self {
            max_connections: 512,
            max_concurrent_scrapes: 40,
            header_timeout: Duration::from_secs(8),
            idle_timeout: Duration::from_secs(300),
            write_timeout: Duration::from_secs(8),
            response_timeout: Duration::from_secs(60),
        }
    }
}
