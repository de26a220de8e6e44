//! What a configuration will ask of the APIs, before anything is started. No network, nothing bound.

mod assume;
mod outline;
mod show;
#[cfg(test)]
mod tests;

pub use assume::{Assumed, Assumptions, From, Given};
pub use outline::{Load, Outline, Pace, SourcePlan, outline};

use super::{load, names, refuse, say, usage};
use crate::cli::{Exit, PlanArgs, PlanFormat};
use crate::clock::SystemClock;
use crate::ledger::admin;
use crate::model::Clock as _;

pub(super) fn plan(args: &PlanArgs) -> Exit {
    let config = match load(&args.config) {
        Ok(config) => config,
        Err(problems) => return refuse(&problems),
    };
    let given = match Given::read(&args.assume, &config.sources) {
        Ok(given) => given,
        Err(error) => return usage(&error),
    };
    let now = SystemClock.now();
    // A state that is in use, damaged or not there yet tells nothing; the answer says where each figure is from.
    let recalled = admin::recall(&config.state.path, &names(), now).unwrap_or_default();
    let assumptions = Assumptions { given, recalled };
    let outline = match outline(&config, &assumptions, now) {
        Ok(outline) => outline,
        Err(problems) => return refuse(&problems),
    };
    let said = say(&match args.format {
        PlanFormat::Text => show::text(&outline),
        PlanFormat::Json => show::json(&outline),
    });
    if outline.warnings.is_empty() { said } else { Exit::Failure }
}
