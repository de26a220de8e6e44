//! An outline for people, and for programs.

use super::outline::{Load, Outline, SourcePlan};
use crate::sources::{Called, Calls};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// A number with as many digits as mean something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        v if v.fract() == 0.0 => format!("{value:.0}"),
        v if v < 0.0001 => "<0.0001".into(),
        v if v < 0.1 => format!("{value:.4}"),
        v if v < 10.0 => format!("{value:.2}"),
        v if v < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A time as people say it.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs() {
        0..=59 => format!("{}s", number(time.as_secs_f64())),
        secs @ 60..=3599 => format!("{}m {}s", secs / 60, secs % 60),
        secs @ 3600..=172_799 => format!("{}h {}m", secs / 3600, secs / 60 % 60),
        secs => format!("{}d {}h", secs / 86_400, secs / 3600 % 24),
    }
}

/// Tables, then what is assumed, then the warnings.
pub(super) fn text(outline: &Outline) -> String {
    let mut out = String::from(
        "Calls in a steady state; tries after failures, and calls for credentials, come on top.\n\n",
    );
    let adaptive = outline.sources.iter().any(|source| source.paces.len() > 1);
    let mut rows = vec![row(&[
        "account",
        "service",
        "action",
        "a second",
        "an hour",
        "a day",
        "documented",
        "allowed",
        "used",
    ])];
    if adaptive {
        rows[0].extend(row(&["at most", "at least"]));
    }
    for load in &outline.loads {
        for (_, called, rate) in actions_of(outline, load).filter(|_| load.documented.is_none()) {
            let (hour, day) = (number(rate * HOUR), number(rate * DAY));
            let mut cells = row(&[&load.account, called.service, called.action, &number(rate), &hour, &day]);
            cells.extend(row(&["", "", ""]));
            rows.push(cells);
        }
        rows.push(load_row(load, adaptive));
    }
    out.push_str(&table(&rows, 3));
    out.push('\n');
    let mut rows = vec![row(&[
        "source",
        "kind",
        "schedule",
        "cells",
        "calls a poll",
        "a poll takes",
        "first poll",
        "which takes",
    ])];
    rows.extend(outline.sources.iter().flat_map(source_rows));
    out.push_str(&table(&rows, 3));
    out.push_str("\nAssumed; change it with --assume SOURCE.NAME=N:\n");
    let mut rows = Vec::new();
    for source in &outline.sources {
        for one in &source.assumed {
            let key = format!("  {}.{}", source.name, one.figure.name);
            rows.push(row(&[&key, &format!("= {}", one.value), one.from.words(), one.figure.help]));
        }
    }
    out.push_str(&table(&rows, 4));
    for warning in &outline.warnings {
        out.push_str(&format!("\nWARN {warning}\n"));
    }
    out
}

/// The actions that count under a limit, each once.
fn actions_of<'a>(outline: &'a Outline, load: &'a Load) -> impl Iterator<Item = (&'a str, Called, f64)> {
    let mut seen: Vec<(&str, Called, f64)> = Vec::new();
    for (account, called, rate) in &outline.actions {
        let counts = *account == load.account
            && called.service == load.called.service
            && (load.documented.is_none() || called.action == load.called.action);
        if !counts {
            continue;
        }
        match seen.iter_mut().find(|(_, known, _)| known.action == called.action) {
            Some((_, _, sum)) => *sum += rate,
            None => seen.push((account, *called, *rate)),
        }
    }
    seen.into_iter()
}

fn load_row(load: &Load, adaptive: bool) -> Vec<String> {
    let [rate, most, least] = load.per_second();
    let share = |rate: f64| format!("{} %", number(100.0 * rate / load.allowed));
    let action = if load.documented.is_none() { "(together)" } else { load.called.action };
    let mut cells = row(&[
        &load.account,
        load.called.service,
        action,
        &number(rate),
        &number(rate * HOUR),
        &number(rate * DAY),
        &load.documented.map_or_else(|| "-".into(), |limit| format!("{}/s", number(limit))),
        &format!("{}/s", number(load.allowed)),
        &share(rate),
    ]);
    if adaptive {
        cells.extend([share(most), share(least)]);
    }
    cells
}

fn source_rows(source: &SourcePlan) -> impl Iterator<Item = Vec<String>> {
    let polls = |calls: &Calls| number(calls.iter().map(|(_, count)| count).sum());
    source.paces.iter().zip(&source.takes).enumerate().map(move |(n, (pace, takes))| {
        let schedule = match n {
            0 => source.schedule.clone(),
            _ => format!("{} {}", pace.key, time(pace.interval)),
        };
        let mut cells = row(&[if n == 0 { &source.name } else { "" }, if n == 0 { source.kind } else { "" }]);
        cells.extend([schedule, number(pace.forecast.cells), polls(&pace.forecast.poll), time(*takes)]);
        if n == 0 {
            cells.extend([polls(&pace.forecast.first), time(source.first_takes)]);
        }
        cells
    })
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Columns of equal width; the first `left` begin at their left edge, the others are numbers.
fn table(rows: &[Vec<String>], left: usize) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match column < left {
                true => format!("{cell:<width$}", width = width(column)),
                false => format!("{cell:>width$}", width = width(column)),
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// The same as one object.
pub(super) fn json(outline: &Outline) -> String {
    let load = |load: &Load| -> Value {
        let [rate, most, least] = load.per_second();
        let actions: Vec<Value> = actions_of(outline, load)
            .map(|(_, called, rate)| json!({"action": called.action, "per_second": rate, "per_hour": rate * HOUR, "per_day": rate * DAY}))
            .collect();
        json!({
            "account": load.account, "service": load.called.service, "action": load.called.action,
            "per_second": rate, "per_hour": rate * HOUR, "per_day": rate * DAY,
            "most_per_second": most, "least_per_second": least,
            "documented_per_second": load.documented, "allowed_per_second": load.allowed,
            "used": rate / load.allowed, "actions": actions,
        })
    };
    let calls = |calls: &Calls| -> Value {
        calls.iter().map(|(called, count)| (called.action.to_owned(), json!(count))).collect()
    };
    let source = |source: &SourcePlan| -> Value {
        let paces: Vec<Value> = source
            .paces
            .iter()
            .zip(&source.takes)
            .map(|(pace, takes)| {
                json!({
                    "key": pace.key, "interval_seconds": pace.interval.as_secs_f64(),
                    "calls_per_poll": calls(&pace.forecast.poll), "poll_takes_seconds": takes.as_secs_f64(),
                })
            })
            .collect();
        let assumed: Vec<Value> = source
            .assumed
            .iter()
            .map(|one| json!({"name": one.figure.name, "value": one.value, "from": one.from.words(), "help": one.figure.help}))
            .collect();
        json!({
            "source": source.name, "kind": source.kind, "account": source.account,
            "schedule": source.schedule, "cells": source.usual().forecast.cells, "paces": paces,
            "first_poll": {"calls": calls(&source.usual().forecast.first), "takes_seconds": source.first_takes.as_secs_f64()},
            "assumed": assumed,
        })
    };
    let whole = json!({
        "limits": outline.loads.iter().map(load).collect::<Vec<Value>>(),
        "sources": outline.sources.iter().map(source).collect::<Vec<Value>>(),
        "warnings": outline.warnings,
    });
    format!("{whole:#}\n")
}
