//! Keys that the configuration refers to.

use super::{CredentialsError, Origin, SecretRef, Triple};
use crate::model::BoxFuture;
use secrecy::ExposeSecret;

/// Keys given by reference, each to a variable or to a file.
pub(super) struct Given {
    pub(super) secret_id: SecretRef,
    pub(super) secret_key: SecretRef,
    pub(super) token: Option<SecretRef>,
}

impl Given {
    fn read(&self) -> Result<Triple, CredentialsError> {
        let read = |secret: &SecretRef| secret.read().map_err(|cause| self.unusable(cause));
        Ok(Triple {
            secret_id: read(&self.secret_id)?.expose_secret().to_owned(),
            secret_key: read(&self.secret_key)?,
            token: self.token.as_ref().map(read).transpose()?,
            expires: None,
        })
    }
}

impl Origin for Given {
    fn name(&self) -> &'static str {
        "configuration"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(async { self.read().map(Some) })
    }
}
