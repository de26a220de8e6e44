//! The three calls that this kind makes.

use super::wire::{
    FunctionsAnswer, FunctionsRequest, GET_FUNCTION_LOGS, LIST_FUNCTIONS, LIST_NAMESPACES, LogsAnswer,
    LogsRequest, NamespacesAnswer, NamespacesRequest,
};
use crate::model::BoxFuture;
use crate::transport::{Error, tencent};
use std::sync::Arc;

/// The calls; tests bring scripted answers.
pub(super) trait Api: Send + Sync {
    /// `GetFunctionLogs`.
    fn logs<'a>(&'a self, request: &'a LogsRequest) -> BoxFuture<'a, Result<LogsAnswer, Error>>;
    /// `ListFunctions`.
    fn functions<'a>(
        &'a self,
        request: &'a FunctionsRequest,
    ) -> BoxFuture<'a, Result<FunctionsAnswer, Error>>;
    /// `ListNamespaces`.
    fn namespaces<'a>(
        &'a self,
        request: &'a NamespacesRequest,
    ) -> BoxFuture<'a, Result<NamespacesAnswer, Error>>;
}

/// The account's client, in one region.
pub(super) struct Region {
    pub(super) client: Arc<tencent::Client>,
    pub(super) name: String,
}

impl Api for Region {
    fn logs<'a>(&'a self, request: &'a LogsRequest) -> BoxFuture<'a, Result<LogsAnswer, Error>> {
        Box::pin(self.client.call(&GET_FUNCTION_LOGS, &self.name, request))
    }

    fn functions<'a>(
        &'a self,
        request: &'a FunctionsRequest,
    ) -> BoxFuture<'a, Result<FunctionsAnswer, Error>> {
        Box::pin(self.client.call(&LIST_FUNCTIONS, &self.name, request))
    }

    fn namespaces<'a>(
        &'a self,
        request: &'a NamespacesRequest,
    ) -> BoxFuture<'a, Result<NamespacesAnswer, Error>> {
        Box::pin(self.client.call(&LIST_NAMESPACES, &self.name, request))
    }
}
