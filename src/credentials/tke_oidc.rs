//! Keys for the service account of a pod in TKE.

use super::{CredentialsError, Exchange, Origin, SecretRef, StsAction, Triple, temporary};
use crate::model::BoxFuture;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const REGION: &str = "TKE_REGION";
pub(super) const PROVIDER: &str = "TKE_PROVIDER_ID";
pub(super) const TOKEN_FILE: &str = "TKE_WEB_IDENTITY_TOKEN_FILE";
pub(super) const ROLE: &str = "TKE_ROLE_ARN";

/// What TKE sets for the pod: region, provider, token file, role. The token is read anew each time, because it is
/// rotated.
///
/// **Source**: `OIDCRoleArnCredential` of the Python SDK.
pub(super) struct TkeOidc {
    exchange: Arc<dyn Exchange>,
    pod: Result<Option<Pod>, String>,
}

#[derive(Clone)]
struct Pod {
    region: String,
    provider: String,
    token: SecretRef,
    role: String,
}

impl TkeOidc {
    pub(super) fn new(variables: &BTreeMap<String, String>, exchange: Arc<dyn Exchange>) -> Self {
        let names = [REGION, PROVIDER, TOKEN_FILE, ROLE];
        let set = names.map(|name| variables.get(name).filter(|v| !v.is_empty()).cloned());
        let pod = match set {
            [Some(region), Some(provider), Some(file), Some(role)] => {
                Ok(Some(Pod { region, provider, token: SecretRef::File(file.into()), role }))
            }
            [None, None, None, None] => Ok(None),
            some => {
                let missing: Vec<_> =
                    names.iter().zip(&some).filter(|(_, v)| v.is_none()).map(|(n, _)| *n).collect();
                Err(format!("{} not set", missing.join(", ")))
            }
        };
        Self { exchange, pod }
    }

    async fn ask(&self) -> Result<Option<Triple>, CredentialsError> {
        let Some(pod) = self.pod.clone().map_err(|cause| self.unusable(cause))? else { return Ok(None) };
        let token = pod.token.read().map_err(|cause| self.unusable(cause))?;
        let request = json!({
            "ProviderId": pod.provider,
            "WebIdentityToken": token.expose_secret(),
            "RoleArn": pod.role,
            "RoleSessionName": "taskrun-exporter",
            "DurationSeconds": 7200,
        });
        let action = StsAction::AssumeRoleWithWebIdentity;
        let answer = self
            .exchange
            .sts(action, &pod.region, &request, None)
            .await
            .map_err(|e| self.unusable(format!("STS AssumeRoleWithWebIdentity: {e}")))?;
        match temporary::read(answer.get("Credentials").unwrap_or(&answer), &answer) {
            Some(triple) => Ok(Some(triple)),
            None => Err(self.unusable("STS AssumeRoleWithWebIdentity: the answer holds no usable keys")),
        }
    }
}

impl Origin for TkeOidc {
    fn name(&self) -> &'static str {
        "tke-oidc"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(self.ask())
    }
}
