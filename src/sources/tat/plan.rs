//! How many calls this kind makes.

use super::OVERLAP;
use super::poll::LONGEST;
use super::settings::Settings;
use super::wire::{DESCRIBE_COMMANDS, DESCRIBE_INVOCATION_TASKS, DESCRIBE_INVOCATIONS, LIMIT};
use crate::config::{Problem, Section};
use crate::sources::forecast::{Calls, Figure, Forecast, Kept, Scene, batches, figure, pages};

const RUNS: Figure = Figure {
    name: "runs_per_day",
    default: 1000.0,
    kept: Some(Kept::RunsPerDay),
    help: "tasks that finish in a day: machines of all invocations",
};
const MACHINES: Figure =
    Figure { name: "machines", default: 1.0, kept: None, help: "machines of one invocation" };
const OPEN: Figure = Figure {
    name: "open_beyond",
    default: 0.0,
    kept: None,
    help: "open invocations that newer ones have pushed off the pages read",
};
const COMMANDS: Figure = Figure {
    name: "new_commands_per_day",
    default: 1.0,
    kept: None,
    help: "commands that run for the first time and whose name no answer tells",
};

/// What the number of calls depends on.
pub(super) const FIGURES: &[Figure] = &[RUNS, MACHINES, OPEN, COMMANDS];

/// The calls of a source.
///
/// # Errors
/// Settings that cannot be read.
pub(super) fn plan(section: &Section, scene: &Scene<'_>) -> Result<Forecast, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let regions = figure(section.regions.len());
    if regions <= 0.0 {
        return Ok(Forecast::default());
    }
    let page = figure(LIMIT);
    let machines = scene.of(&MACHINES).max(1.0);
    // Of one region.
    let invocations = scene.of(&RUNS) / machines / regions;
    let ids = figure(settings.invocation_ids.len());
    let list = |secs: f64| match ids > 0.0 {
        true => (ids / page).ceil(),
        // Every page but the first begins with the last row of the one before.
        false => pages(Scene::in_secs(invocations, secs), page - 1.0),
    };
    let open = (scene.of(&OPEN) / regions / page).ceil();
    let tasks = |ended: f64| if settings.tasks { batches(ended, machines, page) } else { 0.0 };
    let told = |lists: f64, tasks: f64, commands: f64| -> Calls {
        vec![
            ((&DESCRIBE_INVOCATIONS).into(), regions * lists),
            ((&DESCRIBE_INVOCATION_TASKS).into(), regions * tasks),
            ((&DESCRIBE_COMMANDS).into(), regions * commands),
        ]
    };
    let again = (scene.interval + OVERLAP).as_secs_f64();
    let lookback = settings.lookback.0;
    let first = list((lookback + LONGEST).as_secs_f64());
    // Tasks are asked for page by page.
    let first_tasks = match list(lookback.as_secs_f64()) {
        lists if settings.tasks && invocations > 0.0 => lists * (machines * (page - 1.0) / page).ceil(),
        _ => 0.0,
    };
    let new = scene.of(&COMMANDS) / regions;
    Ok(Forecast {
        cells: regions,
        poll: told(list(again) + open, tasks(scene.per_poll(invocations)), scene.per_poll(new).min(1.0)),
        timed: Vec::new(),
        first: told(first, first_tasks, 1.0),
    })
}
