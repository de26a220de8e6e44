//! What credentials ask of the metadata service and STS.

use super::request::Signer;
use super::{Action, Line, Options};
use crate::credentials::{self, ExchangeError, StsAction, Triple};
use crate::model::{BoxFuture, Clock, Observer};
use crate::transport::http::Request;
use crate::transport::{Error, Http, Priority, SetupError, address, status};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The metadata service of every virtual machine. Plain http: it answers from the machine's own host.
pub const METADATA: &str = "http://metadata.tencentyun.com";
/// Away from the cloud its name does not resolve, or leads nowhere.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);

static ASSUME_ROLE: Action = action("AssumeRole", 600.0);
/// Its limit is not documented; once per renewal is far below any.
static ASSUME_ROLE_WITH_WEB_IDENTITY: Action = action("AssumeRoleWithWebIdentity", 20.0);

const fn action(name: &'static str, per_second: f64) -> Action {
    Action { service: "sts", version: "2018-08-13", name, per_second, priority: Priority::Current }
}

/// Asks for the keys of one account.
pub struct Exchange {
    line: Line,
    metadata: Url,
}

impl Exchange {
    /// With the endpoint template of the account, in which `sts` is filled in, and the address of the metadata service
    /// ([`METADATA`]). Connects to nobody yet.
    ///
    /// # Errors
    /// What to change in the account's configuration.
    pub fn new(
        options: Options,
        metadata: &str,
        http: Http,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let metadata = match Url::parse(metadata) {
            Ok(url) if metadata == METADATA => url,
            _ => address::parse("metadata", metadata)?,
        };
        Ok(Self { line: Line::new(options, http, observer, clock)?, metadata })
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut url = self.metadata.clone();
        url.set_path(path);
        let deadline = METADATA_TIMEOUT;
        let request =
            Request { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new(), deadline };
        let answer = self.line.http.send(request).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(status::error(status, None)),
        }
    }
}

impl credentials::Exchange for Exchange {
    fn metadata<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ExchangeError>> {
        Box::pin(async move { self.read(path).await.map_err(|error| ExchangeError(error.to_string())) })
    }

    fn sts<'a>(
        &'a self,
        action: StsAction,
        region: &'a str,
        request: &'a Value,
        signed_by: Option<&'a Triple>,
    ) -> BoxFuture<'a, Result<Value, ExchangeError>> {
        let action = match action {
            StsAction::AssumeRole => &ASSUME_ROLE,
            StsAction::AssumeRoleWithWebIdentity => &ASSUME_ROLE_WITH_WEB_IDENTITY,
        };
        let signer = signed_by.map_or(Signer::Nobody, Signer::Keys);
        Box::pin(async move {
            let called = self.line.call(action, region, request, signer).await;
            called.map_err(|error| ExchangeError(error.to_string()))
        })
    }
}
