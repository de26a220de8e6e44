//! The API as a script, for tests.

use super::api::Api;
use super::wire::{
    CommandPage, DescribeCommands, DescribeInvocationTasks, DescribeInvocations, InvocationPage, TaskPage,
};
use crate::model::{BoxFuture, Timestamp};
use crate::transport::Error;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

/// Invocations in the order in which they are listed, tasks and names by id, errors by action, and every call.
#[derive(Default)]
pub(super) struct Script(Mutex<Inner>);

#[derive(Default)]
pub(super) struct Inner {
    pub(super) invocations: Vec<Value>,
    pub(super) tasks: BTreeMap<String, Value>,
    pub(super) commands: HashMap<String, String>,
    pub(super) errors: HashMap<&'static str, Error>,
    /// The error of pages from an offset on.
    pub(super) failing: Option<(usize, Error)>,
    /// Pages from this offset on are never answered.
    pub(super) hanging: Option<usize>,
    /// Invocations that come first in the list after so many pages.
    pub(super) joining: Vec<(usize, Value)>,
    /// Ids of invocations that leave the list after so many pages.
    pub(super) leaving: Vec<(usize, String)>,
    /// Every call: action and how much it asks for.
    pub(super) calls: Vec<String>,
    pages: usize,
}

impl Script {
    pub(super) fn set(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Every call since the last question.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.set().calls)
    }
}

impl Inner {
    fn begin(&mut self, action: &'static str, what: String) -> Result<(), Error> {
        self.calls.push(format!("{action} {what}"));
        self.errors.get(action).cloned().map_or(Ok(()), Err)
    }

    fn invocations(&mut self, ask: &DescribeInvocations) -> Result<InvocationPage, Error> {
        let ids = &ask.invocation_ids;
        assert!(ids.is_empty() || ask.filters.is_empty(), "ids and filters exclude each other");
        let what = if ids.is_empty() { ask.offset.to_string() } else { ids.join(",") };
        self.begin("DescribeInvocations", what)?;
        if let Some((_, error)) =
            self.failing.as_ref().filter(|(from, _)| ids.is_empty() && ask.offset >= *from)
        {
            return Err(error.clone());
        }
        self.pages += 1;
        for (_, row) in self.joining.extract_if(.., |(pages, _)| *pages < self.pages) {
            self.invocations.insert(0, row);
        }
        for (_, id) in self.leaving.extract_if(.., |(pages, _)| *pages < self.pages) {
            self.invocations.retain(|row| row["InvocationId"] != id);
        }
        let asked = |row: &&Value| ids.is_empty() || ids.iter().any(|id| row["InvocationId"] == **id);
        let all: Vec<&Value> = self.invocations.iter().filter(asked).collect();
        let page: Vec<&&Value> = all.iter().skip(ask.offset).take(ask.limit).collect();
        Ok(read(json!({ "TotalCount": all.len(), "InvocationSet": page })))
    }
}

fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Api for Script {
    fn invocations<'a>(
        &'a self,
        ask: &'a DescribeInvocations,
    ) -> BoxFuture<'a, Result<InvocationPage, Error>> {
        let mut inner = self.set();
        if inner.hanging.is_some_and(|from| ask.invocation_ids.is_empty() && ask.offset >= from) {
            return Box::pin(std::future::pending());
        }
        ready(inner.invocations(ask))
    }

    fn tasks<'a>(&'a self, ask: &'a DescribeInvocationTasks) -> BoxFuture<'a, Result<TaskPage, Error>> {
        assert!(ask.hide_output && ask.invocation_task_ids.len() <= ask.limit);
        let mut inner = self.set();
        let begun = inner.begin("DescribeInvocationTasks", ask.invocation_task_ids.len().to_string());
        let rows: Vec<&Value> = ask.invocation_task_ids.iter().filter_map(|id| inner.tasks.get(id)).collect();
        let page = read(json!({ "InvocationTaskSet": rows }));
        ready(begun.map(|()| page))
    }

    fn commands<'a>(&'a self, ask: &'a DescribeCommands) -> BoxFuture<'a, Result<CommandPage, Error>> {
        let mut inner = self.set();
        let begun = inner.begin("DescribeCommands", ask.command_ids.join(","));
        let known = ask.command_ids.iter().filter_map(|id| Some((id, inner.commands.get(id)?)));
        let rows: Vec<Value> =
            known.map(|(id, name)| json!({ "CommandId": id, "CommandName": name })).collect();
        let page = read(json!({ "CommandSet": rows }));
        ready(begun.map(|()| page))
    }
}

/// 2024-01-02 00:00:00 and so many seconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_704_153_600 + seconds)
}

fn text(at: Timestamp) -> String {
    at.to_string()
}

/// An invocation of `cmd-1` over one machine, created at `at(created)`.
pub(super) fn invocation(id: &str, created: i64, status: &str) -> Value {
    let done = !["PENDING", "DELIVERING", "RUNNING"].contains(&status);
    let end = done.then(|| text(at(created + 20)));
    json!({
        "InvocationId": format!("inv-{id}"), "CommandId": "cmd-1", "CommandType": "SHELL",
        "InvocationStatus": if done { "SUCCESS" } else { "RUNNING" },
        "CommandContent": "cm0gLXJmIC8=", "CreatedTime": text(at(created)), "StartTime": text(at(created)),
        "EndTime": end, "UpdatedTime": text(at(created + 20)),
        "InvocationTaskBasicInfoSet":
            [{ "InvocationTaskId": format!("invt-{id}"), "TaskStatus": status, "InstanceId": "ins-1" }],
    })
}

/// The task of [`invocation`], ended after 12 seconds of command.
pub(super) fn task(id: &str, created: i64, status: &str) -> Value {
    json!({
        "InvocationTaskId": format!("invt-{id}"), "TaskStatus": status, "InstanceId": "ins-1",
        "CreatedTime": text(at(created)), "StartTime": text(at(created + 2)), "EndTime": text(at(created + 20)),
        "TaskResult": { "ExitCode": 3, "Output": "c2VjcmV0",
            "ExecStartTime": text(at(created + 5)), "ExecEndTime": text(at(created + 17)) },
    })
}
