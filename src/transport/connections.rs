//! The connection pools, and whom they trust.

use super::http::{Answer, Carrier, Request};
use super::resolver::Resolver;
use super::{Error, SetupError, address, body, header};
use crate::model::{BoxFuture, Clock};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use reqwest::{Certificate, ClientBuilder, redirect};
use std::sync::Arc;
use std::time::Duration;

/// The most that is read of one answer, before and after it is unpacked. The largest page there is, 200 instances,
/// has 150 KB.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// A packet lost twice while connecting costs 3 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Tencent Cloud's own SDKs close idle connections after this long; longer ones are dead when they are used.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Whom an account trusts beside what every account does.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Trust {
    /// Certificates in PEM that are trusted in place of the system's.
    pub roots: Option<Vec<u8>>,
    /// Whether the endpoint's name may lead to this machine or its own link.
    pub local_addresses: bool,
}

/// The pools of one kind of trust.
pub(super) struct Connections {
    /// Through the system's proxy, where there is one.
    outside: reqwest::Client,
    /// Past any proxy: this machine itself, and the metadata service.
    direct: reqwest::Client,
    clock: Arc<dyn Clock>,
    max_body: usize,
}

impl Connections {
    /// Sets up TLS and the pools; and why no certificate can be verified, where that is so.
    pub(super) fn open(trust: &Trust, clock: Arc<dyn Clock>) -> Result<(Self, Option<String>), SetupError> {
        // An error means that it is installed already, perhaps by another instance.
        rustls::crypto::ring::default_provider().install_default().ok();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("taskrun-exporter/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE)
                .dns_resolver(Resolver::new(trust.local_addresses))
        };
        let fail = |error: reqwest::Error| SetupError::new("tls", innermost(&error));
        let only = |builder: ClientBuilder, roots: &[Certificate]| {
            builder.tls_certs_only(roots.iter().cloned()).build()
        };
        let (outside, direct, no_trust) = match &trust.roots {
            Some(pem) => {
                let roots = certificates(pem)?;
                let built = only(builder(), &roots)
                    .and_then(|outside| only(builder().no_proxy(), &roots).map(|direct| (outside, direct)));
                let (outside, direct) = built.map_err(|_| unusable("a certificate in it cannot be read"))?;
                (outside, direct, None)
            }
            None => match builder().build() {
                Ok(client) => (client, builder().no_proxy().build().map_err(fail)?, None),
                Err(error) => {
                    let outside = only(builder(), &[]).map_err(fail)?;
                    let direct = only(builder().no_proxy(), &[]).map_err(fail)?;
                    (outside, direct, Some(innermost(&error)))
                }
            },
        };
        Ok((Self { outside, direct, clock, max_body: MAX_BODY }, no_trust))
    }

    /// With another cap on bodies.
    #[cfg(test)]
    pub(super) fn capped(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// With another way to resolve names.
    #[cfg(test)]
    pub(super) fn resolving(clock: Arc<dyn Clock>, resolver: Resolver) -> Self {
        let client = reqwest::Client::builder().no_proxy().dns_resolver(resolver);
        let client = client.tls_certs_only([]).build().unwrap();
        Self { outside: client.clone(), direct: client, clock, max_body: MAX_BODY }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, Error> {
        let past_proxy = address::is_loopback(&request.url) || request.url.scheme() == "http";
        let client = if past_proxy { &self.direct } else { &self.outside };
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

impl Carrier for Connections {
    fn carry(&self, request: Request) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.exchange(request))
    }
}

/// The certificates of a bundle, at least one. Whether they can be read is seen when they are used.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, SetupError> {
    let found = Certificate::from_pem_bundle(pem).map_err(|_| unusable("it cannot be read"))?;
    if found.is_empty() { Err(unusable("no certificate in it")) } else { Ok(found) }
}

fn unusable(what: &str) -> SetupError {
    let how = "write the path of certificates in PEM, which begin with -----BEGIN CERTIFICATE-----";
    SetupError::new("ca_file", format!("{what}; {how}"))
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
