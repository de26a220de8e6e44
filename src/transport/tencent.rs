//! Tencent Cloud API 3.0: the TC3-HMAC-SHA256 signature, the envelope and its error codes.

use super::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
}

/// The client of one configured account.
pub struct Client {}

impl Client {
    /// Calls `action` in `region` and decodes what stands under `Response`.
    ///
    /// # Errors
    /// After the retries that its class allows: see [`Error`].
    pub async fn call<Q, A>(&self, action: &'static Action, region: &str, request: &Q) -> Result<A, Error>
    where
        Q: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        let _ = (action, region, request);
        Err(Error::Decode("not built yet".into()))
    }
}
