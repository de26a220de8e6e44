//! Keys of a role that other keys may take on.

use super::{CredentialsError, Exchange, Origin, Role, StsAction, Triple, temporary};
use crate::model::BoxFuture;
use serde_json::json;
use std::sync::Arc;

/// The region STS is asked in; roles are global, and this is what the SDKs use.
const REGION: &str = "ap-guangzhou";

/// A role, taken on with the keys of another place.
pub(super) struct AssumeRole {
    pub(super) base: Box<dyn Origin>,
    pub(super) role: Role,
    pub(super) exchange: Arc<dyn Exchange>,
}

impl AssumeRole {
    async fn ask(&self) -> Result<Option<Triple>, CredentialsError> {
        let Some(base) = self.base.fetch().await? else { return Ok(None) };
        let mut request = json!({
            "RoleArn": self.role.role_arn,
            "RoleSessionName": self.role.session_name,
            "DurationSeconds": self.role.duration.as_secs(),
        });
        if let Some(id) = self.role.external_id.as_deref().filter(|id| !id.is_empty()) {
            request["ExternalId"] = json!(id);
        }
        let answer =
            self.exchange.sts(StsAction::AssumeRole, REGION, &request, Some(&base)).await.map_err(|e| {
                self.unusable(format!("STS AssumeRole with keys of {}: {e}", self.base.name()))
            })?;
        match temporary::read(answer.get("Credentials").unwrap_or(&answer), &answer) {
            Some(triple) => Ok(Some(triple)),
            None => Err(self.unusable("STS AssumeRole: the answer holds no usable keys")),
        }
    }
}

impl Origin for AssumeRole {
    fn name(&self) -> &'static str {
        "assume_role"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(self.ask())
    }
}
