//! What credentials need from the network.

use super::Triple;
use crate::model::BoxFuture;

/// Asks the metadata service and STS. Implemented by transport, which alone opens sockets.
pub trait Exchange: Send + Sync {
    /// Reads a path of the instance metadata service; `None` where it answers 404.
    ///
    /// # Errors
    /// When it cannot be reached or answers anything else but 200.
    fn metadata<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ExchangeError>>;

    /// Calls an action of STS (version 2018-08-13), signed with `signed_by`, or unsigned where that is `None`;
    /// gives what stands under `Response`.
    ///
    /// # Errors
    /// When STS cannot be reached or refuses.
    fn sts<'a>(
        &'a self,
        action: StsAction,
        region: &'a str,
        request: &'a serde_json::Value,
        signed_by: Option<&'a Triple>,
    ) -> BoxFuture<'a, Result<serde_json::Value, ExchangeError>>;
}

/// The actions of STS that give keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StsAction {
    /// For a caller that has keys already.
    AssumeRole,
    /// For a caller that has an OIDC token.
    AssumeRoleWithWebIdentity,
}

/// Why the network gave no keys. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExchangeError(pub String);
