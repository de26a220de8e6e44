//! The HTTP client that every account shares.

use super::connections::{Connections, Trust};
use super::{Error, SetupError, address};
use crate::model::{BoxFuture, Clock, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// What brings requests to an API and answers back.
pub trait Carrier: Send + Sync {
    /// Sends once, and reads the answer whole. Whoever asks sets the deadline.
    fn carry(&self, request: Request) -> BoxFuture<'_, Result<Answer, Error>>;
}

/// The connections to the outside: no redirects, no cookies, no plain text. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    carrier: Arc<dyn Carrier>,
    /// Why no certificate could be verified, where that is so.
    no_trust: Option<String>,
    clock: Arc<dyn Clock>,
}

/// A request that is ready to go.
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// Those of the protocol; the client adds its own.
    pub headers: HeaderMap,
    /// Empty where there is none.
    pub body: Vec<u8>,
    /// From the first step of the connection to the last byte of the answer.
    pub deadline: Duration,
}

/// An answer, whole and unpacked, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Date`.
    pub date: Option<Timestamp>,
    /// `Retry-After`, bounded.
    pub retry_after: Option<Duration>,
    /// As it was before it was packed.
    pub body: Vec<u8>,
}

impl Http {
    /// Sets up TLS and the connection pools; connects to nobody yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up. A missing bundle of root certificates is an error only for an account
    /// with an https address.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        Self::trusting(&Trust::default(), clock)
    }

    /// The same for an account that trusts others than the system does.
    ///
    /// # Errors
    /// Those of [`Http::new`], and where the certificates cannot be used.
    pub fn trusting(trust: &Trust, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let (connections, no_trust) = Connections::open(trust, Arc::clone(&clock))?;
        Ok(Self { carrier: Arc::new(connections), no_trust, clock })
    }

    /// Over something else than the network.
    pub fn over(carrier: Arc<dyn Carrier>, clock: Arc<dyn Clock>) -> Self {
        Self { carrier, no_trust: None, clock }
    }

    /// Reads a base address as [`address::parse`] does, and makes sure that its certificate could be verified.
    pub(super) fn address(&self, option: &'static str, text: &str) -> Result<Url, SetupError> {
        let url = address::parse(option, text)?;
        match &self.no_trust {
            Some(cause) if url.scheme() == "https" => Err(SetupError::new(
                "tls",
                format!(
                    "{cause}; install the package ca-certificates, or name a bundle in SSL_CERT_FILE or ca_file"
                ),
            )),
            _ => Ok(url),
        }
    }

    /// How many seconds this machine's clock is ahead of the time that an answer told.
    #[expect(clippy::cast_precision_loss, reason = "a difference of clocks is no such number")]
    pub(super) fn ahead_of(&self, date: Timestamp) -> f64 {
        self.clock.now().millis().saturating_sub(date.millis()) as f64 / 1000.0
    }

    /// Sends once, and reads the answer whole.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let deadline = request.deadline;
        let sent = tokio::time::timeout(deadline, self.carrier.carry(request)).await;
        sent.unwrap_or(Err(Error::Timeout(deadline)))
    }
}
