//! The zone that the server writes its times in.

use super::api::{Api, ZONE};
use crate::model::Zone;
use crate::sources::{PollError, during};
use crate::transport::Error;
use std::sync::{Mutex, PoisonError};

/// The configured zone, or the server's, once it was asked for.
pub(super) struct ServerZone {
    known: Mutex<Option<Zone>>,
}

impl ServerZone {
    /// `None` is asked for.
    pub(super) fn new(configured: Option<Zone>) -> Self {
        Self { known: Mutex::new(configured) }
    }

    /// The zone. Asked for once; a server that does not tell is taken to write China's, with one warning.
    ///
    /// # Errors
    /// When the server cannot be asked: taking another zone for that alone would move every time for ever.
    pub(super) async fn get(&self, api: &dyn Api, source: &str) -> Result<Zone, PollError> {
        if let Some(zone) = *self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(zone);
        }
        let told = match api.zone().await {
            Ok(answer) => answer.into_one().and_then(|told| Zone::parse(told.timezone.text())),
            Err(Error::Rejected { .. } | Error::Decode(_)) => None,
            Err(error) => return Err(during(ZONE)(error)),
        };
        if told.is_none() {
            tracing::warn!(
                source.name = source,
                "EnOS does not tell its time zone; its times are read as +08:00. Set time_zone if they are not"
            );
        }
        let zone = told.unwrap_or_else(Zone::east8);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(zone);
        Ok(zone)
    }
}
