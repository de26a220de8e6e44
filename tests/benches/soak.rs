//! A day in minutes: `make soak`. The exporter in a process of its own, watching simulated clouds with noise in them, both
//! on a clock that runs as many times as fast. Fails where memory, file descriptors, threads or the state file go on
//! growing after the first quarter, where a scrape fails, or where the totals are not the truth.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "it reads what make tells it, measures real time, prints a table, and ends where it cannot be set up"
)]

#[path = "soak/clock.rs"]
mod clock;
#[path = "soak/sample.rs"]
mod sample;
#[path = "soak/totals.rs"]
mod totals;

use clock::FastClock;
use sample::{Samples, scrape};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskrun_exporter::app;
use taskrun_exporter::config::Config;
use taskrun_exporter::model::Clock as _;
use taskrun_exporter::simulator::{Faults, Options, SimClock, Simulator, World, apim, tc3};
use taskrun_exporter::sources::faces;
use tokio_util::sync::CancellationToken;

/// What is to pass.
const DAY: Duration = Duration::from_secs(86_400);
/// Every kind, as often as the clouds' documented rates allow in a time that is so much faster than theirs.
const CONFIG: &str = include_str!("soak/config.toml");
/// Errors have paths of their own, in which something can be kept for ever. What is slow, or refuses a signature, would
/// be so for hours of this clock; a row that a listing did not show is found by the overlap of two polls, which is as long
/// as ever while the time between them is not.
const NOISE: &str = "throttle=0.005,server=0.01,internal=0.005,torn=0.01,html=0.001,dup=0.05";
/// How long the clocks may stand until everything has been read to their end.
const REST: Duration = Duration::from_secs(180);
/// Tasks of each kind.
const TASKS: usize = 8;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let Some([clouds, folder, clock]) =
        args.iter().position(|arg| arg == "exporter").map(|at| &args[at + 1..])
    {
        watch(clouds, Path::new(folder), FastClock::read(clock));
        return ExitCode::SUCCESS;
    }
    let minutes: f64 = std::env::var("SOAK_MINUTES").map_or(10.0, |text| text.parse().expect("SOAK_MINUTES"));
    soak(Duration::from_secs_f64(minutes * 60.0))
}

/// The process that is watched: the daemon itself, until SIGTERM.
fn watch(clouds: &str, folder: &Path, clock: FastClock) {
    let env = [
        ("ID", tc3::SECRET_ID),
        ("KEY", tc3::SECRET_KEY),
        ("ENOS_ID", apim::ACCESS_KEY),
        ("ENOS_KEY", apim::SECRET_KEY),
        ("TASKRUN_STATE__PATH", folder.to_str().unwrap()),
        ("TASKRUN_ACCOUNTS__MAIN__ENDPOINT", clouds),
        ("TASKRUN_ACCOUNTS__PLANT__GATEWAY", clouds),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let config = Config::load_text(&app::demands(), "soak.toml", CONFIG, &env).unwrap();
    app::run_at(config, Arc::new(clock)).unwrap();
}

fn soak(takes: Duration) -> ExitCode {
    let clock = FastClock::start(DAY.as_secs_f64() / takes.as_secs_f64(), DAY);
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stop = CancellationToken::new();
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        world: World::try_new(1, 1.0, TASKS).unwrap(),
        faults: NOISE.parse::<Faults>().unwrap(),
        clock: Arc::new(SimClock::new(Arc::new(clock))),
    };
    let clouds = runtime.block_on(Simulator::start(options, faces(), stop.clone())).unwrap();
    let mut exporter = Exporter::start(&clouds.url(), &state, &log, &clock);
    let address = exporter.address(&log);
    println!("24 h in {takes:?} ({} times as fast), at http://{address}/", clock.speed().round());
    let mut samples = Samples::new(takes, exporter.0.id(), address, state.clone());
    let began = Instant::now();
    while began.elapsed() < takes {
        samples.take(began.elapsed());
        std::thread::sleep(Duration::from_millis(1000));
    }
    clouds.clouds.set_faults(Faults::default());
    println!("{samples}");
    let page = caught_up(address, clock.now().as_seconds());
    exporter.end();
    let mut failed = samples.failures();
    failed.extend(totals::differences(&clouds.clouds, &state, &page, clock.now()));
    if failed.is_empty() {
        println!("PASS");
        return ExitCode::SUCCESS;
    }
    println!("FAIL\n{}", failed.join("\n"));
    let log = fs::read_to_string(&log).unwrap_or_default();
    println!("the log's last lines:\n{}", log.lines().rev().take(10).collect::<Vec<_>>().join("\n"));
    ExitCode::FAILURE
}

/// The page, once every cell was read whole after the clocks had come to their end: twice, because the first such poll
/// may have begun before.
fn caught_up(address: SocketAddr, end: f64) -> String {
    let until = Instant::now() + REST;
    let (mut page, mut first) = (String::new(), None);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        page = scrape(address).unwrap_or_default();
        let cells = cells(&page);
        if cells.is_empty() || cells.values().any(|cell| cell.last != end) {
            continue;
        }
        let first: &BTreeMap<String, Cell> = first.get_or_insert_with(|| cells.clone());
        if cells.iter().all(|(key, now)| first.get(key).is_none_or(|then| now.polls >= then.polls + 2.0)) {
            break;
        }
    }
    page
}

/// A cell on the page.
#[derive(Clone, Default)]
struct Cell {
    last: f64,
    polls: f64,
}

/// By their labels, without those of discovery, which are asked every ten minutes only.
fn cells(page: &str) -> BTreeMap<String, Cell> {
    let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
    let polled = |line: &&str| line.contains("kind=\"tat\"") || line.contains("project=\"");
    for line in page.lines().filter(polled) {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        let Some((family, labels)) = name.split_once('{') else { continue };
        let value: f64 = value.parse().unwrap_or_default();
        match family {
            "taskrun_source_last_success_timestamp_seconds" => {
                cells.entry(labels.to_owned()).or_default().last = value;
            }
            "taskrun_source_polls_total" if labels.ends_with(",result=\"ok\"}") => {
                let labels = labels.replace(",result=\"ok\"}", "}");
                cells.entry(labels).or_default().polls = value;
            }
            _ => {}
        }
    }
    cells
}

/// The watched process, gone when this is.
struct Exporter(Child);

impl Exporter {
    fn start(clouds: &str, state: &Path, log: &Path, clock: &FastClock) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["exporter", clouds, state.to_str().unwrap(), &clock.to_string()]).env_clear();
        Self(command.stdin(Stdio::null()).stderr(File::create(log).unwrap()).spawn().unwrap())
    }

    fn address(&self, log: &Path) -> SocketAddr {
        for _ in 0..600 {
            let text = fs::read_to_string(log).unwrap();
            if let Some((_, rest)) = text.split_once("serving metrics at http://") {
                return rest.split('/').next().unwrap().parse().unwrap();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the exporter never served: {}", fs::read_to_string(log).unwrap());
    }

    fn end(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
