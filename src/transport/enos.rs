//! Envision EnOS: the token service, the request signature, the envelope and its error codes.
//!
//! **Source**: the EnOS API documentation, pages "Get Token", "Invoke API with Access Token" and the Batch Processing
//! Service v2.1.

mod envelope;
mod operation;
mod request;
mod sign;
mod stamp;
#[cfg(test)]
mod tests;
mod token;

pub use operation::Operation;

use super::breaker::Breakers;
use super::call::{Call, Try};
use super::limit::{Bucket, Rate};
use super::retry::Quota;
use super::skew::Skew;
use super::{Error, Http, Priority, SetupError, address};
use crate::credentials::Provider;
use crate::model::{Clock, Observer};
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stamp::Stamp;
use std::sync::Arc;
use std::time::Duration;
use token::Tokens;

/// What an account's configuration says about its calls.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's name in the configuration.
    pub account: String,
    /// The API gateway: `https://host`.
    pub gateway: String,
    /// The organisation to read.
    pub org_id: String,
    /// The user to read as; must belong to the organisation.
    pub user_id: String,
    /// What all calls of the account together may use.
    pub requests_per_second: f64,
    /// One try, connect to last byte.
    pub timeout: Duration,
}

/// The client of one configured account. It adds `orgId` and `userId` to every query that needs them.
pub struct Client {
    line: Line,
    tokens: Tokens,
}

impl Client {
    /// A client that signs with the access key (as `secret_id`) and secret key of `provider`. Connects to nobody yet.
    ///
    /// # Errors
    /// What to change in the account's configuration.
    pub fn new(
        options: Options,
        http: Http,
        provider: Arc<dyn Provider>,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        Ok(Self { line: Line::new(options, http, observer, clock)?, tokens: Tokens::new(provider) })
    }

    /// The organisation that the account reads.
    pub fn org_id(&self) -> &str {
        &self.line.options.org_id
    }

    /// Calls `operation` with the query keys it needs beside `action`, `orgId` and `userId`, and the body where it
    /// is a POST; decodes what stands under `data`. Keys with an empty value are not sent.
    ///
    /// # Errors
    /// After the retries that its class allows: see [`Error`].
    ///
    /// # Cancel
    /// May be dropped at any await; a request under way is closed.
    pub async fn call<Q, A>(
        &self,
        operation: Operation,
        query: &[(&'static str, &str)],
        body: Option<&Q>,
    ) -> Result<A, Error>
    where
        Q: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|_| Error::Decode("a request that is no JSON".into()))?;
        let tries = request::Signed::new(&self.line, &self.tokens, operation, query, body);
        self.line.call(operation.name(), operation.priority().here(), tries).await
    }
}

/// Decodes the body of an answer as a call does: what stands under `data`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn decode<A: DeserializeOwned>(body: &[u8]) -> Result<A, Error> {
    envelope::open(&super::http::Answer { status: 200, date: None, retry_after: None, body: body.to_vec() })
}

/// What the calls of one account share, to the API as to its token service.
struct Line {
    options: Options,
    gateway: Url,
    http: Http,
    observer: Arc<dyn Observer>,
    bucket: Bucket,
    breakers: Breakers,
    quota: Quota,
    skew: Skew,
    stamp: Stamp,
}

impl Line {
    fn new(
        options: Options,
        http: Http,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let rate = options.requests_per_second;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(SetupError::new("requests_per_second", "not a rate; write a number above 0"));
        }
        if options.timeout.is_zero() {
            return Err(SetupError::new("timeout", "no call can end in no time; write \"10s\""));
        }
        Ok(Self {
            gateway: http.address("gateway", &options.gateway)?,
            skew: Skew::new(options.account.clone(), clock),
            // The rate is the user's own figure, so no share of it is left free.
            bucket: Bucket::new(Rate::of(rate, 1.0)),
            breakers: Breakers::new(options.account.clone(), Arc::clone(&observer)),
            quota: Quota::default(),
            stamp: Stamp::default(),
            options,
            http,
            observer,
        })
    }

    async fn call<T: Try>(
        &self,
        action: &'static str,
        priority: Priority,
        tries: T,
    ) -> Result<T::Answer, Error> {
        let breaker = self.breakers.of(&address::host(&self.gateway));
        let call = Call {
            account: &self.options.account,
            service: "enos",
            action,
            region: "",
            counted: "*",
            bucket: &self.bucket,
            limiter: None,
            priority,
            breaker: Some(&*breaker),
            quota: &self.quota,
            http: &self.http,
            observer: &*self.observer,
        };
        call.run(tries).await
    }

    /// `path` below the gateway's own path.
    fn url(&self, path: &str) -> Url {
        let mut url = self.gateway.clone();
        url.set_path(&format!("{}/{path}", self.gateway.path().trim_end_matches('/')));
        url
    }

    /// The present time for a signature, in milliseconds; never the same twice.
    fn stamp(&self) -> i64 {
        self.stamp.next(self.skew.now().millis())
    }
}
