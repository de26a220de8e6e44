//! How many calls this kind makes.

use super::api::{FLOW, SEARCH, TASK, ZONE};
use super::memo::{LOOK_AGAIN, PATIENCE};
use super::poll::{AHEAD, LONGEST_RUN};
use super::search::PAGE;
use super::settings::Settings;
use crate::config::{Problem, Section};
use crate::sources::forecast::{Called, Calls, Figure, Forecast, Scene, figure, pages};
use std::time::Duration;

const FLOWS: Figure = Figure {
    name: "flows_per_day",
    default: 200.0,
    kept: None,
    help: "flow instances of all flow_types planned in a day",
};
const TASKS: Figure =
    Figure { name: "tasks_per_flow", default: 3.0, kept: None, help: "tasks of one flow instance" };
const FLOW_SECONDS: Figure = Figure {
    name: "flow_seconds",
    default: 600.0,
    kept: None,
    help: "time from when a flow instance can be found to its end",
};
const WAIT_SECONDS: Figure = Figure {
    name: "wait_seconds",
    default: 120.0,
    kept: None,
    help: "time of it that a task waits for its planned time or for another task",
};
const QUEUE_SECONDS: Figure = Figure {
    name: "queue_seconds",
    default: 10.0,
    kept: None,
    help: "time that a task is shown as ready before it runs",
};
const RUN_SECONDS: Figure =
    Figure { name: "run_seconds", default: 120.0, kept: None, help: "time that a task runs" };
const STUCK: Figure = Figure {
    name: "stuck_share",
    default: 0.01,
    kept: None,
    help: "share of flow instances that end with tasks that never run",
};
const OPEN: Figure = Figure {
    name: "open_flows",
    default: 0.0,
    kept: None,
    help: "flow instances that run at any time and were planned before the lookback",
};

/// What the number of calls depends on.
pub(super) const FIGURES: &[Figure] =
    &[FLOWS, TASKS, FLOW_SECONDS, WAIT_SECONDS, QUEUE_SECONDS, RUN_SECONDS, STUCK, OPEN];

/// The shortest life of a token that is known, less the margin by which it is renewed.
const TOKEN: Duration = Duration::from_secs(6480);

const fn called(action: &'static str) -> Called {
    Called { service: "enos", action, per_second: None }
}

/// The calls of a source.
///
/// # Errors
/// Settings that cannot be read.
pub(super) fn plan(section: &Section, scene: &Scene<'_>) -> Result<Forecast, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let zone = if settings.zone().is_none() { 1.0 } else { 0.0 };
    let timed = vec![(called("token/get"), 1.0, TOKEN)];
    if !settings.task_instances.is_empty() {
        let poll: Calls = vec![(called(TASK), figure(settings.task_instances.len()))];
        let first = [poll.clone(), vec![(called(ZONE), zone)]].concat();
        return Ok(Forecast { cells: 1.0, poll, timed, first });
    }
    let types = figure(settings.flow_types.len());
    let interval = scene.interval.as_secs_f64();
    let (flows, tasks) = (scene.of(&FLOWS), scene.of(&TASKS));
    // Every kind of flow is a search of its own. A last page that is full has one more behind it: half a page on average
    // where there are many.
    let search = |secs: f64| {
        let rows = if types > 0.0 { Scene::in_secs(flows, secs) / types } else { 0.0 };
        types * pages(rows + 1.0, f64::from(PAGE))
    };
    // A flow instance is got by every poll while it is under way, and once when it is over. One that ends stuck is
    // watched for a while, and then looked at once an hour as long as the search shows it.
    let lookback = settings.lookback.0;
    let stuck = scene.of(&STUCK).min(1.0);
    let watched = PATIENCE.as_secs_f64() / interval
        + lookback.saturating_sub(PATIENCE).as_secs_f64() / LOOK_AGAIN.as_secs_f64().max(interval);
    let a_flow = scene.of(&FLOW_SECONDS) / interval + 1.0 + stuck * watched;
    // A task is got when it is met waiting, when it is met ready, by every poll while it runs, and once when it is over.
    let met = |figure| (scene.of(figure) / interval).min(1.0);
    let a_task = met(&WAIT_SECONDS) + met(&QUEUE_SECONDS) + scene.of(&RUN_SECONDS) / interval + 1.0;
    let poll = |search: f64, flows: f64, a_flow: f64, a_task: f64| -> Calls {
        vec![
            (called(SEARCH), search),
            (called(FLOW), flows * a_flow + scene.of(&OPEN)),
            (called(TASK), flows * tasks * a_task),
        ]
    };
    let reach = (lookback + AHEAD).as_secs_f64();
    let mut first = poll(
        search(reach) + search(LONGEST_RUN.as_secs_f64()),
        Scene::in_secs(flows, lookback.as_secs_f64()),
        1.0,
        1.0,
    );
    first.push((called(ZONE), zone));
    Ok(Forecast {
        cells: 1.0,
        poll: poll(search(reach), scene.per_poll(flows), a_flow, a_task),
        timed,
        first,
    })
}
