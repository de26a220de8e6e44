//! The HTTP client that every account shares.

use super::{Error, SetupError, address, body, header};
use crate::model::{Clock, Timestamp};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Method, Url, redirect};
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The most that is read of one answer, before and after it is unpacked. The largest page there is, 200 instances,
/// has 150 KB.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// A packet lost twice while connecting costs 3 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Tencent Cloud's own SDKs close idle connections after this long; longer ones are dead when they are used.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// The connections to the outside: no redirects, no cookies, no plain text. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    /// Through the system's proxy, where there is one.
    outside: reqwest::Client,
    /// Past any proxy: this machine itself, and the metadata service.
    direct: reqwest::Client,
    /// Why no certificate could be verified, where that is so.
    no_trust: Option<String>,
    clock: Arc<dyn Clock>,
    max_body: usize,
}

/// A request that is ready to go.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// From the first step of the connection to the last byte of the answer.
    pub(super) deadline: Duration,
}

/// An answer, whole and unpacked, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) date: Option<Timestamp>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Http {
    /// Sets up TLS and the connection pools; connects to nobody yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up. A missing bundle of root certificates is an error only for an account
    /// with an https address.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        // An error means that it is installed already, perhaps by another instance.
        rustls::crypto::ring::default_provider().install_default().ok();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("taskrun-exporter/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE)
        };
        let fail = |error: reqwest::Error| SetupError::new("tls", innermost(&error));
        let (outside, no_trust) = match builder().build() {
            Ok(client) => (client, None),
            Err(error) => (builder().tls_certs_only([]).build().map_err(fail)?, Some(innermost(&error))),
        };
        let direct = match &no_trust {
            None => builder().no_proxy().build(),
            Some(_) => builder().no_proxy().tls_certs_only([]).build(),
        };
        Ok(Self { outside, direct: direct.map_err(fail)?, no_trust, clock, max_body: MAX_BODY })
    }

    /// Reads a base address as [`address::parse`] does, and makes sure that its certificate could be verified.
    pub(super) fn address(&self, option: &'static str, text: &str) -> Result<Url, SetupError> {
        let url = address::parse(option, text)?;
        match &self.no_trust {
            Some(cause) if url.scheme() == "https" => Err(SetupError::new(
                "tls",
                format!("{cause}; install the package ca-certificates, or name a bundle in SSL_CERT_FILE"),
            )),
            _ => Ok(url),
        }
    }

    /// Sends once, and reads the answer whole.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let deadline = request.deadline;
        let past_proxy = address::is_loopback(&request.url) || request.url.scheme() == "http";
        let client = if past_proxy { &self.direct } else { &self.outside };
        let sent = tokio::time::timeout(deadline, self.exchange(client, request)).await;
        sent.unwrap_or(Err(Error::Timeout(deadline)))
    }

    async fn exchange(&self, client: &reqwest::Client, request: Request) -> Result<Answer, Error> {
        let host = address::host(&request.url);
        let fail = |error: reqwest::Error| Error::Connect { host: host.clone(), cause: explain(&error) };
        let mut response = client
            .request(request.method, request.url)
            .headers(request.headers)
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
            .body(request.body)
            .send()
            .await
            .map_err(fail)?;
        let raw = body::read(&mut response, self.max_body, fail).await?;
        let body = match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"" | b"identity") => raw,
            // Answers to HEAD and empty ones say gzip too.
            Some(_) if raw.is_empty() => raw,
            Some(b"gzip" | b"x-gzip") => body::gunzip(&raw, self.max_body)?,
            Some(_) => return Err(Error::Decode("a content encoding that was not asked for".into())),
        };
        let date = header::date(response.headers());
        let now = date.unwrap_or_else(|| self.clock.now());
        Ok(Answer {
            status: response.status().as_u16(),
            date,
            retry_after: header::retry_after(response.headers(), now),
            body,
        })
    }
}

/// What the network said, in its own words, without the URL.
fn explain(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        return format!("no connection within {CONNECT_TIMEOUT:?}");
    }
    innermost(error)
}

/// The two innermost causes: the outer ones say no more than that a request failed, and some hold the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    match causes.as_slice() {
        [] => "the connection failed".to_owned(),
        [.., outer, inner] if !outer.contains(inner.as_str()) => format!("{outer}: {inner}"),
        [.., inner] => inner.clone(),
    }
}
