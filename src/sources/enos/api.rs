//! The four reading calls that this kind makes. There is no way from here to any other.

use super::wire::{FlowInstance, Found, SearchRequest, ServerZone, Single, TaskInstance};
use crate::model::BoxFuture;
use crate::transport::Error;
use crate::transport::enos::{Client, Operation};
use std::sync::Arc;

/// Names of the calls in messages, as metrics spell them.
pub(super) const SEARCH: &str = Operation::FlowInstanceSearch.name();
pub(super) const FLOW: &str = Operation::FlowInstanceGet.name();
pub(super) const TASK: &str = Operation::TaskInstanceGet.name();
pub(super) const ZONE: &str = Operation::TimeZone.name();

/// The calls; tests bring scripted answers.
pub(super) trait Api: Send + Sync {
    /// One page of flow runs.
    fn search<'a>(&'a self, request: &'a SearchRequest) -> BoxFuture<'a, Result<Single<Found>, Error>>;
    /// One flow run with the status of each of its tasks.
    fn flow<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<FlowInstance>, Error>>;
    /// One task run.
    fn task<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<TaskInstance>, Error>>;
    /// The zone of the texts.
    fn zone(&self) -> BoxFuture<'_, Result<Single<ServerZone>, Error>>;
}

impl Api for Arc<Client> {
    fn search<'a>(&'a self, request: &'a SearchRequest) -> BoxFuture<'a, Result<Single<Found>, Error>> {
        Box::pin(self.call(Operation::FlowInstanceSearch, &[], Some(request)))
    }

    fn flow<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<FlowInstance>, Error>> {
        Box::pin(async move {
            self.call(Operation::FlowInstanceGet, &[("flowInstId", id)], None::<&SearchRequest>).await
        })
    }

    fn task<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<TaskInstance>, Error>> {
        Box::pin(async move {
            self.call(Operation::TaskInstanceGet, &[("taskInstId", id)], None::<&SearchRequest>).await
        })
    }

    fn zone(&self) -> BoxFuture<'_, Result<Single<ServerZone>, Error>> {
        Box::pin(self.call(Operation::TimeZone, &[], None::<&SearchRequest>))
    }
}
