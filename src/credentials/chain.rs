//! The first of several places that has keys.

use super::{CredentialsError, Origin, Triple};
use crate::model::BoxFuture;

/// Places, asked in order.
pub(super) struct Chain(pub(super) Vec<Box<dyn Origin>>);

impl Chain {
    /// A place that is broken ends the search only when it is the user's own (environment, file): those were meant,
    /// and other keys in their stead would be a surprise. A metadata service out of reach only means that this is
    /// no CVM.
    async fn ask(&self) -> Result<Option<Triple>, CredentialsError> {
        let mut seen = Vec::new();
        for origin in &self.0 {
            match origin.fetch().await {
                Ok(Some(triple)) => return Ok(Some(triple)),
                Ok(None) => seen.push(format!("{} (nothing there)", origin.name())),
                Err(CredentialsError::Unusable { origin: "cvm-role", cause }) => {
                    seen.push(format!("cvm-role ({cause})"));
                }
                Err(error) => return Err(error),
            }
        }
        Err(CredentialsError::NotFound(seen.join(", ")))
    }
}

impl Origin for Chain {
    fn name(&self) -> &'static str {
        "default"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(self.ask())
    }
}
