//! The composition root: the one place where all parts are put together.

pub mod build;
#[cfg(feature = "simulator")]
mod demo;
mod once;
pub mod page;
pub mod plan;
mod reload;
mod run;
mod state;
mod watchdog;

#[cfg(feature = "simulator")]
pub use demo::run_at;

use crate::cli::{self, CatalogFormat, Command, ConfigArgs, Exit};
use crate::clock::SystemClock;
use crate::config::{self, Config, Demand, Problem};
use crate::ledger::Names;
use crate::metrics::Own;
use crate::metrics::catalog;
use crate::model::{Clock, NativeGauge, Observer, Quiet};
use crate::schedule::Scheduled;
use crate::sources::KINDS;
use crate::web_config::Gate;
use anyhow::Context as _;
use build::Workshop;
use std::ffi::OsString;
use std::io::Write as _;
use std::sync::Arc;

/// Does what the command line asks for.
pub fn main(line: impl IntoIterator<Item = OsString>) -> Exit {
    let line: Vec<OsString> = line.into_iter().collect();
    #[cfg(feature = "simulator")]
    let program = line.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let command = match cli::parse(line) {
        Ok(command) => command,
        Err(refusal) => {
            refusal.print();
            return refusal.exit();
        }
    };
    match command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check(&args),
        Command::Once(args) => once::once(&args),
        Command::Plan(args) => plan::plan(&args),
        #[cfg(feature = "simulator")]
        Command::Simulate(args) => demo::simulate(&args, &program),
        #[cfg(feature = "simulator")]
        Command::Demo(args) => demo::demo(&args),
        Command::State(args) => state::state(&args),
        Command::Metrics(args) => {
            let families = catalog::whole(&natives());
            say(&match args.format {
                CatalogFormat::Markdown => catalog::markdown(&families),
                CatalogFormat::Json => catalog::json(&families),
            })
        }
    }
}

/// The words that the state keeps by name.
pub fn names() -> Names {
    Names { kinds: KINDS.iter().map(|kind| kind.name).collect(), natives: natives() }
}

/// The gauges that single kinds have.
pub fn natives() -> Vec<&'static NativeGauge> {
    KINDS.iter().flat_map(|kind| kind.natives.iter().copied()).collect()
}

/// Reads the configuration as `run` does, and goes no further.
fn check(args: &ConfigArgs) -> Exit {
    let config = match load(args) {
        Ok(config) => config,
        Err(problems) => return refuse(&problems),
    };
    let workshop = Workshop::new(Arc::new(SystemClock), Arc::new(Quiet)).context("TLS");
    match workshop.map(|mut workshop| workshop.build(&config)) {
        Ok(Ok(scheduled)) => say(&format!("the configuration is good; to poll: {}\n", named(&scheduled))),
        Ok(Err(problems)) => refuse(&problems),
        Err(error) => fail(&error),
    }
}

/// What `run` and `once` begin with alike.
struct Prepared {
    config: Config,
    clock: Arc<dyn Clock>,
    own: Arc<Own>,
    workshop: Workshop,
    scheduled: Vec<Scheduled>,
}

/// Reads the configuration and builds what it wants polled; what is wrong with it has been told when this fails.
fn prepare(args: &ConfigArgs) -> Result<Prepared, Exit> {
    let config = load(args).map_err(|problems| refuse(&problems))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let own = Arc::new(Own::new().context("own metrics").map_err(|error| fail(&error))?);
    let observer: Arc<dyn Observer> = Arc::clone(&own) as _;
    let mut workshop =
        Workshop::new(Arc::clone(&clock), observer).context("TLS").map_err(|error| fail(&error))?;
    let scheduled = workshop.build(&config).map_err(|problems| refuse(&problems))?;
    Ok(Prepared { config, clock, own, workshop, scheduled })
}

fn named(scheduled: &[Scheduled]) -> String {
    let names: Vec<String> = scheduled
        .iter()
        .map(|one| {
            if one.region.is_empty() { one.name.to_string() } else { format!("{}/{}", one.name, one.region) }
        })
        .collect();
    names.join(", ")
}

fn load(args: &ConfigArgs) -> Result<Config, Vec<Problem>> {
    let config = Config::load_for(&demands(), &args.files, &config::environment())?;
    if !config.web.web_config.is_empty() {
        Gate::check(config.web.web_config.as_str().into())?;
    }
    Ok(config)
}

/// What the kinds ask of the sections that name them.
pub fn demands() -> Vec<Demand> {
    KINDS
        .iter()
        .map(|kind| Demand {
            kind: kind.name,
            provider: kind.provider,
            regional: kind.regional,
            check: kind.check,
        })
        .collect()
}

/// Lists what is wrong with the configuration.
#[expect(clippy::print_stderr, reason = "there is no log before there is a configuration")]
fn refuse(problems: &[Problem]) -> Exit {
    for problem in problems {
        eprintln!("{problem}");
    }
    let (count, noun) = (problems.len(), if problems.len() == 1 { "problem" } else { "problems" });
    eprintln!("{count} {noun} in the configuration; nothing was started");
    Exit::Config
}

/// Names what failed while starting.
#[expect(clippy::print_stderr, reason = "whoever started the command reads standard error")]
fn fail(error: &anyhow::Error) -> Exit {
    eprintln!("taskrun-exporter: {error:#}");
    Exit::Failure
}

/// Names what is wrong with the command line.
#[expect(clippy::print_stderr, reason = "whoever started the command reads standard error")]
fn usage(error: &str) -> Exit {
    eprintln!("error: {error}");
    Exit::Usage
}

/// Prints the answer. A reader that has gone away does not make the answer wrong.
fn say(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failure,
        _ => Exit::Success,
    }
}
