//! Tencent Cloud API 3.0: the TC3-HMAC-SHA256 signature, the envelope and its error codes.
//!
//! **Source**: the pages "Signature Method v3", "Returned Results" and "Error Codes" of API 3.0.

mod code;
mod endpoint;
mod envelope;
mod exchange;
#[cfg(test)]
mod outage;
mod request;
mod sign;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, METADATA};

use super::breaker::Breakers;
use super::call::Call;
use super::limit::{Limiter, Rate};
use super::retry::Quota;
use super::skew::Skew;
use super::{Error, Http, Priority, SetupError};
use crate::credentials::Provider;
use crate::model::{Clock, Observer};
use endpoint::Endpoint;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// One action of one API version, as its document names it.
#[derive(Debug)]
pub struct Action {
    /// The product's prefix: host name and signing scope (`wedata`).
    pub service: &'static str,
    /// `X-TC-Version`.
    pub version: &'static str,
    /// `X-TC-Action`.
    pub name: &'static str,
    /// The documented limit, in requests per second.
    pub per_second: f64,
    /// What it is for, where [`at`](super::at) does not say otherwise.
    pub priority: Priority,
}

/// What an account's configuration says about its calls.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's name in the configuration.
    pub account: String,
    /// `https://{service}.tencentcloudapi.com`: `{service}` and `{region}` are filled in; a plain URL serves every
    /// service.
    pub endpoint: String,
    /// The share of each documented limit that may be used, above 0 and at most 1.
    pub budget: f64,
    /// One try, connect to last byte.
    pub timeout: Duration,
}

/// The client of one configured account. Everything that reads with the account shares it, and so its limits.
pub struct Client {
    line: Line,
    provider: Arc<dyn Provider>,
}

impl Client {
    /// A client that signs with the keys of `provider`. Connects to nobody yet.
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
        let mut line = Line::new(options, http, observer, clock)?;
        line.breakers = Some(Breakers::new(line.account.clone(), Arc::clone(&line.observer)));
        Ok(Self { line, provider })
    }

    /// Calls `action` in `region` and decodes what stands under `Response`.
    ///
    /// # Errors
    /// After the retries that its class allows: see [`Error`].
    ///
    /// # Cancel
    /// May be dropped at any await; a request under way is closed.
    pub async fn call<Q, A>(&self, action: &'static Action, region: &str, request: &Q) -> Result<A, Error>
    where
        Q: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        self.line.call(action, region, request, request::Signer::Provider(&*self.provider)).await
    }
}

/// Decodes the body of an answer as a call does: what stands under `Response`.
///
/// # Errors
/// Those of a call that was answered with this body and status 200.
pub(crate) fn decode<A: DeserializeOwned>(body: &[u8]) -> Result<A, Error> {
    envelope::read(200, None, body)
}

/// What the calls of one account share, whoever signs them.
struct Line {
    account: String,
    endpoint: Endpoint,
    budget: f64,
    timeout: Duration,
    http: Http,
    observer: Arc<dyn Observer>,
    limiter: Limiter,
    quota: Quota,
    /// None for what is asked once in a key's life.
    breakers: Option<Breakers>,
    skew: Skew,
}

impl Line {
    fn new(
        options: Options,
        http: Http,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let Options { account, endpoint, budget, timeout } = options;
        if !(budget > 0.0 && budget <= 1.0) {
            return Err(SetupError::new("budget", "not a share; write a number above 0 and at most 1"));
        }
        if timeout.is_zero() {
            return Err(SetupError::new("timeout", "no call can end in no time; write \"10s\""));
        }
        Ok(Self {
            endpoint: Endpoint::new(&http, endpoint)?,
            skew: Skew::new(account.clone(), clock),
            account,
            budget,
            timeout,
            http,
            observer,
            limiter: Limiter::default(),
            quota: Quota::default(),
            breakers: None,
        })
    }

    async fn call<Q, A>(
        &self,
        action: &'static Action,
        region: &str,
        request: &Q,
        signer: request::Signer<'_>,
    ) -> Result<A, Error>
    where
        Q: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        let body =
            serde_json::to_vec(request).map_err(|_| Error::Decode("a request that is no JSON".into()))?;
        let target = self.endpoint.target(action.service, region)?;
        let rate = Rate::of(action.per_second, self.budget);
        let bucket = self.limiter.bucket(action.service, action.name, &target.host, rate);
        let breaker = self.breakers.as_ref().map(|breakers| breakers.of(&target.host));
        let call = Call {
            account: &self.account,
            service: action.service,
            action: action.name,
            region,
            counted: action.name,
            bucket: &bucket,
            limiter: Some(&self.limiter),
            priority: action.priority.here(),
            breaker: breaker.as_deref(),
            quota: &self.quota,
            http: &self.http,
            observer: &*self.observer,
        };
        call.run(request::Post::new(self, action, region, target, body, signer)).await
    }
}
