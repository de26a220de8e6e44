//! A month of one busy cell: `make month`. Every finished run of `MONTH_DAYS` days at `MONTH_RATE` a second goes through
//! the state into a state file with its syncs, in polls of half a minute, as in life but without pauses. Fails where the
//! file, the index or the process goes on growing once the first runs have been forgotten, or where a run is missing.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it reads what make tells it, measures real time, prints a table, and ends where it cannot be set up"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskrun_exporter::ledger::{Embedded, Ledger, Names};
use taskrun_exporter::model::{
    Batch, Buckets, CellKey, CellPlan, Observation, Outcome, Reach, RunId, RunState, TaskKey, Timestamp,
};
use taskrun_exporter::state::{Limits, Store};

const BEGIN: Timestamp = Timestamp::from_secs(1_750_000_000);
const DAY: Duration = Duration::from_secs(86_400);
const POLL: Duration = Duration::from_secs(30);
/// By what a day's figures may lie above those of the first day on which all was full.
const SLACK: f64 = 1.05;

fn plan() -> CellPlan {
    let bounds = [1.0, 10.0, 60.0, 600.0, 3600.0].into();
    let buckets = Buckets { duration: bounds, wait: [].into(), memory: [].into() };
    CellPlan {
        key: CellKey {
            kind: "scf",
            source: "busy".into(),
            region: "ap-guangzhou".into(),
            project: "p".into(),
        },
        reach: Reach { lookback: Duration::from_secs(3600), overlap: POLL },
        buckets,
        expected_interval: None,
        interval: Some(POLL),
    }
}

fn finished(n: u64, ended: Timestamp) -> Observation {
    let name = format!("function_{:03}", n % 100);
    let task = TaskKey { task: name.as_str().into(), ..TaskKey::default() };
    // As long as a RequestId.
    let run = RunId { instance: format!("{n:08x}-0000-4000-8000-{n:012x}").into(), round: 0 };
    let outcome = if n.is_multiple_of(100) { Outcome::Failed } else { Outcome::Success };
    Observation {
        started: Some(ended.minus(Duration::from_secs(1 + n % 100))),
        ended: Some(ended),
        ..Observation::new(task, run, RunState::Finished(outcome))
    }
}

/// A day's end: what is remembered, and what it takes.
struct Evening {
    runs: usize,
    file: u64,
    resident: u64,
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn asked(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a whole number"))
}

fn main() -> ExitCode {
    let (rate, days, kept) =
        (asked("MONTH_RATE", 100), asked("MONTH_DAYS", 30), asked("MONTH_RETENTION_DAYS", 7));
    let directory = tempfile::tempdir().unwrap();
    let names = Names { kinds: vec![plan().key.kind], natives: Vec::new() };
    let mut ledger = Embedded::open(directory.path(), &names, BEGIN).unwrap();
    let limits = Limits { series: u64::MAX, tasks_per_source: u64::MAX, runs: u64::MAX };
    let mut store = Store::new(limits, DAY * kept);
    let (mut runs, mut evenings) = (0, Vec::new());
    println!("{days} days at {rate} runs a second, remembered for {kept}");
    println!("day   remembered runs     file MiB   resident MiB   real seconds");
    for day in 0..days {
        let began = Instant::now();
        for poll in 1..=DAY.as_secs() / POLL.as_secs() {
            let now = BEGIN.plus(DAY * day).plus(Duration::from_secs(poll * POLL.as_secs()));
            let window = store.begin(&plan(), now);
            let of_poll = runs..runs + u64::from(rate) * POLL.as_secs();
            let ended = |n: u64| now.minus(Duration::from_secs(1 + n % POLL.as_secs()));
            let observations = of_poll.clone().map(|n| finished(n, ended(n))).collect();
            let batch = Batch { observations, watermark: Some(now), complete: true, ..Batch::of(&window) };
            let delta = store.apply(&plan().key, &batch, now).unwrap();
            ledger.commit(&delta).unwrap();
            store.adopt(delta);
            ledger.compact().unwrap();
            runs = of_poll.end;
        }
        let evening = Evening { runs: store.remembered_runs(), file: ledger.bytes(), resident: resident() };
        let took = began.elapsed().as_secs_f64();
        let (file, resident) = (evening.file >> 20, evening.resident >> 10);
        println!("{:3}   {:15}   {file:10}   {resident:12}   {took:12.1}", day + 1, evening.runs);
        evenings.push(evening);
    }
    drop((store, ledger));
    let began = Instant::now();
    let cells = Embedded::open(directory.path(), &names, BEGIN).unwrap().restore().unwrap().cells;
    println!("read back in {:.1} s", began.elapsed().as_secs_f64());
    let counted: u64 = cells.iter().flat_map(|cell| &cell.tasks).flat_map(|(_, task)| task.runs).sum();
    println!("{runs} runs finished, {counted} counted");
    verdict(runs == counted, &evenings, kept as usize + 1)
}

/// Whether no evening after the one on which all was `full` is above it.
fn verdict(all_counted: bool, evenings: &[Evening], full: usize) -> ExitCode {
    let flat = |what: fn(&Evening) -> u64| {
        evenings.get(full).is_none_or(|first| {
            let bound = bound_of(what(first));
            evenings[full..].iter().all(|evening| what(evening) <= bound)
        })
    };
    let flat = flat(|at| at.runs as u64) && flat(|at| at.file) && flat(|at| at.resident);
    println!("{}", if flat && all_counted { "PASS" } else { "FAIL" });
    if flat && all_counted { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes far below where it matters"
)]
fn bound_of(size: u64) -> u64 {
    (size as f64 * SLACK) as u64
}
