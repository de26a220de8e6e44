//! Keys of an account: where they come from, and how they stay good.
//!
//! Id, key and token are always handed out as one [`Triple`]: a request signed with parts of two would be refused.
//! What needs the network asks an [`Exchange`]; transport brings one.

mod assume_role;
mod cached;
mod chain;
mod cvm_role;
mod environment;
mod exchange;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod given;
mod plan;
mod reference;
mod temporary;
mod tke_oidc;

pub use exchange::{Exchange, ExchangeError, StsAction};
pub use plan::{Choice, Plan, Role, VARIABLES};
pub use reference::SecretRef;

use crate::model::{BoxFuture, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Id, key and token that belong together.
#[derive(Clone)]
pub struct Triple {
    /// SecretId, or EnOS access key.
    pub secret_id: String,
    /// SecretKey.
    pub secret_key: SecretString,
    /// The token of temporary keys.
    pub token: Option<SecretString>,
    /// When temporary keys end; `None` for keys that never do.
    pub expires: Option<Timestamp>,
}

impl Triple {
    /// Whether a request signed with `other` would look the same.
    pub fn same_keys(&self, other: &Self) -> bool {
        let token = |triple: &Self| triple.token.as_ref().map(|t| t.expose_secret().to_owned());
        self.secret_id == other.secret_id
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
            && token(self) == token(other)
    }
}

impl fmt::Debug for Triple {
    /// Shows when it ends and nothing that could be used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Triple").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why there are no keys. Safe to show: holds no key and no answer's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No place had any.
    #[error("none found; looked at: {0}")]
    NotFound(String),
    /// A place has some, but they cannot be used.
    #[error("{origin}: {cause}")]
    Unusable {
        /// The place, as the configuration names it.
        origin: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// Hands out the keys of one account.
pub trait Provider: Send + Sync {
    /// Keys that are good now. Renews them ahead of their end; as long as the old ones are good a failed renewal
    /// is not an error.
    ///
    /// # Errors
    /// When there are none, or none that still work.
    fn get(&self) -> BoxFuture<'_, Result<Triple, CredentialsError>>;

    /// Says that the API refused the keys last handed out, so that the next call fetches new ones.
    fn invalidate(&self);
}

/// A place where keys may be found.
trait Origin: Send + Sync {
    /// The place, as the configuration names it.
    fn name(&self) -> &'static str;

    /// The keys it has now, `None` where it has none.
    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>>;

    /// An error about this place.
    fn unusable(&self, cause: impl Into<String>) -> CredentialsError
    where
        Self: Sized,
    {
        CredentialsError::Unusable { origin: self.name(), cause: cause.into() }
    }
}
