//! The daemon: bind, keep, serve, poll, until a signal.

use super::build::{Workshop, places};
use super::page::{LivePage, Place};
use super::{Prepared, fail, load, names, natives, prepare};
use crate::cli::{ConfigArgs, Exit};
use crate::config::Config;
use crate::http::{self, Reload, Server};
use crate::keeper::{Keeper, Parts};
use crate::ledger::{Embedded, Ledger};
use crate::metrics::Own;
use crate::model::{Clock, Desk};
use crate::schedule::{Fleet, Scheduled};
use crate::state::{Limits, Store};
use crate::systemd;
use crate::telemetry::Telemetry;
use anyhow::Context as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// How long polls under way may take to end when the exporter stops.
const POLL_GRACE: Duration = Duration::from_secs(3);
/// How long answers under way may take to end when the exporter stops.
const SCRAPE_GRACE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &ConfigArgs) -> Exit {
    // First of all, while there is but one thread: see there.
    let passed = match systemd::listeners().context("the sockets that systemd passed") {
        Ok(passed) => passed,
        Err(error) => return fail(&error),
    };
    let Prepared { config, clock, own, workshop, scheduled } = match prepare(args) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let telemetry = match Telemetry::start(&config.log, Arc::clone(&clock)) {
        Ok(telemetry) => Arc::new(telemetry),
        Err(error) => return fail(&error.into()),
    };
    let ledger = match open(&config, &*clock) {
        Ok(ledger) => ledger,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the exporter cannot start");
            return Exit::Failure;
        }
    };
    let source = Source { args: args.clone() };
    // Kept here to the end too: what is queued is written when the last holder lets go, the line on a failed start last.
    let held = Arc::clone(&telemetry);
    let daemon = Daemon {
        config,
        scheduled,
        ledger,
        clock,
        own,
        workshop,
        source: Some(source),
        telemetry: held,
        passed,
    };
    match runtime().and_then(|runtime| runtime.block_on(daemon.serve())) {
        Ok(()) => Exit::Success,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the exporter cannot go on");
            Exit::Failure
        }
    }
}

/// Where the configuration came from, for reading it again.
pub(super) struct Source {
    args: ConfigArgs,
}

/// Everything the daemon starts with.
pub(super) struct Daemon {
    pub(super) config: Config,
    pub(super) scheduled: Vec<Scheduled>,
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) own: Arc<Own>,
    pub(super) workshop: Workshop,
    pub(super) source: Option<Source>,
    pub(super) telemetry: Arc<Telemetry>,
    /// Sockets that somebody else opened; the configuration's addresses are not used where there are any.
    pub(super) passed: Vec<TcpListener>,
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")
}

/// The state file of the configuration, and what it holds.
pub(super) fn open(config: &Config, clock: &dyn Clock) -> anyhow::Result<Box<dyn Ledger>> {
    let ledger = Embedded::open(&config.state.path, &names(), clock.now()).context("state.path")?;
    Ok(Box::new(ledger))
}

/// A keeper that goes on where `ledger` left off. What is kept of sources that `scheduled` does not have is left alone,
/// and not shown.
pub(super) fn keeper(
    config: &Config,
    mut ledger: Box<dyn Ledger>,
    scheduled: &[Scheduled],
    clock: &Arc<dyn Clock>,
    own: &Arc<Own>,
) -> anyhow::Result<(Keeper, JoinHandle<()>)> {
    let limits = Limits {
        series: config.limits.series as u64,
        tasks_per_source: config.limits.tasks_per_source as u64,
        runs: config.limits.runs as u64,
    };
    let mut store = Store::new(limits, config.state.retention.0);
    let restored = ledger.restore().context("the state cannot be restored")?;
    own.damaged(restored.damaged);
    let now = clock.now();
    store.restore(restored, now, |cell| {
        let polls =
            |one: &&Scheduled| one.kind == cell.kind && one.name == cell.source && one.region == cell.region;
        scheduled.iter().find(polls).map(|one| one.schedule.longest_interval(now))
    });
    let parts = Parts { store, ledger, clock: Arc::clone(clock), natives: natives(), own: Arc::clone(own) };
    Keeper::start(parts).context("no thread for the keeper")
}

/// A wish for a reload, and where its outcome goes.
type Wish = oneshot::Sender<Result<(), String>>;

impl Daemon {
    pub(super) async fn serve(self) -> anyhow::Result<()> {
        let Self { config, scheduled, ledger, clock, own, workshop, source, telemetry, passed } = self;
        let listeners = if passed.is_empty() { listen(&config)? } else { passed };
        let (keeper, thread) = keeper(&config, ledger, &scheduled, &clock, &own)?;
        let page =
            Arc::new(LivePage::new(keeper.clone(), Arc::clone(&own), Arc::clone(&clock), places(&scheduled)));
        let (wishes, mut wished) = mpsc::channel::<Wish>(1);
        let limits = http::Limits {
            max_connections: config.web.max_connections,
            max_concurrent_scrapes: config.web.max_concurrent_scrapes,
            ..http::Limits::default()
        };
        let reload = config.web.enable_reload.then(|| reload_by(wishes.clone()));
        let server =
            Server::start(listeners, Arc::clone(&page) as _, reload, limits).context("cannot serve")?;
        for address in server.addresses() {
            tracing::info!(%address, "serving metrics at http://{address}/metrics");
        }
        own.reloaded(true, clock.now());
        let desk: Arc<dyn Desk> = Arc::new(keeper);
        let (mut end, mut hup) = (End::new()?, caught(SignalKind::hangup())?);
        let fleet = Fleet::start(scheduled, Arc::clone(&desk), Arc::clone(&clock));
        let mut polling = Some(Polling { fleet, workshop, source, telemetry, page, desk, clock, own });
        systemd::ready();
        while let Some(running) = polling.take() {
            let wish = tokio::select! {
                biased;
                () = end.comes() => {
                    polling = Some(running);
                    break;
                }
                _ = hup.recv() => None,
                Some(wish) = wished.recv() => Some(wish),
            };
            // A reload waits for the keeper, which may wait for room on a disk; the end waits for neither.
            tokio::select! {
                biased;
                () = end.comes() => break,
                reloaded = running.reload(wish) => polling = Some(reloaded),
            }
        }
        tracing::info!("stopping");
        systemd::stopping();
        if let Some(Polling { fleet, page, desk, .. }) = polling {
            fleet.stop(POLL_GRACE).await;
            drop((page, desk));
        }
        server.stop(SCRAPE_GRACE).await;
        // The keeper ends when nobody can ask it any more; what it was handed is kept before that.
        tokio::task::spawn_blocking(move || thread.join()).await.ok();
        tracing::info!("stopped");
        Ok(())
    }
}

/// What a reload replaces, and what it needs for that.
struct Polling {
    fleet: Fleet,
    workshop: Workshop,
    source: Option<Source>,
    telemetry: Arc<Telemetry>,
    page: Arc<LivePage>,
    desk: Arc<dyn Desk>,
    clock: Arc<dyn Clock>,
    own: Arc<Own>,
}

impl Polling {
    /// Reads the configuration again. If it is good, everything is polled as it says, with what is counted kept; if not,
    /// all goes on as it was.
    async fn reload(mut self, wish: Option<Wish>) -> Self {
        systemd::reloading();
        let outcome = match &self.source {
            None => Err("there is no configuration file to read again".to_owned()),
            Some(source) => load(&source.args)
                .and_then(|config| {
                    let scheduled = self.workshop.build(&config)?;
                    if let Err(error) = self.telemetry.set_level(&config.log) {
                        tracing::warn!(%error, "the log's level stays as it was");
                    }
                    Ok(scheduled)
                })
                .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        };
        self.own.reloaded(outcome.is_ok(), self.clock.now());
        let answer = match outcome {
            Ok(scheduled) => {
                tracing::info!("configuration read again; [web], [state] and [limits] change with a restart");
                self = self.replace(scheduled).await;
                Ok(())
            }
            Err(problems) => {
                for problem in problems.lines() {
                    tracing::error!(problem, "configuration not taken over; polling goes on as before");
                }
                Err(problems)
            }
        };
        if let Some(wish) = wish {
            // Whoever asked may have gone away.
            let _gone = wish.send(answer);
        }
        systemd::ready();
        self
    }

    async fn replace(self, scheduled: Vec<Scheduled>) -> Self {
        let Self { fleet, workshop, source, telemetry, page, desk, clock, own } = self;
        fleet.stop(POLL_GRACE).await;
        let places = places(&scheduled);
        for cell in page.cells() {
            let place: Place = (cell.kind, cell.source.clone(), cell.region.clone());
            if !places.contains(&place) && desk.retire(cell).await.is_err() {
                break;
            }
        }
        page.expect(places);
        let fleet = Fleet::start(scheduled, Arc::clone(&desk), Arc::clone(&clock));
        Self { fleet, workshop, source, telemetry, page, desk, clock, own }
    }
}

fn reload_by(wishes: mpsc::Sender<Wish>) -> Reload {
    Box::new(move || {
        let wishes = wishes.clone();
        Box::pin(async move {
            let (wish, outcome) = oneshot::channel();
            let stopping = || "the exporter is stopping".to_owned();
            wishes.send(wish).await.map_err(|_| stopping())?;
            outcome.await.map_err(|_| stopping())?
        })
    })
}

fn listen(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
    let bind = |address| {
        TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}; is another exporter running there? see web.listen")
        })
    };
    config.web.listen.iter().map(bind).collect()
}

/// The signals that end the daemon.
struct End {
    term: Signal,
    int: Signal,
}

impl End {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { term: caught(SignalKind::terminate())?, int: caught(SignalKind::interrupt())? })
    }

    /// Returns when one of them comes.
    async fn comes(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

fn caught(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("signals cannot be caught")
}
