//! Keys of the role that is bound to the virtual machine.

use super::{CredentialsError, Exchange, Origin, Triple, temporary};
use crate::model::BoxFuture;
use serde_json::Value;
use std::sync::Arc;

/// Where the metadata service lists the role, and below its name the keys.
const PATH: &str = "latest/meta-data/cam/security-credentials/";

/// The role of this CVM, asked of the metadata service.
pub(super) struct CvmRole {
    exchange: Arc<dyn Exchange>,
}

impl CvmRole {
    pub(super) fn new(exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange }
    }

    async fn ask(&self) -> Result<Option<Triple>, CredentialsError> {
        let ask = async |path: &str| {
            self.exchange.metadata(path).await.map_err(|e| self.unusable(format!("metadata service: {e}")))
        };
        let Some(name) = ask(PATH).await? else { return Ok(None) };
        // It becomes a part of a path: a captive portal's page must not.
        let role = std::str::from_utf8(&name).map(str::trim).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        if role.is_empty() || role.len() > 128 || !role.chars().all(plain) {
            return Err(self.unusable("metadata service: the answer is no role name"));
        }
        let Some(body) = ask(&format!("{PATH}{role}")).await? else {
            return Err(self.unusable("metadata service: it names a role but has no keys for it"));
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let good = body.get("Code").is_none_or(|code| code == "Success");
        match temporary::read(&body, &body).filter(|_| good) {
            Some(triple) => Ok(Some(triple)),
            None => Err(self.unusable("metadata service: the answer holds no usable keys")),
        }
    }
}

impl Origin for CvmRole {
    fn name(&self) -> &'static str {
        "cvm-role"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(self.ask())
    }
}
