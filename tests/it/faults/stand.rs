//! An exporter with a source that is in trouble, one that is not, and somebody who scrapes all the while.

use super::wire::Wire;
use crate::page::Page;
use crate::rig::{Rig, Setup};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::app::page::LivePage;
use taskrun_exporter::http::{Limits, Server};
use taskrun_exporter::model::Clock;
use taskrun_exporter::simulator::{Faults, Options, Running, SimClock, Simulator, World};
use taskrun_exporter::sources::faces;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// The source in trouble, and its account.
pub(crate) const ILL: &str = "ill";
/// The source without.
pub(crate) const WELL: &str = "well";

/// Tasks of each kind: enough for runs of every outcome, few enough to be read in a moment.
const TASKS: usize = 3;

/// How far back the first poll of a source in trouble reads.
pub(crate) fn lookback(kind: &str) -> Duration {
    Duration::from_secs(match kind {
        "tat" => 2400,
        "enos" => 900,
        _ => 600,
    })
}

/// How fast its world goes. The first poll of TAT lists a day, most of which need not be there.
fn speed(kind: &str) -> f64 {
    if kind == "tat" { 0.25 } else { 1.0 }
}

/// What a stand is built with beside the kind.
pub(crate) struct Wants<'a> {
    /// The deadline of one call of the source in trouble.
    pub(crate) timeout: &'a str,
    /// The host by which it reaches the wire.
    pub(crate) host: &'a str,
    /// Where it calls, in place of the wire.
    pub(crate) url: Option<&'a str>,
    /// Lines of its account in place of the known keys.
    pub(crate) keys: Option<&'a str>,
    pub(crate) tasks: usize,
    /// How many tasks of it may have series of their own.
    pub(crate) most_tasks: u64,
    /// The exporter's clock where it is not the clouds'.
    pub(crate) clock: Option<Arc<SimClock>>,
}

impl Default for Wants<'_> {
    fn default() -> Self {
        let (timeout, host, url, keys) = ("10s", "127.0.0.1", None, None);
        Self { timeout, host, url, keys, tasks: TASKS, most_tasks: 200_000, clock: None }
    }
}

pub(crate) struct Stand {
    pub(crate) rig: Rig,
    pub(crate) wire: Wire,
    pub(crate) site: SocketAddr,
    _server: Server,
    _well: (Running, DropGuard),
}

impl Stand {
    pub(crate) async fn start(kind: &str, wants: Wants<'_>) -> Self {
        let Setup { clouds, limits, .. } = Setup::default();
        let wire = Wire::open().await;
        // Of clouds of its own, so that what befalls the clouds of one does not befall the other.
        let stop = CancellationToken::new();
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            world: World::try_new(1, 1.0, 2).unwrap(),
            faults: Faults::default(),
            clock: Arc::clone(&clouds),
        };
        let well = Simulator::start(options, faces(), stop.clone()).await.unwrap();
        let sources = sources(kind, &wants, wire.addr, well.addr);
        let setup = Setup {
            tasks: wants.tasks,
            speed: speed(kind),
            clock: wants.clock.unwrap_or_else(|| Arc::clone(&clouds)),
            clouds,
            limits: taskrun_exporter::state::Limits { tasks_per_source: wants.most_tasks, ..limits },
            ..Setup::default()
        };
        let rig = Rig::of(&sources, setup).await;
        wire.lead_to(rig.clouds.addr);
        let page =
            LivePage::new(rig.keeper.clone(), Arc::clone(&rig.own), Arc::clone(&rig.clock) as Arc<dyn Clock>);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Server::start(vec![listener], Arc::new(page), None, Limits::default()).unwrap();
        let site = server.addresses()[0];
        Self { rig, wire, site, _server: server, _well: (well, stop.drop_guard()) }
    }

    /// What a scrape shows now.
    pub(crate) async fn page(&self) -> Page {
        Page::read(&get(self.site, "/metrics").await)
    }

    /// Scrapes until it is dropped.
    pub(crate) fn watch(&self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(scrape(self.site)))
    }

    /// When the last poll of `source` was read whole, less the present: 0 right after it.
    pub(crate) fn age(&self, page: &Page, source: &str) -> f64 {
        let last = page
            .of("taskrun_source_last_success_timestamp_seconds")
            .filter(|sample| sample.label("source") == source)
            .map(|sample| sample.value)
            .fold(f64::INFINITY, f64::min);
        self.rig.clock.now().secs() as f64 - last
    }
}

/// The configuration of both sources, and of an account for each.
fn sources(kind: &str, wants: &Wants<'_>, wire: SocketAddr, well: SocketAddr) -> String {
    let provider = if kind == "enos" { "enos" } else { "tencentcloud" };
    let wired = format!("http://{}:{}", wants.host, wire.port());
    let (url, timeout) = (wants.url.unwrap_or(&wired), wants.timeout);
    let account = match provider {
        "enos" => {
            let keys = "access_key = { env = \"ENOS_ID\" }\nsecret_key = { env = \"ENOS_KEY\" }";
            let keys = wants.keys.unwrap_or(keys);
            format!(
                "gateway = \"{url}\"\n{keys}\norg_id = \"o15000000000001\"\nuser_id = \"u15000000000001\"\n\
                 requests_per_second = 18.0"
            )
        }
        _ => {
            let keys = "credentials = { secret_id = { env = \"ID\" }, secret_key = { env = \"KEY\" } }";
            format!("endpoint = \"{url}\"\n{}\nbudget = 1.0", wants.keys.unwrap_or(keys))
        }
    };
    let regions = if kind == "enos" { "" } else { "regions = [\"ap-guangzhou\"]\n" };
    let settings = match kind {
        "wedata" => "projects = [\"1460947878944567296\"]\ndetail = \"failed\"\nwindow = \"6h\"",
        "scf" => "namespaces = [\"default\", \"etl\"]",
        "enos" => "flow_types = [\"manual\", \"periodic\", \"temporary\"]",
        _ => "",
    };
    let lookback = lookback(kind).as_secs();
    // Kinds whose first poll reads little: the one in trouble is what takes time here.
    let (other, few) = match kind {
        "wedata" => ("scf", ""),
        _ => ("wedata", "projects = [\"1460947878944567296\"]\nwindow = \"1h\"\ndetail = \"never\"\n"),
    };
    format!(
        "[accounts.{ILL}]\nprovider = \"{provider}\"\n{account}\ntimeout = \"{timeout}\"\n\
         [accounts.{WELL}]\nprovider = \"tencentcloud\"\nendpoint = \"http://{well}\"\nbudget = 1.0\n\
         credentials = {{ secret_id = {{ env = \"ID\" }}, secret_key = {{ env = \"KEY\" }} }}\n\
         [sources.{ILL}]\nkind = \"{kind}\"\naccount = \"{ILL}\"\n{regions}schedule = \"30s\"\n\
         [sources.{ILL}.settings]\n{settings}\nlookback = \"{lookback}s\"\n\
         [sources.{WELL}]\nkind = \"{other}\"\naccount = \"{WELL}\"\nregions = [\"ap-guangzhou\"]\n\
         schedule = \"30s\"\n[sources.{WELL}.settings]\n{few}lookback = \"2m\"\n"
    )
}

/// The body of an answer, which has to be a good one.
pub(crate) async fn get(site: SocketAddr, path: &str) -> String {
    let ask = async {
        let mut stream = TcpStream::connect(site).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8(answer).expect("a page is UTF-8"))
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), ask).await;
    let answer = answer.unwrap_or_else(|_| panic!("{path} does not answer")).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    body.to_owned()
}

/// Scrapes for ever: every page is there, can be read, and shows no counter below the page before.
async fn scrape(site: SocketAddr) {
    let mut before: Option<Page> = None;
    loop {
        let page = Page::read(&get(site, "/metrics").await);
        if let Some(before) = &before {
            never_less(before, &page);
        }
        before = Some(page);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn never_less(before: &Page, now: &Page) {
    let shown: std::collections::BTreeMap<_, f64> =
        now.samples.iter().map(|sample| ((&sample.name, &sample.labels), sample.value)).collect();
    let counts = ["_total", "_count", "_sum", "_bucket"];
    for sample in before.samples.iter().filter(|one| counts.iter().any(|end| one.name.ends_with(end))) {
        let value = shown.get(&(&sample.name, &sample.labels)).copied();
        assert!(value.is_some_and(|value| value >= sample.value), "{sample:?} became {value:?}");
    }
}
