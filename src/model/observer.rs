//! Where transport tells what it did; the exporter's own metrics listen.

use super::{BreakerState, Timestamp};
use std::time::Duration;

/// One request that went out, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct ApiCall<'a> {
    /// The account's name in the configuration.
    pub account: &'a str,
    /// `wedata`, `tat`, `scf`, `sts`, `enos`.
    pub service: &'static str,
    /// The API's own name of the action.
    pub action: &'static str,
    /// The region, empty where there is none.
    pub region: &'a str,
    /// `ok`, the API's error code, `http_NNN`, `timeout`, `connect`, `decode` or `too_large`.
    pub code: &'a str,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

/// Listens to what goes out. Called often; must not block.
pub trait Observer: Send + Sync {
    /// A request ended.
    fn api_call(&self, call: ApiCall<'_>);
    /// A request waited this long for its turn.
    fn rate_limit_wait(&self, account: &str, service: &'static str, action: &'static str, waited: Duration);
    /// The rate a limiter allows from now on.
    fn rate_limit(&self, account: &str, service: &'static str, action: &'static str, per_second: f64);
    /// The breaker of an endpoint has changed; `None` where the endpoint is not used any more.
    fn breaker(&self, account: &str, host: &str, state: Option<BreakerState>);
    /// An answer told the API's time, and this machine's clock is so many seconds ahead of it.
    fn clock_skew(&self, account: &str, ahead: f64);
    /// Credentials were obtained that end at this time; `None` for ones that never do.
    fn credentials_expiry(&self, account: &str, expires: Option<Timestamp>);
}

/// An observer that listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn api_call(&self, _: ApiCall<'_>) {}
    fn rate_limit_wait(&self, _: &str, _: &'static str, _: &'static str, _: Duration) {}
    fn rate_limit(&self, _: &str, _: &'static str, _: &'static str, _: f64) {}
    fn breaker(&self, _: &str, _: &str, _: Option<BreakerState>) {}
    fn clock_skew(&self, _: &str, _: f64) {}
    fn credentials_expiry(&self, _: &str, _: Option<Timestamp>) {}
}
