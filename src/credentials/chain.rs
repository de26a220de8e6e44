//! The first of several places that has keys.

use super::{CredentialsError, Origin, Triple};
use crate::model::BoxFuture;
use std::sync::OnceLock;

/// Places, asked in order until one has keys; from then on that one alone.
///
/// A file that is away for the moment in which it is replaced must not make the exporter somebody else, nor send every
/// call to a metadata service that is not there.
pub(super) struct Chain {
    places: Vec<Box<dyn Origin>>,
    settled: OnceLock<usize>,
}

impl Chain {
    pub(super) fn new(places: Vec<Box<dyn Origin>>) -> Self {
        Self { places, settled: OnceLock::new() }
    }

    /// A place that is broken ends the search only when it is the user's own (environment, file): those were meant,
    /// and other keys in their stead would be a surprise. A metadata service out of reach only means that this is
    /// no CVM.
    async fn ask(&self) -> Result<Option<Triple>, CredentialsError> {
        if let Some(place) = self.settled.get().and_then(|at| self.places.get(*at)) {
            let gone = "the keys that were there are gone; put them back, or restart to look elsewhere";
            return match place.fetch().await? {
                Some(triple) => Ok(Some(triple)),
                None => Err(CredentialsError::Unusable { origin: place.name(), cause: gone.into() }),
            };
        }
        let mut seen = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            match place.fetch().await {
                Ok(Some(triple)) => {
                    self.settled.get_or_init(|| at);
                    return Ok(Some(triple));
                }
                Ok(None) => seen.push(format!("{} (nothing there)", place.name())),
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
