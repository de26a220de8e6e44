//! The status page as JSON.

use crate::model::{CellStatus, EndpointStatus, PollTrace, QuotaStatus, Status, Timestamp};
use serde_json::{Value, json};

/// The same as the page, and all of it. Times are RFC 3339, durations seconds; what is not known is null.
pub(in crate::http) fn json(status: &Status) -> String {
    let credentials: Vec<Value> = status
        .credentials
        .iter()
        .map(|(account, expires)| json!({ "account": account, "expires": expires.to_string() }))
        .collect();
    let whole = json!({
        "version": status.version,
        "started": status.started.to_string(),
        "now": status.now.to_string(),
        "ready": status.ready,
        "healthy": status.hung.is_none(),
        "hung": status.hung,
        "series": status.series,
        "cells": status.cells.iter().map(cell).collect::<Vec<_>>(),
        "quotas": status.quotas.iter().map(quota).collect::<Vec<_>>(),
        "endpoints": status.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "credentials": credentials,
    });
    format!("{whole}\n")
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}

fn cell(cell: &CellStatus) -> Value {
    let error = cell.last_error.as_ref().map(
        |error| json!({ "at": error.at.to_string(), "class": error.reason.name(), "message": error.message }),
    );
    json!({
        "source": &*cell.cell.source,
        "kind": cell.cell.kind,
        "region": &*cell.cell.region,
        "project": &*cell.cell.project,
        "up": cell.up,
        "last_poll": time(cell.last_poll),
        "next_poll": time(cell.next_poll),
        "last_result": cell.last_result.map(|result| result.name()),
        "took_seconds": cell.took.map(|took| took.as_secs_f64()),
        "last_success": time(cell.last_success),
        "watermark": time(cell.watermark),
        "backlog": cell.backlog,
        "tasks": cell.tasks,
        "message": cell.message,
        "last_error": error,
        "polls": cell.trail.iter().map(poll).collect::<Vec<_>>(),
    })
}

fn poll(poll: &PollTrace) -> Value {
    json!({
        "began": poll.began.to_string(),
        "took_seconds": poll.took.as_secs_f64(),
        "result": poll.result.name(),
        "requests": poll.requests,
        "records": poll.records,
    })
}

fn quota(quota: &QuotaStatus) -> Value {
    json!({
        "account": quota.account,
        "service": quota.service,
        "action": quota.action,
        "last_minute": quota.last_minute,
        "peak_per_second": quota.peak_per_second,
        "allowed_per_second": quota.allowed_per_second,
    })
}

fn endpoint(endpoint: &EndpointStatus) -> Value {
    json!({ "account": endpoint.account, "host": endpoint.host, "breaker": endpoint.breaker.name() })
}
