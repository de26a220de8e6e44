//! The few calls this source makes, behind a trait so that its reading can be tried without a network.

use super::wire::{
    DESCRIBE_TENANT_PROJECTS, DescribeTenantProjects, Envelope, GET_INSTANCE_LOG, GET_TASK_INSTANCE,
    GetInstanceLog, GetTaskInstance, Instance, InstancePage, LIST_INSTANCES, ListInstances, LogPage,
    ProjectPage,
};
use crate::model::BoxFuture;
use crate::sources::lenient::{Field, Shape};
use crate::transport::Error;
use crate::transport::tencent::{Action, Client};
use serde::Serialize;
use std::sync::Arc;

/// The API of one account in one region.
pub(super) trait Api: Send + Sync {
    /// One page of ListInstances.
    fn list<'a>(&'a self, request: &'a ListInstances) -> BoxFuture<'a, Result<InstancePage, Error>>;

    /// GetTaskInstance; `None` where the API has no such instance.
    fn instance<'a>(
        &'a self,
        request: &'a GetTaskInstance<'a>,
    ) -> BoxFuture<'a, Result<Option<Instance>, Error>>;

    /// One page of GetInstanceLog; `None` where there is no log.
    fn log<'a>(&'a self, request: &'a GetInstanceLog<'a>) -> BoxFuture<'a, Result<Option<LogPage>, Error>>;

    /// One page of DescribeTenantProjects.
    fn projects<'a>(
        &'a self,
        request: &'a DescribeTenantProjects,
    ) -> BoxFuture<'a, Result<ProjectPage, Error>>;
}

/// The API itself.
pub(super) struct Remote {
    /// The account's client.
    pub(super) client: Arc<Client>,
    /// `X-TC-Region`.
    pub(super) region: String,
}

impl Remote {
    async fn call<Q: Serialize + Sync, T: Shape + Send>(
        &self,
        action: &'static Action,
        request: &Q,
    ) -> Result<Option<T>, Error> {
        let answer: Envelope<T> = self.client.call(action, &self.region, request).await?;
        match answer.data {
            Field::Value(data) => Ok(Some(data)),
            Field::Absent => Ok(None),
            Field::Malformed => Err(Error::Decode(format!("Data of {} is no object", action.name))),
        }
    }
}

impl Api for Remote {
    fn list<'a>(&'a self, request: &'a ListInstances) -> BoxFuture<'a, Result<InstancePage, Error>> {
        Box::pin(async move { whole(self.call(&LIST_INSTANCES, request).await?) })
    }

    fn instance<'a>(
        &'a self,
        request: &'a GetTaskInstance<'a>,
    ) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(self.call(&GET_TASK_INSTANCE, request))
    }

    fn log<'a>(&'a self, request: &'a GetInstanceLog<'a>) -> BoxFuture<'a, Result<Option<LogPage>, Error>> {
        Box::pin(self.call(&GET_INSTANCE_LOG, request))
    }

    fn projects<'a>(
        &'a self,
        request: &'a DescribeTenantProjects,
    ) -> BoxFuture<'a, Result<ProjectPage, Error>> {
        Box::pin(async move { whole(self.call(&DESCRIBE_TENANT_PROJECTS, request).await?) })
    }
}

/// A listing must say something: taking a missing one for an empty one would move the watermark past what it holds.
fn whole<T>(data: Option<T>) -> Result<T, Error> {
    data.ok_or_else(|| Error::Decode("an answer without Data".into()))
}
