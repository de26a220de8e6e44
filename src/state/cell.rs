//! One cell's share of the state.

use super::count::AHEAD;
use super::index::Index;
use super::series;
use crate::model::{
    ActiveRun, Buckets, CellKey, CellMeta, CellPlan, Delta, Gaps, Histogram, ItemRecord, ItemSet, Known,
    OpenRun, Reach, Reason, RestoredCell, RunId, RunKey, RunState, Seen, Slice, TaskKey, TaskRecord,
    Timestamp, Window,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds, in seconds, of how long polls take.
const POLL_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How long after its last good poll a restored cell's "now" gauges are still believed, at the least: time enough for a
/// restart, an upgrade or a reboot between two polls, and short enough that nobody takes a run that was running
/// yesterday for one that runs now.
const BELIEVED: Duration = Duration::from_secs(15 * 60);

/// The same in intervals, for a cell that is polled seldom: as old as that they may be while the exporter runs, too.
const BELIEVED_INTERVALS: u32 = 3;

/// What is remembered of one cell.
#[derive(Debug)]
pub struct CellState {
    plan: CellPlan,
    meta: CellMeta,
    tasks: BTreeMap<TaskKey, TaskRecord>,
    runs: Index,
    items: BTreeMap<(ItemSet, Arc<str>), ItemRecord>,
    series: u64,
    /// Whether a poll has read everything since the start.
    confirmed: bool,
    /// Whether what is current may be shown as such.
    shows_now: bool,
    /// How old the last good poll may be for that, after a start.
    believed: Duration,
}

impl CellState {
    pub(super) fn new(plan: &CellPlan, now: Timestamp) -> Self {
        Self {
            plan: plan.clone(),
            meta: CellMeta {
                since: now,
                watermark: None,
                floor: now.minus(plan.reach.lookback),
                polls: 0,
                up: None,
                last_success: None,
                results: [0; Reason::ALL.len()],
                skipped_ticks: 0,
                rejected: BTreeMap::new(),
                backlog: None,
                poll_durations: Histogram::of_seconds(&POLL_BUCKETS.into()),
                message: String::new(),
                gaps: Gaps::default(),
            },
            tasks: BTreeMap::new(),
            runs: Index::default(),
            items: BTreeMap::new(),
            series: 0,
            confirmed: true,
            shows_now: true,
            believed: BELIEVED,
        }
    }

    /// A cell as it was kept, of which two polls are at most `interval` apart. What else the configuration says of it
    /// comes with its first poll.
    pub(super) fn restored(cell: RestoredCell, now: Timestamp, interval: Duration) -> Self {
        let tasks: BTreeMap<TaskKey, TaskRecord> = cell.tasks.into_iter().collect();
        let mut restored = Self {
            plan: unplanned(cell.key),
            series: tasks.values().map(series::of).sum(),
            meta: cell.meta,
            tasks,
            runs: Index::heaped(cell.seen),
            items: cell.items.into_iter().collect(),
            confirmed: false,
            shows_now: false,
            believed: BELIEVED.max(interval.saturating_mul(BELIEVED_INTERVALS)),
        };
        // Other buckets than this version's begin anew.
        if *restored.meta.poll_durations.bounds != POLL_BUCKETS {
            restored.meta.poll_durations = Histogram::of_seconds(&POLL_BUCKETS.into());
        }
        restored.doubt(now);
        restored
    }

    /// What the configuration says of it.
    pub fn plan(&self) -> &CellPlan {
        &self.plan
    }

    /// Its watermark, health and poll counters.
    pub fn meta(&self) -> &CellMeta {
        &self.meta
    }

    /// Its tasks, in the order of their keys.
    pub fn tasks(&self) -> &BTreeMap<TaskKey, TaskRecord> {
        &self.tasks
    }

    /// The things it counts by status.
    pub fn items(&self) -> &BTreeMap<(ItemSet, Arc<str>), ItemRecord> {
        &self.items
    }

    /// The series that its tasks make.
    pub fn series(&self) -> u64 {
        self.series
    }

    /// How many finished runs are remembered.
    pub fn remembered_runs(&self) -> usize {
        self.runs.len()
    }

    /// How many of them ended in which hour, the oldest first.
    pub(super) fn slices(&self) -> impl Iterator<Item = (Slice, usize)> {
        self.runs.slices()
    }

    /// Puts in order what a ledger gave back.
    pub(super) fn settle(&mut self) {
        self.runs.settle();
    }

    /// Whether current runs and tallies may be shown: not while all that is known of them is what an earlier process
    /// saw long ago.
    pub fn shows_now(&self) -> bool {
        self.shows_now
    }

    pub(super) fn seen(&self, run: RunKey) -> Option<Seen> {
        self.runs.get(run)
    }

    pub(super) fn recall(&self, runs: &[RunId]) -> Vec<Known> {
        let open: HashSet<&RunId> =
            self.tasks.values().flat_map(|task| task.active.iter().map(|active| &active.run)).collect();
        let known = |run: &RunId| match self.seen(RunKey::of(run)) {
            Some(Seen { outcome: Some(outcome), facets, .. }) => Known::Finished(outcome, facets),
            Some(_) => Known::Open,
            None if open.contains(run) => Known::Open,
            None => Known::No,
        };
        runs.iter().map(known).collect()
    }

    /// A watermark in the future is of a clock that was ahead: what changed while it was has not been read, so the
    /// lookback is read again, and what is remembered of it is not counted twice. A floor in the future comes back to
    /// the present: what ended before that may have been counted and forgotten.
    fn mistrust_the_future(&mut self, now: Timestamp) {
        if self.meta.watermark.is_some_and(|watermark| watermark > now.plus(AHEAD)) {
            let watermark = now.minus(self.plan.reach.lookback);
            self.meta.watermark = Some(watermark);
            self.meta.gaps.end_by(watermark);
        }
        self.meta.floor = self.meta.floor.min(now);
    }

    pub(super) fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window {
        self.plan = plan.clone();
        self.settle();
        self.meta.polls += 1;
        self.mistrust_the_future(now);
        self.doubt(now);
        let mut open: Vec<OpenRun> = self
            .tasks
            .iter()
            .flat_map(|(task, record)| record.active.iter().map(move |active| (task, active)))
            .map(|(task, active)| OpenRun {
                run: active.run.clone(),
                task: task.clone(),
                parent: Arc::clone(&active.parent),
                planned: active.planned,
                since: active.since,
            })
            .collect();
        open.sort_by(|a, b| (a.since, &a.run).cmp(&(b.since, &b.run)));
        Window {
            poll: self.meta.polls,
            from: match self.meta.watermark {
                Some(watermark) => watermark.minus(plan.reach.overlap),
                None => self.meta.floor,
            },
            to: now,
            floor: self.meta.floor,
            first: self.meta.watermark.is_none(),
            open,
            gaps: self.meta.gaps.clone(),
        }
    }

    pub(super) fn adopt(&mut self, delta: Delta) {
        // Polls are counted as they begin, and one may have begun since the delta was made.
        let polls = self.meta.polls.max(delta.meta.polls);
        if delta.meta.last_success > self.meta.last_success {
            (self.confirmed, self.shows_now) = (true, true);
        }
        self.meta = delta.meta;
        self.meta.polls = polls;
        for (key, record) in delta.tasks {
            self.series += series::of(&record);
            if let Some(before) = self.tasks.insert(key, record) {
                self.series -= series::of(&before);
            }
        }
        for key in &delta.idle {
            if let Some(gone) = self.tasks.remove(key) {
                self.series -= series::of(&gone);
            }
        }
        for change in delta.seen {
            self.runs.insert(change.run, change.seen);
        }
        self.runs.forget_before(Slice::of(self.meta.floor));
        self.items.extend(delta.items);
        for key in &delta.expired_items {
            self.items.remove(key);
        }
    }

    /// What decides how soon the next poll is due, but for the news.
    pub(super) fn is_under_way(&self) -> bool {
        let moves =
            |run: &ActiveRun| matches!(run.state, RunState::Queued | RunState::Running | RunState::Retrying);
        self.tasks.values().any(|task| task.active.iter().any(moves))
    }

    /// Whether `delta` holds more than that what is known was seen again.
    pub(super) fn is_news(&self, delta: &Delta) -> bool {
        let states = |record: &TaskRecord| -> Vec<(RunId, RunState)> {
            record.active.iter().map(|active| (active.run.clone(), active.state.clone())).collect()
        };
        let moved = |(key, record): &(TaskKey, TaskRecord)| {
            self.tasks.get(key).is_none_or(|before| states(before) != states(record))
        };
        delta.seen.iter().any(|change| change.before != Some(change.seen)) || delta.tasks.iter().any(moved)
    }

    pub(super) fn pace(&mut self, interval: Duration) {
        self.plan.interval = Some(interval);
    }

    /// From now on what it shows as current is what somebody saw before.
    pub(super) fn grow_old(&mut self) {
        (self.confirmed, self.shows_now) = (false, false);
    }

    /// Judges anew whether what an earlier process saw is too old to be shown as current.
    fn doubt(&mut self, now: Timestamp) {
        if !self.confirmed {
            self.shows_now = self.meta.last_success.is_some_and(|at| now.minus(self.believed) <= at);
        }
    }
}

/// The plan of a cell before its first poll: nothing is applied to it until then.
fn unplanned(key: CellKey) -> CellPlan {
    let none: Arc<[f64]> = Arc::new([]);
    CellPlan {
        key,
        reach: Reach { lookback: Duration::ZERO, overlap: Duration::ZERO },
        buckets: Buckets { duration: Arc::clone(&none), wait: Arc::clone(&none), memory: none },
        expected_interval: None,
        interval: None,
    }
}
