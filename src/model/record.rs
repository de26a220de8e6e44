//! What is remembered: the records that the ledger keeps and the exposition is a view of.

use super::{
    CellKey, Gaps, Histogram, ItemSet, Label, NativeGauge, Observation, Outcome, Reason, RejectCause, RunId,
    RunState, SeenChange, TaskInfo, TaskKey, Timestamp,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds of histogram buckets, `+Inf` left out, in base units (seconds, bytes).
#[derive(Clone, PartialEq, Debug)]
pub struct Buckets {
    /// Of run durations, in seconds.
    pub duration: Arc<[f64]>,
    /// Of waits, in seconds.
    pub wait: Arc<[f64]>,
    /// Of memory, in bytes.
    pub memory: Arc<[f64]>,
}

/// Duration histograms by outcome; only those that have an observation exist.
pub type DurationCounts = [Option<Box<Histogram>>; 3];

/// The order of a task's runs: planned, else start, else creation; equal times by round, then by id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderKey {
    /// Planned time, else start, else creation.
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
}

impl Ord for OrderKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.run.round, &self.run.instance).cmp(&(other.at, other.run.round, &other.run.instance))
    }
}

impl PartialOrd for OrderKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The last finished run of a task.
#[derive(Clone, PartialEq, Debug)]
pub struct FinishedRun {
    /// Which, and where in the task's order.
    pub order: OrderKey,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was to run.
    pub planned: Option<Timestamp>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Its return or exit code.
    pub return_code: Option<i64>,
    /// The memory it used, in bytes.
    pub memory_bytes: Option<u64>,
}

impl FinishedRun {
    /// Start less planned time, in seconds; negative where it started early. `None` where one is not told.
    pub fn start_delay(&self) -> Option<f64> {
        Some(self.started?.as_seconds() - self.planned?.as_seconds())
    }
}

/// A failed run that is remembered for `consecutive_failures` and the info family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedRun {
    /// Which, and where in the task's order.
    pub order: OrderKey,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, or when that became known.
    pub ended: Timestamp,
    /// Its return or exit code.
    pub return_code: Option<i64>,
}

/// A successful run, remembered for the time of the last success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastSuccess {
    /// Which, and where in the task's order.
    pub order: OrderKey,
    /// When it ended, or when that became known.
    pub ended: Timestamp,
}

/// A run that has not finished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveRun {
    /// Which run.
    pub run: RunId,
    /// Where it stands; never finished.
    pub state: RunState,
    /// What contains it; see [`Observation::parent`].
    pub parent: Arc<str>,
    /// When it was to run.
    pub planned: Option<Timestamp>,
    /// When it started, else was planned, else created.
    pub since: Option<Timestamp>,
    /// The last poll that showed it.
    pub last_poll: u64,
    /// Complete polls in a row that did not show it.
    pub missed: u8,
}

/// The values of a kind's own gauges, of the task's newest run.
#[derive(Clone, PartialEq, Debug)]
pub struct Native {
    /// The run they are of.
    pub order: OrderKey,
    /// The values.
    pub values: Vec<(&'static NativeGauge, f64)>,
}

/// Everything remembered of one task: the accumulators and the gauges' sources. What many tasks do not have is boxed.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskRecord {
    /// When the task became known: from then on its counters count.
    pub since: Timestamp,
    /// When it was last listed or a run of it last seen; a day or less out of date.
    pub heard: Timestamp,
    /// What is told of the task.
    pub info: TaskInfo,
    /// The order of the run that told it last.
    pub info_order: Option<OrderKey>,
    /// The time between two runs.
    pub expected_interval: Option<Duration>,
    /// Finished runs by outcome, in the order of [`Outcome::ALL`].
    pub runs: [u64; 5],
    /// Durations of success, failed, timeout.
    pub durations: DurationCounts,
    /// Waits by phase, in the order of [`super::WaitPhase::ALL`].
    pub waits: [Option<Box<Histogram>>; 2],
    /// Memory used by runs.
    pub memory: Option<Box<Histogram>>,
    /// Runs by return code; at most 32 codes.
    pub codes: BTreeMap<i64, u64>,
    /// Runs whose code came after the 32nd.
    pub other_codes: u64,
    /// Billed time, in microseconds; `None` where no run told any.
    pub billed_micros: Option<u64>,
    /// Automatic retries of finished runs; `None` where the kind knows none.
    pub retries: Option<u64>,
    /// Finished runs whose outcome changed later.
    pub revised: u64,
    /// Undocumented states seen, once per run and code.
    pub unknown_states: u64,
    /// Log lines by level; `None` where no log was read.
    pub log_lines: Option<Box<[u64; super::LOG_LEVELS.len()]>>,
    /// Bytes of log read.
    pub log_bytes: u64,
    /// The last finished run.
    pub last: Option<Box<FinishedRun>>,
    /// The newest two successes, newest first.
    pub successes: Vec<LastSuccess>,
    /// The newest failures, oldest first, bounded.
    pub failures: Vec<FailedRun>,
    /// Failures after the last success that the bound pushed out of `failures`.
    pub older_failures: u64,
    /// Runs not finished.
    pub active: Vec<ActiveRun>,
    /// The kind's own gauges.
    pub native: Option<Box<Native>>,
}

impl TaskRecord {
    /// A task just become known.
    pub fn new(since: Timestamp) -> Self {
        Self {
            since,
            heard: since,
            info: TaskInfo::default(),
            info_order: None,
            expected_interval: None,
            runs: [0; 5],
            durations: [None, None, None],
            waits: [None, None],
            memory: None,
            codes: BTreeMap::new(),
            other_codes: 0,
            billed_micros: None,
            retries: None,
            revised: 0,
            unknown_states: 0,
            log_lines: None,
            log_bytes: 0,
            last: None,
            successes: Vec::new(),
            failures: Vec::new(),
            older_failures: 0,
            active: Vec::new(),
            native: None,
        }
    }

    /// Gives back the room that its lists do not need: a list begins with room for four.
    pub fn shrink(&mut self) {
        self.successes.shrink_to_fit();
        self.failures.shrink_to_fit();
        self.active.shrink_to_fit();
    }

    /// Its histograms.
    pub fn histograms(&self) -> impl Iterator<Item = &Histogram> {
        self.durations.iter().chain(&self.waits).chain([&self.memory]).flatten().map(|histogram| &**histogram)
    }

    /// The latest end of the runs of an outcome that are remembered one by one.
    pub fn newest_end(&self, outcome: Outcome) -> Option<Timestamp> {
        let failures = self.failures.iter().filter(|failure| failure.outcome == outcome).map(|run| run.ended);
        let successes = self.successes.iter().filter(|_| outcome == Outcome::Success).map(|run| run.ended);
        failures.chain(successes).max()
    }

    /// The time since when the oldest run of each current state stands, in the order of [`RunState::CURRENT`].
    pub fn oldest_active(&self) -> [Option<Timestamp>; 4] {
        let mut oldest = [None; 4];
        for active in &self.active {
            if let (Some(state), Some(since)) = (active.state.index(), active.since) {
                let held: &mut Option<Timestamp> = &mut oldest[state];
                *held = Some(held.map_or(since, |before| before.min(since)));
            }
        }
        oldest
    }

    /// Failed and timed-out runs since the last success, by the task's order.
    pub fn consecutive_failures(&self) -> u64 {
        let after = self.successes.first().map(|s| &s.order);
        let listed = self.failures.iter().filter(|f| after.is_none_or(|s| f.order > *s)).count() as u64;
        listed + if listed == self.failures.len() as u64 { self.older_failures } else { 0 }
    }
}

/// A thing counted by status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemRecord {
    /// Its status, in the API's words.
    pub status: Label,
    /// When it was created.
    pub at: Timestamp,
    /// The task labels it is counted under.
    pub task: TaskKey,
}

/// What is remembered of a cell beside its tasks and runs.
#[derive(Clone, PartialEq, Debug)]
pub struct CellMeta {
    /// When the cell became known: from then on its counters count.
    pub since: Timestamp,
    /// Everything that changed before this has been read, but for the gaps; `None` before anything was.
    pub watermark: Option<Timestamp>,
    /// Runs that ended before this are never counted.
    pub floor: Timestamp,
    /// Polls begun.
    pub polls: u64,
    /// Whether the last poll reached the source.
    pub up: Option<bool>,
    /// When a poll last read all there was.
    pub last_success: Option<Timestamp>,
    /// Polls by result, in the order of [`Reason::ALL`].
    pub results: [u64; Reason::ALL.len()],
    /// Ticks that found the poll before still running.
    pub skipped_ticks: u64,
    /// Refused records and values, by cause.
    pub rejected: BTreeMap<RejectCause, u64>,
    /// Rows known to be left unread; at least one for each gap.
    pub backlog: Option<u64>,
    /// How long polls took.
    pub poll_durations: Histogram,
    /// The last poll's one line of trouble; empty when all was well.
    pub message: String,
    /// What changed before the watermark and is still to be read.
    pub gaps: Gaps,
}

impl CellMeta {
    /// Everything that changed before this time has been handed over, without an exception; `None` where nothing was read
    /// whole yet.
    pub fn unread_since(&self) -> Option<Timestamp> {
        let watermark = self.watermark?;
        Some(self.gaps.oldest().map_or(watermark, |gap| gap.min(watermark)))
    }
}

/// What one batch or report changes: committed as one, then adopted as one.
#[derive(Clone, Debug)]
pub struct Delta {
    /// Whose.
    pub cell: CellKey,
    /// The cell's new meta record.
    pub meta: CellMeta,
    /// New or changed tasks, whole.
    pub tasks: Vec<(TaskKey, TaskRecord)>,
    /// Runs newly remembered, or remembered differently. Those of the slices before the floor's are forgotten.
    pub seen: Vec<SeenChange>,
    /// Tasks that nothing was heard of for so long that they go; none of them is in `tasks`.
    pub idle: Vec<TaskKey>,
    /// Things newly counted by status, or with another status.
    pub items: Vec<((ItemSet, Arc<str>), ItemRecord)>,
    /// Things that left the gauge.
    pub expired_items: Vec<(ItemSet, Arc<str>)>,
    /// Observations folded into the overflow task.
    pub folded: u64,
}

impl From<&Observation> for OrderKey {
    fn from(seen: &Observation) -> Self {
        let at = seen.planned.or(seen.started).or(seen.created).or(seen.ended).unwrap_or_default();
        Self { at, run: seen.run.clone() }
    }
}
