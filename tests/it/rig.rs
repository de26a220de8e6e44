//! Simulated clouds, the real clients and the real keeper in one process, in a time that the test turns.

use crate::page::Page;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use taskrun_exporter::app::build::Workshop;
use taskrun_exporter::app::{demands, natives};
use taskrun_exporter::config::Config;
use taskrun_exporter::expose::{self, Format};
use taskrun_exporter::keeper::{Keeper, Parts};
use taskrun_exporter::ledger::{Ledger, Memory};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{CellKey, CellPlan, Clock, Desk as _, Observer, Timestamp};
use taskrun_exporter::schedule::{self, Scheduled};
use taskrun_exporter::simulator::{
    Faults, ManualClock, Options, Running, SimClock, Simulator, World, apim, tc3,
};
use taskrun_exporter::sources::{Read, faces};
use taskrun_exporter::state::{Limits, Store};
use tokio_util::sync::CancellationToken;

/// The time at which the tests' worlds begin to be watched.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_750_000_000);

/// What a rig is started with beside its sources.
pub(crate) struct Setup<'a> {
    /// Whose world it is.
    pub(crate) seed: u64,
    /// Tasks of each kind.
    pub(crate) tasks: usize,
    /// How fast it goes.
    pub(crate) speed: f64,
    /// Settings by environment on top.
    pub(crate) env: &'a [(&'a str, &'a str)],
    /// The clouds' time.
    pub(crate) clouds: Arc<SimClock>,
    /// The exporter's time.
    pub(crate) clock: Arc<SimClock>,
    /// How many tasks may have series of their own.
    pub(crate) limits: Limits,
    /// Where what is counted is kept.
    pub(crate) ledger: Box<dyn Ledger>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        let clock = Arc::new(SimClock::new(Arc::new(ManualClock::new(START))));
        let limits = Limits { series: 2_000_000, tasks_per_source: 200_000, runs: u64::MAX };
        let ledger = Box::new(Memory);
        let clouds = Arc::clone(&clock);
        Self { seed: 1, tasks: World::TASKS, speed: 1.0, env: &[], clouds, clock, limits, ledger }
    }
}

/// The accounts that every test's sources read with. The whole documented rate, so that tests wait less.
const ACCOUNTS: &str = r#"
[accounts.main]
provider = "tencentcloud"
credentials = { secret_id = { env = "ID" }, secret_key = { env = "KEY" } }
endpoint = "http://CLOUDS"
budget = 1.0

[accounts.plant]
provider = "enos"
gateway = "http://CLOUDS"
access_key = { env = "ENOS_ID" }
secret_key = { env = "ENOS_KEY" }
org_id = "o15000000000001"
user_id = "u15000000000001"
requests_per_second = 18.0
"#;

/// One source of each kind, small enough to be read in a moment at the documented rates.
pub(crate) fn source(kind: &str) -> String {
    let (account, regions, settings) = match kind {
        "wedata" => ("main", true, "projects = [\"*\"]\ndetail = \"failed\"\nlookback = \"30m\""),
        "tat" => ("main", true, "lookback = \"30m\""),
        "scf" => ("main", true, "namespaces = [\"*\"]\nlookback = \"30m\""),
        "enos" => {
            ("plant", false, "flow_types = [\"manual\", \"periodic\", \"temporary\"]\nlookback = \"2h\"")
        }
        other => panic!("say how {other} is watched in tests"),
    };
    let regions = if regions { "regions = [\"ap-guangzhou\"]\n" } else { "" };
    format!(
        "[sources.{kind}]\nkind = \"{kind}\"\naccount = \"{account}\"\n{regions}schedule = \"30s\"\n[sources.{kind}.settings]\n{settings}\n"
    )
}

pub(crate) struct Rig {
    pub(crate) clouds: Running,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) keeper: Keeper,
    pub(crate) own: Arc<Own>,
    pub(crate) config: Config,
    pub(crate) scheduled: Vec<Scheduled>,
    thread: Option<JoinHandle<()>>,
    limits: Limits,
    stop: CancellationToken,
    /// The cells of each source, and when they were last asked for.
    known: Mutex<BTreeMap<usize, (Timestamp, Vec<CellKey>)>>,
}

impl Rig {
    /// A world of `seed` at [`START`], with these sources on it.
    pub(crate) async fn start(sources: &str, seed: u64) -> Self {
        Self::with(sources, seed, &[]).await
    }

    /// The same, with settings by environment on top.
    pub(crate) async fn with(sources: &str, seed: u64, env: &[(&str, &str)]) -> Self {
        Self::of(sources, Setup { seed, env, ..Setup::default() }).await
    }

    /// A world as `setup` wants it.
    pub(crate) async fn of(sources: &str, setup: Setup<'_>) -> Self {
        let Setup { seed, tasks, speed, env, clouds, clock, limits, ledger } = setup;
        let world = World::try_new(seed, speed, tasks).unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, world, faults: Faults::default(), clock: clouds };
        let stop = CancellationToken::new();
        let clouds = Simulator::start(options, faces(), stop.clone()).await.unwrap();
        let text = format!("{ACCOUNTS}{sources}").replace("CLOUDS", &clouds.addr.to_string());
        let keys = [
            ("ID", tc3::SECRET_ID),
            ("KEY", tc3::SECRET_KEY),
            ("ENOS_ID", apim::ACCESS_KEY),
            ("ENOS_KEY", apim::SECRET_KEY),
        ];
        let env: BTreeMap<String, String> =
            keys.iter().chain(env).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Config::load_text(&demands(), "test.toml", &text, &env).unwrap();
        let own = Arc::new(Own::new().unwrap());
        let (keeper, thread, scheduled) = assemble(&config, &clock, &own, limits, ledger);
        let known = Mutex::default();
        let thread = Some(thread);
        Self { clouds, clock, keeper, own, config, scheduled, thread, limits, stop, known }
    }

    /// Another process: of what this one remembers only what is kept is left.
    pub(crate) fn restart(&mut self, ledger: impl FnOnce() -> Box<dyn Ledger>) {
        // The old keeper has to be gone before its ledger can be opened.
        self.assemble(Box::new(Memory));
        self.assemble(ledger());
    }

    fn assemble(&mut self, ledger: Box<dyn Ledger>) {
        let (keeper, thread, scheduled) = assemble(&self.config, &self.clock, &self.own, self.limits, ledger);
        (self.keeper, self.scheduled) = (keeper, scheduled);
        if let Some(old) = self.thread.replace(thread) {
            old.join().unwrap();
        }
    }

    /// Polls every source once; whether all of them were read whole.
    pub(crate) async fn poll(&self) -> bool {
        let mut all = true;
        for one in &self.scheduled {
            all &= schedule::once(one, &self.keeper, &*self.clock).await;
        }
        all
    }

    /// Polls every cell once as the daemon does: the source is asked for its cells when that is due, not at every poll.
    pub(crate) async fn tick(&self) {
        for (n, one) in self.scheduled.iter().enumerate() {
            let now = self.clock.now();
            let known = self.known.lock().unwrap().get(&n).cloned();
            let fresh = |(at, _): &(Timestamp, Vec<CellKey>)| {
                one.source.rediscover().is_none_or(|rest| now < at.plus(rest))
            };
            let cells = match known.filter(fresh) {
                Some((_, cells)) => cells,
                None => {
                    let cells = one.source.discover().await.unwrap();
                    self.known.lock().unwrap().insert(n, (now, cells.clone()));
                    cells
                }
            };
            for key in cells {
                let plan = CellPlan {
                    key: key.clone(),
                    reach: one.source.reach(),
                    buckets: one.buckets.clone(),
                    expected_interval: None,
                    interval: None,
                };
                let window = self.keeper.begin(&plan).await.unwrap();
                let read = one.source.poll(&key, &window, &*self.keeper.intake(&key)).await.unwrap();
                assert_eq!(read, Read::Whole, "{key}");
            }
        }
    }

    /// Polls one source once; whether it was read whole.
    pub(crate) async fn poll_of(&self, source: &str) -> bool {
        let mut all = true;
        for one in self.scheduled.iter().filter(|one| &*one.name == source) {
            all &= schedule::once(one, &self.keeper, &*self.clock).await;
        }
        all
    }

    pub(crate) fn advance(&self, secs: i64) {
        self.clock.advance(secs * 1000);
    }

    pub(crate) fn afflict(&self, faults: &str) {
        self.clouds.clouds.set_faults(faults.parse().unwrap());
    }

    /// The page of run families.
    pub(crate) fn text(&self) -> String {
        let published = self.keeper.published();
        String::from_utf8(published.page.document(Format::Text).text()).unwrap()
    }

    /// The exporter's own metrics.
    pub(crate) fn own_text(&self) -> String {
        String::from_utf8(expose::own(&self.own, Format::Text)).unwrap()
    }

    pub(crate) fn page(&self) -> Page {
        Page::read(&self.text())
    }
}

/// The sources and the keeper, as a process begins with them.
fn assemble(
    config: &Config,
    clock: &Arc<SimClock>,
    own: &Arc<Own>,
    limits: Limits,
    mut ledger: Box<dyn Ledger>,
) -> (Keeper, JoinHandle<()>, Vec<Scheduled>) {
    let time: Arc<dyn Clock> = Arc::clone(clock) as _;
    let mut workshop = Workshop::new(Arc::clone(&time), Arc::clone(own) as Arc<dyn Observer>).unwrap();
    let scheduled = workshop.build(config).unwrap();
    let mut store = Store::new(limits, Duration::from_secs(7 * 86_400));
    store.restore(ledger.restore().unwrap(), time.now(), |_| Some(Duration::ZERO));
    let parts = Parts { store, ledger, clock: time, natives: natives(), own: Arc::clone(own) };
    let (keeper, thread) = Keeper::start(parts).unwrap();
    (keeper, thread, scheduled)
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
