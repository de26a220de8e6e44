//! Envision EnOS: the token service, the request signature, the envelope and its error codes.

use super::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The only operations that are ever called: on this API a deletion is a GET that differs by one query value,
/// so nothing from outside may choose path or action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `GET /taskInstances?action=get`.
    TaskInstanceGet,
    /// `POST /flowInstances?action=search`.
    FlowInstanceSearch,
    /// `GET /flowInstances?action=get`.
    FlowInstanceGet,
    /// `GET /time?action=getTimeZone`.
    TimeZone,
}

/// The client of one configured account. It adds `orgId` and `userId` to every query that needs them.
pub struct Client {}

impl Client {
    /// The organisation that the account reads.
    pub fn org_id(&self) -> &str {
        ""
    }

    /// Calls `operation` with the query keys it needs beside `action`, `orgId` and `userId`, and the body where it
    /// is a POST; decodes what stands under `data`.
    ///
    /// # Errors
    /// After the retries that its class allows: see [`Error`].
    pub async fn call<Q, A>(
        &self,
        operation: Operation,
        query: &[(&'static str, &str)],
        body: Option<&Q>,
    ) -> Result<A, Error>
    where
        Q: Serialize + Sync + ?Sized,
        A: DeserializeOwned,
    {
        let _ = (operation, query, body);
        Err(Error::Decode("not built yet".into()))
    }
}
