//! What a million series take in memory: the whole exporter behind its socket, and its parts. Each is measured in a process
//! of its own, because what the system has given it can only be told of a process.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up ends here"
)]
#![expect(dead_code, reason = "the fleet is shared with other benchmarks")]

mod fleet;
mod mirror;

use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::app::natives;
use taskrun_exporter::keeper::{Keeper, Parts};
use taskrun_exporter::ledger::{Embedded, Names};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{
    Batch, CellPlan, Desk, Intake, Observation, PollReport, Reason, TaskInfo, TaskKey, Timestamp,
};
use taskrun_exporter::simulator::ManualClock;
use taskrun_exporter::state::Store;
use tokio::runtime::{Builder, Runtime};

/// Cells, as a large installation has them.
const CELLS: usize = 20;

/// Tasks of all cells, and how many of them have run lately; the others are listed by their source and have not. Both
/// mixes make a million series.
const MIXES: [(usize, usize); 2] = [(50_000, 18_700), (26_500, 26_500)];

/// Polls after the first, each with a new run of one task in a hundred.
const POLLS: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // Cargo adds a flag of its own.
    match arguments.iter().position(|argument| argument == "measure") {
        Some(at) => {
            let number = |at: usize| arguments[at].parse().unwrap();
            measure(&arguments[at + 1], (number(at + 2), number(at + 3)));
        }
        None => all(),
    }
}

fn all() {
    println!("| in memory | series | tasks | that ran | MiB | at most |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (tasks, ran) in MIXES {
        for what in
            ["exporter, first page", "exporter, 100 polls later", "its records alone", "the prometheus crate"]
        {
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["measure", what, &tasks.to_string(), &ran.to_string()])
                .output()
                .unwrap();
            assert!(child.status.success(), "{what}: {}", String::from_utf8_lossy(&child.stderr));
            print!("{}", String::from_utf8(child.stdout).unwrap());
        }
    }
}

fn measure(what: &str, (tasks, ran): (usize, usize)) {
    let fleet = Fleet { tasks: tasks / CELLS, ran: ran / CELLS };
    let before = status("VmRSS");
    let series = match what {
        "its records alone" => {
            let store = fleet.store();
            let series = store.series();
            print_row(what, series, (tasks, ran), before);
            return;
        }
        "the prometheus crate" => {
            let registry = mirror::registry(&fleet.store());
            mirror::series(&mirror::encode(&registry)) as u64
        }
        _ => {
            let polls = if what.contains("later") { POLLS } else { 0 };
            let exporter = Exporter::start();
            exporter.fill(&fleet);
            (0..polls).for_each(|n| exporter.change(&fleet, n));
            let page = exporter.keeper.published().page.clone();
            print_row(what, page.series as u64, (tasks, ran), before);
            return;
        }
    };
    print_row(what, series, (tasks, ran), before);
}

fn print_row(what: &str, series: u64, (tasks, ran): (usize, usize), before: u64) {
    let mib = |kib: u64| kib.div_ceil(1024);
    let (now, most) = (status("VmRSS"), status("VmHWM"));
    println!(
        "| {what} (begun with {} MiB) | {series} | {tasks} | {ran} | {} | {} |",
        mib(before),
        mib(now),
        mib(most)
    );
}

/// A figure of this process, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Tasks of one cell, and how many of them ran.
struct Fleet {
    tasks: usize,
    ran: usize,
}

impl Fleet {
    /// The tasks of a cell, two runs of those that ran.
    fn first(&self, cell: usize) -> Batch {
        let (ran, rest) = self.of(cell);
        let listed = ran.clone().chain(rest).map(|task| {
            let run = fleet::run(task, 0);
            (run.task, run.info)
        });
        let tasks: Vec<(TaskKey, TaskInfo)> = listed.collect();
        Batch { tasks, ..fleet::batch(ran, 2) }
    }

    fn of(&self, cell: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let first = cell * self.tasks;
        (first..first + self.ran, first + self.ran..first + self.tasks)
    }

    /// A run of one in a hundred tasks of all, in one cell.
    fn news(&self, n: usize) -> (usize, Vec<Observation>) {
        let (cell, count) = (n % CELLS, self.tasks * CELLS / 100);
        let (ran, _) = self.of(cell);
        let from = n / CELLS * count;
        let run = |at: usize| {
            let mut run = fleet::run(ran.start + (from + at) % ran.len(), 5 + n / CELLS);
            run.ended = run.ended.map(|ended| ended.plus(Duration::from_millis((n * at % 7919) as u64)));
            run
        };
        (cell, (0..count.min(ran.len())).map(run).collect())
    }

    fn store(&self) -> Store {
        let mut store = fleet::store();
        for cell in 0..CELLS {
            let plan = fleet::plan(cell);
            store.begin(&plan, fleet::NOW);
            fleet::take(&mut store, &plan, &self.first(cell));
        }
        store
    }
}

/// The keeper with its state on disk, as in production.
struct Exporter {
    runtime: Runtime,
    keeper: Keeper,
    _directory: tempfile::TempDir,
}

impl Exporter {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let names = Names { kinds: vec!["wedata"], natives: natives() };
        let ledger = Embedded::open(directory.path(), &names, fleet::NOW).unwrap();
        let (keeper, _thread) = Keeper::start(Parts {
            store: fleet::store(),
            ledger: Box::new(ledger),
            clock: Arc::new(ManualClock::new(fleet::NOW)),
            natives: natives(),
            own: Arc::new(Own::new().unwrap()),
        })
        .unwrap();
        Self { runtime: Builder::new_current_thread().build().unwrap(), keeper, _directory: directory }
    }

    fn fill(&self, fleet: &Fleet) {
        for cell in 0..CELLS {
            self.poll(&fleet::plan(cell), |_| fleet.first(cell));
        }
    }

    fn change(&self, fleet: &Fleet, n: usize) {
        let (cell, observations) = fleet.news(n);
        self.poll(&fleet::plan(cell), |_| Batch { observations, ..Batch::default() });
    }

    fn poll(&self, plan: &CellPlan, batch: impl FnOnce(Timestamp) -> Batch) {
        self.runtime.block_on(async {
            let window = self.keeper.begin(plan).await.unwrap();
            let intake: Arc<dyn Intake> = self.keeper.intake(&plan.key);
            let batch = batch(window.to);
            let batch = Batch { watermark: Some(window.to), complete: true, poll: window.poll, ..batch };
            intake.submit(batch).await.unwrap();
            let report = PollReport {
                cell: plan.key.clone(),
                at: window.to,
                took: Duration::from_millis(100),
                reason: Reason::Ok,
                fresh: true,
                requests: 3,
                skipped_ticks: 0,
                message: String::new(),
            };
            self.keeper.report(report).await.unwrap();
        });
    }
}
