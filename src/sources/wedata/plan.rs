//! How many calls this kind makes.

use super::listing::PAGE_SIZE;
use super::projects::PAGE_SIZE as PROJECTS_A_PAGE;
use super::settings::{Settings, Which};
use super::watch;
use super::wire::{DESCRIBE_TENANT_PROJECTS, GET_INSTANCE_LOG, GET_TASK_INSTANCE, LIST_INSTANCES};
use super::{OVERLAP, REDISCOVER};
use crate::config::{Problem, Section};
use crate::sources::forecast::{Calls, Figure, Forecast, Kept, Scene, figure, pages};

const PROJECTS: Figure = Figure {
    name: "projects",
    default: 10.0,
    kept: Some(Kept::Cells),
    help: "enabled projects, where projects = [\"*\"]",
};
const RUNS: Figure = Figure {
    name: "runs_per_day",
    default: 1000.0,
    kept: Some(Kept::RunsPerDay),
    help: "runs that finish in a day",
};
const FAILED: Figure = Figure {
    name: "failed_share",
    default: 0.05,
    kept: Some(Kept::FailedShare),
    help: "share of runs that fail or time out",
};
const RERUNS: Figure =
    Figure { name: "rerun_share", default: 0.01, kept: None, help: "share of runs that are reruns" };
const OPEN: Figure = Figure {
    name: "open_runs",
    default: 100.0,
    kept: Some(Kept::OpenRuns),
    help: "instances that wait or run at any time",
};
const LOG_PAGES: Figure = Figure { name: "log_pages", default: 1.0, kept: None, help: "pages of one log" };

/// What the number of calls depends on.
pub(super) const FIGURES: &[Figure] = &[PROJECTS, RUNS, FAILED, RERUNS, OPEN, LOG_PAGES];

/// Rows of the listing of changes for each run: one that takes longer than the overlap is shown when it starts and when
/// it ends.
const ROWS_A_RUN: f64 = 2.0;

/// The calls of a source.
///
/// # Errors
/// Settings that cannot be read.
pub(super) fn plan(section: &Section, scene: &Scene<'_>) -> Result<Forecast, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let regions = figure(section.regions.len());
    let runs = scene.of(&RUNS);
    if !settings.instances.is_empty() {
        let each = regions * figure(settings.instances.len());
        let calls: Calls = vec![((&GET_TASK_INSTANCE).into(), each)];
        return Ok(Forecast { cells: regions, poll: calls.clone(), timed: Vec::new(), first: calls });
    }
    let projects = match settings.discovers() {
        true => scene.of(&PROJECTS),
        false => regions * figure(settings.projects.len()),
    };
    #[expect(clippy::cast_precision_loss, reason = "two small constants")]
    let (page, projects_a_page) = (PAGE_SIZE as f64, PROJECTS_A_PAGE as f64);
    let each = |all: f64| if projects > 0.0 { all / projects } else { 0.0 };
    // The listing of changes, and where something is open at times the one of all that is.
    let changes = |secs: f64| projects * pages(each(ROWS_A_RUN * Scene::in_secs(runs, secs)), page);
    let unfinished = match scene.of(&OPEN) {
        open if open > 0.0 => projects.min(open) * pages(each(open), page),
        _ => 0.0,
    };
    let rest = (scene.interval * watch::POLLS).min(watch::AT_MOST);
    let (failed, again) = (scene.of(&FAILED).min(1.0), scene.of(&RERUNS).min(1.0));
    let logs = share(settings.logs, failed);
    let waits = match settings.detail {
        Which::Failed => failed + again * (1.0 - failed),
        other => share(other, failed),
    };
    let told = |lists: f64, runs: f64| -> Calls {
        vec![
            ((&LIST_INSTANCES).into(), lists),
            // A log is asked for with what GetTaskInstance tells.
            ((&GET_TASK_INSTANCE).into(), runs * waits.max(logs)),
            ((&GET_INSTANCE_LOG).into(), runs * logs * scene.of(&LOG_PAGES)),
        ]
    };
    let lookback = settings.lookback.0.as_secs_f64();
    let overlap = (scene.interval + OVERLAP).as_secs_f64();
    let discovery = regions * pages(each_region(scene.of(&PROJECTS), regions), projects_a_page);
    Ok(Forecast {
        cells: projects,
        poll: told(changes(overlap) + unfinished * scene.share(rest), scene.per_poll(runs)),
        timed: match settings.discovers() {
            true => vec![((&DESCRIBE_TENANT_PROJECTS).into(), discovery, REDISCOVER)],
            false => Vec::new(),
        },
        first: told(changes(lookback) + unfinished.max(projects), Scene::in_secs(runs, lookback)),
    })
}

/// The share of runs that a choice takes.
fn share(which: Which, failed: f64) -> f64 {
    match which {
        Which::All => 1.0,
        Which::Failed => failed,
        Which::Never => 0.0,
    }
}

fn each_region(all: f64, regions: f64) -> f64 {
    if regions > 0.0 { all / regions } else { 0.0 }
}
