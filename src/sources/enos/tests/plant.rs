//! A small EnOS in memory, and the source on it.

use super::super::wire::{self, FlowInstance, Found, SearchRequest, Single, TaskInstance};
use super::super::{Api, Batches};
use crate::model::{BoxFuture, Timestamp, Window, Zone};
use crate::sources::desk::{self, FakeDesk};
use crate::sources::{PollError, Read, Source as _};
use crate::transport::Error;
use serde_json::{Value, from_value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// When the polls happen: 2021-02-02 20:00:00 in UTC+8, in seconds.
pub(super) const NOW: i64 = 1_612_267_200;

/// The planned second, the record without its graph, and the tasks' ids.
pub(super) type Flow = (i64, Value, Vec<String>);

/// An organisation's flow runs, and the calls made to it.
#[derive(Default)]
pub(super) struct Plant {
    flows: Mutex<BTreeMap<String, Flow>>,
    tasks: Mutex<BTreeMap<String, Value>>,
    /// By id: what a call for it fails with.
    failures: Mutex<BTreeMap<String, Error>>,
    pub(super) zone: Mutex<Option<Result<&'static str, Error>>>,
    /// What a search answers, in the place of its flow runs.
    pub(super) search: Mutex<Option<Value>>,
    /// The number of the first page, and whether a lower one is refused.
    pub(super) base: Mutex<(u32, bool)>,
    pub(super) calls: Mutex<Vec<String>>,
}

pub(super) fn name(status: i64) -> &'static str {
    match status {
        -1 => "FAIL",
        1 => "SUCCESS",
        2 => "RUNNING",
        5 => "WAIT",
        _ => "OTHER",
    }
}

impl Plant {
    /// A flow run `id` in `status`, planned `ago` seconds before [`NOW`], of tasks `id-0`, `id-1`, …
    pub(super) fn put_flow(&self, id: &str, ago: i64, status: i64, tasks: &[i64]) {
        self.put_long_flow(id, ago, ago - 60, status, tasks);
    }

    /// The same, which ended `since` seconds before [`NOW`] where it has ended.
    pub(super) fn put_long_flow(&self, id: &str, ago: i64, since: i64, status: i64, tasks: &[i64]) {
        let planned = Zone::east8().write(Timestamp::from_secs(NOW - ago));
        let ended = (status != 2).then(|| Zone::east8().write(Timestamp::from_secs(NOW - since)));
        let record = json!({
            "instanceId": id, "flowId": 7, "flowName": "flow", "freq": "0 0 * * * ? *", "status": status,
            "triggerTime": planned, "startTime": planned, "endTime": ended, "virtual": false, "owner": "demo",
        });
        let ids: Vec<String> = (0..tasks.len()).map(|n| format!("{id}-{n}")).collect();
        for (task, status) in ids.iter().zip(tasks) {
            self.put_task(task, id, *status, 1);
        }
        self.flows.lock().unwrap().insert(id.to_owned(), (NOW - ago, record, ids));
    }

    pub(super) fn put_task(&self, id: &str, flow: &str, status: i64, run: i64) {
        let time = |told: bool| told.then(|| Zone::east8().write(Timestamp::from_secs(NOW - 30)));
        self.tasks.lock().unwrap().insert(
            id.to_owned(),
            json!({
                "instanceId": id, "taskId": 1, "taskName": "t", "cycle": "H", "status": status, "runNum": run,
                "startTime": time(![0, 5].contains(&status)), "endTime": time(![0, 2, 5].contains(&status)),
                "flowInstId": flow, "triggerTime": Zone::east8().write(Timestamp::from_secs(NOW - 60)),
            }),
        );
    }

    pub(super) fn change(&self, flow: &str, key: &str, value: Value) {
        self.flows.lock().unwrap().get_mut(flow).unwrap().1[key] = value;
    }

    pub(super) fn fail(&self, id: &str, error: Option<Error>) {
        let mut failures = self.failures.lock().unwrap();
        match error {
            Some(error) => failures.insert(id.to_owned(), error),
            None => failures.remove(id),
        };
    }

    /// The calls since the last time, searches and the zone left out.
    pub(super) fn gets(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.into_iter().filter(|call| !call.starts_with("search") && call != "zone").collect()
    }

    fn called(&self, call: String, id: &str) -> Result<(), Error> {
        self.calls.lock().unwrap().push(call);
        self.failures.lock().unwrap().get(id).map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The flow run with its graph, with or without the status of each task.
    fn shown(&self, id: &str, statuses: bool) -> Option<Value> {
        let (_, record, tasks) = self.flows.lock().unwrap().get(id).cloned()?;
        let known = self.tasks.lock().unwrap();
        let task = |id: &String| match statuses {
            true => json!({"taskInstId": id, "status": name(known[id]["status"].as_i64().unwrap())}),
            false => json!({"taskInstId": id}),
        };
        let graph = json!({"owners": ";demo;", "tasks": tasks.iter().map(task).collect::<Vec<_>>()});
        let mut whole = record;
        if whole.get("graph").is_none() {
            whole["graph"] = graph.to_string().into();
        }
        Some(whole)
    }
}

pub(super) fn missing() -> Error {
    Error::Rejected { code: "62102".into() }
}

pub(super) fn give<T>(value: Result<Value, Error>) -> BoxFuture<'static, Result<Single<T>, Error>>
where
    Single<T>: serde::de::DeserializeOwned + Send + 'static,
{
    Box::pin(std::future::ready(value.map(|value| from_value(value).unwrap())))
}

impl Api for Arc<Plant> {
    fn search<'a>(&'a self, request: &'a SearchRequest) -> BoxFuture<'a, Result<Single<Found>, Error>> {
        let (base, strict) = *self.base.lock().unwrap();
        let page = request.pagination.page_no;
        let call = format!("search {} {page}", request.r#type);
        if let Err(error) = self.called(call, "search") {
            return give(Err(error));
        }
        if let Some(answer) = self.search.lock().unwrap().clone() {
            return give(Ok(answer));
        }
        if strict && page < base {
            return give(Err(missing()));
        }
        let within = request.from_trigger_time..request.to_trigger_time;
        let size = request.pagination.page_size as usize;
        let skip = page.saturating_sub(base) as usize * size;
        let flows = self.flows.lock().unwrap();
        let ids: Vec<String> = flows
            .iter()
            .filter(|(_, (planned, ..))| request.r#type == 1 && within.contains(&(planned * 1000)))
            .skip(skip)
            .take(size)
            .map(|(id, _)| id.clone())
            .collect();
        drop(flows);
        let rows: Vec<Value> = ids.iter().map(|id| self.shown(id, false).unwrap()).collect();
        give(Ok(json!({"count": rows.len(), "flowInsts": rows})))
    }

    fn flow<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<FlowInstance>, Error>> {
        give(self.called(format!("flow {id}"), id).and_then(|()| self.shown(id, true).ok_or_else(missing)))
    }

    fn task<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Single<TaskInstance>, Error>> {
        let called = self.called(format!("task {id}"), id);
        let task = self.tasks.lock().unwrap().get(id).cloned();
        give(called.and_then(|()| task.ok_or_else(missing)))
    }

    fn zone(&self) -> BoxFuture<'_, Result<Single<wire::ServerZone>, Error>> {
        self.calls.lock().unwrap().push("zone".into());
        let told = self.zone.lock().unwrap().clone().unwrap_or(Ok("GMT+8"));
        give(told.map(|zone| json!({"timezone": zone})))
    }
}

pub(super) fn source(plant: &Arc<Plant>, settings: Value) -> Batches {
    Batches::new(Box::new(Arc::clone(plant)), "e", "o1", from_value(settings).unwrap())
}

pub(super) fn at(poll: u64, later: i64) -> Window {
    let to = Timestamp::from_secs(NOW + later);
    let floor = to.minus(Duration::from_secs(86_400));
    let from = if poll == 1 { floor } else { to.minus(Duration::from_secs(360)) };
    Window { poll, from, floor, first: poll == 1, ..desk::window(to) }
}

pub(super) async fn poll(source: &Batches, window: &Window, desk: &FakeDesk) -> Result<Read, PollError> {
    source.poll(&source.cell, window, desk).await
}
