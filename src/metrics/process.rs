//! The process' own figures, from `/proc`; nothing where there is no `/proc`.

use crate::model::Timestamp;
use std::fs;

/// What is known of the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: u64,
    pub(super) virtual_bytes: u64,
    pub(super) open_fds: u64,
    pub(super) max_fds: f64,
    pub(super) started: Timestamp,
}

/// Clock ticks a second in `/proc`: 100 on every Linux that Rust's standard library supports.
const TICKS: f64 = 100.0;

/// Milliseconds of a tick.
const TICK: i64 = 10;

#[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
pub(super) fn read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the command's name, may hold anything; the fields after its last parenthesis are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let boot: i64 = fs::read_to_string("/proc/stat")
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("btime "))
        .and_then(|text| text.trim().parse().ok())?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident_kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok())?;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let max_fds = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|text| text.split_ascii_whitespace().next())
        .map_or(f64::INFINITY, |text| text.parse().unwrap_or(f64::INFINITY));
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) as f64 / TICKS,
        resident_bytes: resident_kib * 1024,
        virtual_bytes: field(23)?,
        open_fds: fs::read_dir("/proc/self/fd").ok()?.count() as u64,
        max_fds,
        started: Timestamp::from_millis(boot * 1000 + i64::try_from(field(22)?).ok()? * TICK),
    })
}
