//! The simulated clouds, alone or with the exporter in one process.

use super::build::Workshop;
use super::run::{Daemon, open, runtime};
use super::{demands, fail, refuse, usage};
use crate::cli::{DemoArgs, Exit, SimulateArgs};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::ledger::Memory;
use crate::metrics::Own;
use crate::model::{Clock, Observer};
use crate::simulator::{Faults, Options, Running, SimClock, Simulator, World, apim, tc3};
use crate::sources::faces;
use crate::telemetry::Telemetry;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The configuration of the demo; also a file to start from.
const CONFIG: &str = include_str!("../../config/demo.toml");

/// Serves the simulated clouds until a signal.
pub(super) fn simulate(args: &SimulateArgs, program: &str) -> Exit {
    let world = match World::try_new(args.seed, args.speed, World::TASKS).context("--speed") {
        Ok(world) => world,
        Err(error) => return usage(&format!("{error:#}")),
    };
    let faults = match args.faults.join(",").parse::<Faults>().context("--faults") {
        Ok(faults) => faults,
        Err(error) => return usage(&format!("{error:#}")),
    };
    let served = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let stop = CancellationToken::new();
            let clouds = start(args.listen, world, faults, &stop).await?;
            greet_simulator(&clouds, program);
            signalled().await?;
            stop.cancel();
            clouds.stopped().await;
            Ok(())
        })
    });
    match served {
        Ok(()) => Exit::Success,
        Err(error) => fail(&error),
    }
}

/// Serves simulated clouds on a free port and runs the exporter on them.
pub(super) fn demo(args: &DemoArgs) -> Exit {
    match runtime().and_then(|runtime| runtime.block_on(run_demo(args))) {
        Ok(exit) => exit,
        Err(error) => fail(&error),
    }
}

async fn run_demo(args: &DemoArgs) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let world = World::try_new(1, 1.0, World::TASKS)?;
    let clouds = start(anywhere, world, Faults::default(), &stop).await?;
    let env = environment(&clouds.url(), args.listen);
    let config = match Config::load_text(&demands(), "demo.toml", CONFIG, &env) {
        Ok(config) => config,
        Err(problems) => return Ok(refuse(&problems)),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let telemetry = Arc::new(Telemetry::start(&config.log, Arc::clone(&clock))?);
    let own = Arc::new(Own::new()?);
    let mut workshop = Workshop::new(Arc::clone(&clock), Arc::clone(&own) as Arc<dyn Observer>)?;
    let scheduled = match workshop.build(&config) {
        Ok(scheduled) => scheduled,
        Err(problems) => return Ok(refuse(&problems)),
    };
    greet_demo(args.listen, &clouds);
    let daemon = Daemon {
        config,
        scheduled,
        ledger: Box::new(Memory),
        clock,
        own,
        workshop,
        source: None,
        telemetry,
        passed: Vec::new(),
    };
    daemon.serve().await?;
    stop.cancel();
    clouds.stopped().await;
    Ok(Exit::Success)
}

/// Runs the daemon by `config` in the time of `clock`, until a signal: for a test in which a day passes in minutes.
///
/// # Errors
/// Why it cannot start.
#[doc(hidden)]
pub fn run_at(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<()> {
    let telemetry = Arc::new(Telemetry::start(&config.log, Arc::clone(&clock))?);
    let own = Arc::new(Own::new()?);
    let mut workshop = Workshop::new(Arc::clone(&clock), Arc::clone(&own) as Arc<dyn Observer>)?;
    let scheduled = workshop.build(&config).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let ledger = open(&config, &*clock)?;
    let passed = Vec::new();
    let daemon = Daemon { config, scheduled, ledger, clock, own, workshop, source: None, telemetry, passed };
    runtime()?.block_on(daemon.serve())
}

async fn start(
    listen: SocketAddr,
    world: World,
    faults: Faults,
    stop: &CancellationToken,
) -> anyhow::Result<Running> {
    let clock = Arc::new(SimClock::new(Arc::new(SystemClock)));
    let options = Options { listen, world, faults, clock };
    Simulator::start(options, faces(), stop.clone())
        .await
        .with_context(|| format!("cannot listen on {listen}; is something else running there? see --listen"))
}

/// What the demo's configuration takes from its environment: where the clouds are, and their keys.
fn environment(url: &str, listen: SocketAddr) -> BTreeMap<String, String> {
    let listen = format!("[\"{listen}\"]");
    [
        ("TASKRUN_WEB__LISTEN", listen.as_str()),
        ("TASKRUN_ACCOUNTS__MAIN__ENDPOINT", url),
        ("TASKRUN_ACCOUNTS__PLANT__GATEWAY", url),
    ]
    .into_iter()
    .chain(KEYS)
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The variables that `config/demo.toml` names, and the keys that the simulated clouds accept.
const KEYS: [(&str, &str); 4] = [
    ("TASKRUN_DEMO_SECRET_ID", tc3::SECRET_ID),
    ("TASKRUN_DEMO_SECRET_KEY", tc3::SECRET_KEY),
    ("TASKRUN_DEMO_ENOS_ACCESS_KEY", apim::ACCESS_KEY),
    ("TASKRUN_DEMO_ENOS_SECRET_KEY", apim::SECRET_KEY),
];

#[expect(clippy::print_stdout, reason = "this is for the person who started the demo")]
fn greet_demo(listen: SocketAddr, clouds: &Running) {
    println!("taskrun-exporter demo: four simulated clouds, watched like real ones\n");
    println!("  metrics   http://{listen}/metrics");
    println!("  status    http://{listen}/");
    println!("  clouds    {}/truth   what really happened, to compare with", clouds.url());
    println!("\nThe first runs appear within seconds. Stop it with Ctrl-C.\n");
}

#[expect(clippy::print_stdout, reason = "this is for the person who started the simulator")]
fn greet_simulator(clouds: &Running, program: &str) {
    println!("simulated clouds at {}\n", clouds.url());
    println!("To watch them with config/demo.toml, in another terminal:\n");
    for (name, value) in KEYS {
        println!("  export {name}={value}");
    }
    println!("  export TASKRUN_ACCOUNTS__MAIN__ENDPOINT={}", clouds.url());
    println!("  export TASKRUN_ACCOUNTS__PLANT__GATEWAY={}", clouds.url());
    println!("  export TASKRUN_STATE__PATH=/tmp/taskrun-demo");
    println!("  {program} run --config config/demo.toml     # the file is in the source tree\n");
    println!("What really happened: {}/truth", clouds.url());
}

/// Returns at SIGINT or SIGTERM.
async fn signalled() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    Ok(())
}
