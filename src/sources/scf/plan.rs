//! How many calls this kind makes.

use super::listing::{FRESH, PAGE as LISTED_A_PAGE};
use super::pages::PAGE;
use super::settings::Settings;
use super::wire::{GET_FUNCTION_LOGS, LIST_FUNCTIONS, LIST_NAMESPACES};
use super::{LONGEST_RUN, REDISCOVER};
use crate::config::{Problem, Section};
use crate::sources::forecast::{Calls, Figure, Forecast, Kept, Scene, figure, pages};

const NAMESPACES: Figure = Figure {
    name: "namespaces",
    default: 2.0,
    kept: Some(Kept::Cells),
    help: "namespaces, where namespaces = [\"*\"]",
};
const FUNCTIONS: Figure = Figure {
    name: "functions",
    default: 20.0,
    kept: Some(Kept::Tasks),
    help: "functions of all namespaces that a glob in functions matches",
};
const RUNS: Figure = Figure {
    name: "runs_per_day",
    default: 10_000.0,
    kept: Some(Kept::RunsPerDay),
    help: "runs of all functions in a day",
};

/// What the number of calls depends on.
pub(super) const FIGURES: &[Figure] = &[NAMESPACES, FUNCTIONS, RUNS];

/// The calls of a source.
///
/// # Errors
/// Settings that cannot be read.
pub(super) fn plan(section: &Section, scene: &Scene<'_>) -> Result<Forecast, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let regions = figure(section.regions.len());
    let namespaces = match settings.every_namespace() {
        true => scene.of(&NAMESPACES),
        false => regions * figure(settings.namespaces.len()),
    };
    let functions = match settings.lists_functions() {
        true => scene.of(&FUNCTIONS),
        false => namespaces * figure(settings.functions.len()),
    };
    // There is one reading a function, or one a qualifier: the API has none over several functions.
    let targets = functions * figure(settings.qualifiers.len().max(1));
    let each = if targets > 0.0 { scene.of(&RUNS) / targets } else { 0.0 };
    let reread = settings.settle.0 + LONGEST_RUN;
    let logs = |secs: f64| targets * pages(Scene::in_secs(each, secs), f64::from(PAGE));
    let listed = match settings.lists_functions() {
        true if namespaces > 0.0 => namespaces * pages(functions / namespaces, f64::from(LISTED_A_PAGE)),
        _ => 0.0,
    };
    let told = |logs: f64, lists: f64| -> Calls {
        vec![((&GET_FUNCTION_LOGS).into(), logs), ((&LIST_FUNCTIONS).into(), lists)]
    };
    Ok(Forecast {
        cells: namespaces,
        poll: told(logs((scene.interval + reread).as_secs_f64()), listed * scene.share(FRESH)),
        timed: match settings.every_namespace() {
            true => vec![((&LIST_NAMESPACES).into(), regions, REDISCOVER)],
            false => Vec::new(),
        },
        first: told(logs((settings.lookback.0 + reread).as_secs_f64()), listed),
    })
}
