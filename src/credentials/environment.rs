//! Keys in the environment.

use super::{CredentialsError, Origin, Triple};
use crate::model::BoxFuture;
use std::collections::BTreeMap;

/// `TENCENTCLOUD_SECRET_ID`, `TENCENTCLOUD_SECRET_KEY` and, for temporary keys, `TENCENTCLOUD_TOKEN`.
///
/// **Source**: the SDKs read the first two, the official command line client the third as well.
pub(super) struct Environment {
    found: Result<Option<Triple>, &'static str>,
}

pub(super) const ID: &str = "TENCENTCLOUD_SECRET_ID";
pub(super) const KEY: &str = "TENCENTCLOUD_SECRET_KEY";
pub(super) const TOKEN: &str = "TENCENTCLOUD_TOKEN";

impl Environment {
    /// From the variables that config read at start; the environment of a process does not change.
    pub(super) fn new(variables: &BTreeMap<String, String>) -> Self {
        let set = |name: &str| variables.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let found = match (set(ID), set(KEY)) {
            (Some(id), Some(key)) => Ok(Some(Triple {
                secret_id: id.to_owned(),
                secret_key: key.into(),
                token: set(TOKEN).map(Into::into),
                expires: None,
            })),
            (None, None) => Ok(None),
            (Some(_), None) => Err("TENCENTCLOUD_SECRET_ID is set but TENCENTCLOUD_SECRET_KEY is not"),
            (None, Some(_)) => Err("TENCENTCLOUD_SECRET_KEY is set but TENCENTCLOUD_SECRET_ID is not"),
        };
        Self { found }
    }
}

impl Origin for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(async { self.found.clone().map_err(|cause| self.unusable(cause)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_a_pair_is_named_and_nothing_is_nothing() {
        let of = |pairs: &[(&str, &str)]| {
            Environment::new(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert!(of(&[]).fetch().await.unwrap().is_none());
        assert!(of(&[(ID, " "), (KEY, "")]).fetch().await.unwrap().is_none());
        let error = of(&[(ID, "a")]).fetch().await.unwrap_err().to_string();
        assert!(error.contains("TENCENTCLOUD_SECRET_KEY is not"), "{error}");
        let triple = of(&[(ID, "a"), (KEY, "b"), (TOKEN, "c")]).fetch().await.unwrap().unwrap();
        assert!(triple.token.is_some() && triple.expires.is_none() && triple.secret_id == "a");
    }
}
