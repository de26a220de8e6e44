//! The API as a script, for tests.

use super::api::Api;
use super::listing::MAX_ROWS;
use super::wire::{
    DescribeTenantProjects, GetInstanceLog, GetTaskInstance, Instance, InstancePage, ListInstances, LogPage,
    ProjectPage,
};
use crate::model::BoxFuture;
use crate::transport::Error;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Rows to list, details and logs by key, errors by action or key, and every call that was made.
#[derive(Default)]
pub(super) struct Script(Mutex<Inner>);

#[derive(Default)]
pub(super) struct Inner {
    /// Rows of ListInstances.
    pub(super) rows: Vec<Value>,
    /// Answers of GetTaskInstance.
    pub(super) details: HashMap<String, Value>,
    /// Pages of logs, by key.
    pub(super) logs: HashMap<String, Vec<Value>>,
    /// Pages of projects.
    pub(super) projects: Vec<Value>,
    /// Errors by action, or by action and key (`GetTaskInstance 1_…`).
    pub(super) errors: HashMap<String, Error>,
    /// Rows that join the list after so many pages.
    pub(super) joining: Vec<(usize, Value)>,
    /// Names of tasks whose rows leave the list after so many pages.
    pub(super) leaving: Vec<(usize, &'static str)>,
    /// A total that is told instead of the true one.
    pub(super) total: Option<u64>,
    /// So many rows at once stand for as many as one reading takes: more of them claim a total beyond that, and no
    /// others are shown.
    pub(super) fitting: Option<usize>,
    /// The error of listings of what changed before this time.
    pub(super) failing_before: Option<(String, Error)>,
    /// How long ListInstances takes.
    pub(super) slow_list: Duration,
    /// How long GetTaskInstance takes.
    pub(super) slow: Duration,
    /// Every call: action and what it asks for.
    pub(super) calls: Vec<String>,
    pages: usize,
}

impl Script {
    pub(super) fn set(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Calls of `action` since the last question.
    pub(super) fn calls(&self, action: &str) -> Vec<String> {
        let mut inner = self.set();
        let (asked, rest) =
            std::mem::take(&mut inner.calls).into_iter().partition(|call| call.starts_with(action));
        inner.calls = rest;
        asked
    }
}

impl Inner {
    fn begin(&mut self, action: &str, what: &str) -> Result<(), Error> {
        let call = format!("{action} {what}");
        let error = self.errors.get(action).or_else(|| self.errors.get(&call)).cloned();
        self.calls.push(call);
        error.map_or(Ok(()), Err)
    }

    fn list(&mut self, request: &ListInstances) -> Result<InstancePage, Error> {
        let states: Vec<i64> = request.instance_state_list.unwrap_or(&[]).to_vec();
        self.begin("ListInstances", &format!("{} {states:?}", request.page_number))?;
        if let Some((before, error)) = &self.failing_before
            && request.last_update_time_to.as_ref().is_some_and(|to| to <= before)
        {
            return Err(error.clone());
        }
        self.pages += 1;
        let due: Vec<Value> =
            self.joining.extract_if(.., |(pages, _)| *pages < self.pages).map(|(_, row)| row).collect();
        self.rows.extend(due);
        let gone: Vec<&str> =
            self.leaving.extract_if(.., |(pages, _)| *pages < self.pages).map(|(_, task)| task).collect();
        self.rows.retain(|row| !gone.iter().any(|task| row["TaskName"] == **task));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
        let mut rows: Vec<&Value> = self
            .rows
            .iter()
            .filter(|row| states.is_empty() || states.contains(&row["InstanceState"].as_i64().unwrap_or(-1)))
            .filter(|row| {
                request.last_update_time_from.as_ref().is_none_or(|from| text(row, "LastUpdateTime") >= *from)
            })
            .filter(|row| {
                request.last_update_time_to.as_ref().is_none_or(|to| text(row, "LastUpdateTime") <= *to)
            })
            .collect();
        rows.sort_by_key(|row| text(row, "SchedulerTime"));
        let too_many = self.fitting.filter(|fitting| rows.len() > *fitting).map(|_| MAX_ROWS + 1);
        let total = self.total.or(too_many).unwrap_or(rows.len() as u64);
        let skip = usize::try_from((request.page_number - 1) * request.page_size).unwrap();
        let size = usize::try_from(request.page_size).unwrap();
        let shown = if too_many.is_some() { self.fitting.unwrap_or(size) } else { size };
        let page: Vec<&Value> = rows.into_iter().skip(skip).take(size.min(shown)).collect();
        Ok(read(json!({ "TotalCount": total, "PageCount": page.len(), "Items": page })))
    }

    fn log(&mut self, request: &GetInstanceLog<'_>) -> Result<Option<LogPage>, Error> {
        let cursor = request.ext_info.as_deref().unwrap_or("start");
        self.begin(
            "GetInstanceLog",
            &format!("{}#{} {cursor}", request.instance_key, request.life_round_num),
        )?;
        let page = request.ext_info.as_ref().map_or(0, |cursor| cursor.parse().unwrap());
        Ok(self.logs.get(request.instance_key).and_then(|pages| pages.get::<usize>(page)).cloned().map(read))
    }
}

pub(super) fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Api for Script {
    fn list<'a>(&'a self, request: &'a ListInstances) -> BoxFuture<'a, Result<InstancePage, Error>> {
        let mut inner = self.set();
        let (answer, slow) = (inner.list(request), inner.slow_list);
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            answer
        })
    }

    fn instance<'a>(
        &'a self,
        request: &'a GetTaskInstance<'a>,
    ) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        let mut inner = self.set();
        let begun = inner.begin("GetTaskInstance", request.instance_key);
        let answer = begun.map(|()| inner.details.get(request.instance_key).cloned().map(read));
        let slow = inner.slow;
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            answer
        })
    }

    fn log<'a>(&'a self, request: &'a GetInstanceLog<'a>) -> BoxFuture<'a, Result<Option<LogPage>, Error>> {
        ready(self.set().log(request))
    }

    fn projects<'a>(
        &'a self,
        request: &'a DescribeTenantProjects,
    ) -> BoxFuture<'a, Result<ProjectPage, Error>> {
        let mut inner = self.set();
        let begun = inner.begin("DescribeTenantProjects", &request.page_number.to_string());
        let page = usize::try_from(request.page_number).unwrap() - 1;
        ready(begun.map(|()| read(inner.projects.get(page).cloned().unwrap_or(json!({})))))
    }
}

/// A row of an instance planned at `HH:MM` of 2025-03-28 in UTC+8, last updated at the same time.
pub(super) fn row(task: u64, at: &str, state: i64, runs: u32) -> Value {
    let time = format!("2025-03-28 {at}:00");
    let ended = (![0, 1, 3, 6, 12].contains(&state)).then(|| format!("2025-03-28 {at}:30"));
    json!({
        "InstanceKey": key(task, at), "TaskId": task.to_string(), "TaskName": format!("task{task}"),
        "WorkflowName": "flow", "WorkflowId": "w1", "InstanceState": state, "TotalRunNum": runs,
        "SchedulerTime": time, "StartTime": time, "EndTime": ended, "LastUpdateTime": time, "Tries": 1,
        "TryLimit": 5, "TaskCycleType": "D", "CurRunDate": time,
    })
}

/// The key of [`row`].
pub(super) fn key(task: u64, at: &str) -> String {
    format!("{task}_2025-03-28 {at}:00")
}

/// The life round `round` of [`row`], begun at `at` after 10 seconds' wait for others and 5 for a place.
pub(super) fn life(round: u32, at: &str, state: i64) -> Value {
    let at = |seconds: u32| format!("2025-03-28 {at}:{seconds:02}");
    let end = if state == 2 { "COMPLETE" } else { "EXPIRED" };
    json!({
        "LifeRoundNum": round, "InstanceState": state, "Tries": 0, "ExecutionJobId": format!("job{round}"),
        "BrokerIp": "broker", "LifeCycleDetailList": [
            { "DetailState": end, "StartTime": at(45), "EndTime": null },
            { "DetailState": "RUNNING", "StartTime": at(15), "EndTime": at(45) },
            { "DetailState": "WAIT_RUN", "StartTime": at(10), "EndTime": at(15) },
            { "DetailState": "WAIT_UPSTREAM", "StartTime": at(0), "EndTime": at(10) },
        ],
    })
}

/// [`row`] as GetTaskInstance answers it, with its rounds.
pub(super) fn detail(row: &Value, lives: &[Value]) -> Value {
    let mut detail = row.clone();
    detail["InstanceLifeCycleList"] = json!(lives);
    detail["LatestLog"] = json!({ "CodeInfo": "echo $PASSWORD", "LogInfo": "secret" });
    detail
}
