//! The few calls this source makes, behind a trait so that its reading can be tried without a network.

use super::wire::{
    CommandPage, DESCRIBE_COMMANDS, DESCRIBE_INVOCATION_TASKS, DESCRIBE_INVOCATIONS, DescribeCommands,
    DescribeInvocationTasks, DescribeInvocations, InvocationPage, TaskPage,
};
use crate::model::BoxFuture;
use crate::transport::Error;
use crate::transport::tencent::Client;
use std::sync::Arc;

/// The API of one account in one region.
pub(super) trait Api: Send + Sync {
    /// One page of DescribeInvocations.
    fn invocations<'a>(
        &'a self,
        ask: &'a DescribeInvocations,
    ) -> BoxFuture<'a, Result<InvocationPage, Error>>;

    /// DescribeInvocationTasks by ids.
    fn tasks<'a>(&'a self, ask: &'a DescribeInvocationTasks) -> BoxFuture<'a, Result<TaskPage, Error>>;

    /// DescribeCommands by ids.
    fn commands<'a>(&'a self, ask: &'a DescribeCommands) -> BoxFuture<'a, Result<CommandPage, Error>>;
}

/// The API itself.
pub(super) struct Remote {
    /// The account's client.
    pub(super) client: Arc<Client>,
    /// `X-TC-Region`.
    pub(super) region: String,
}

impl Api for Remote {
    fn invocations<'a>(
        &'a self,
        ask: &'a DescribeInvocations,
    ) -> BoxFuture<'a, Result<InvocationPage, Error>> {
        Box::pin(self.client.call(&DESCRIBE_INVOCATIONS, &self.region, ask))
    }

    fn tasks<'a>(&'a self, ask: &'a DescribeInvocationTasks) -> BoxFuture<'a, Result<TaskPage, Error>> {
        Box::pin(self.client.call(&DESCRIBE_INVOCATION_TASKS, &self.region, ask))
    }

    fn commands<'a>(&'a self, ask: &'a DescribeCommands) -> BoxFuture<'a, Result<CommandPage, Error>> {
        Box::pin(self.client.call(&DESCRIBE_COMMANDS, &self.region, ask))
    }
}
