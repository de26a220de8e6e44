//! One cell's share of the state.

use super::series;
use crate::model::{
    CellMeta, CellPlan, Delta, Histogram, ItemRecord, ItemSet, Known, OpenRun, Reason, RunId, Seen, TaskKey,
    TaskRecord, Timestamp, Window,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds, in seconds, of how long polls take.
const POLL_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Runs are forgotten in slices of this length, so that forgetting costs nothing in between.
const SLICE: Duration = Duration::from_secs(3600);

/// What is remembered of one cell.
#[derive(Debug)]
pub struct CellState {
    plan: CellPlan,
    meta: CellMeta,
    tasks: BTreeMap<TaskKey, TaskRecord>,
    seen: HashMap<RunId, Seen>,
    /// The finished runs of each slice of time, for forgetting. A run whose time changed later stands in two slices;
    /// the record in `seen` decides.
    slices: BTreeMap<i64, Vec<RunId>>,
    items: BTreeMap<(ItemSet, Arc<str>), ItemRecord>,
    series: u64,
}

impl CellState {
    pub(super) fn new(plan: &CellPlan, now: Timestamp) -> Self {
        Self {
            plan: plan.clone(),
            meta: CellMeta {
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
            },
            tasks: BTreeMap::new(),
            seen: HashMap::new(),
            slices: BTreeMap::new(),
            items: BTreeMap::new(),
            series: 0,
        }
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
        self.seen.len()
    }

    pub(super) fn seen(&self, run: &RunId) -> Option<Seen> {
        self.seen.get(run).copied()
    }

    pub(super) fn recall(&self, runs: &[RunId]) -> Vec<Known> {
        let open: HashSet<&RunId> =
            self.tasks.values().flat_map(|task| task.active.iter().map(|active| &active.run)).collect();
        let known = |run: &RunId| match self.seen.get(run) {
            Some(Seen { outcome: Some(outcome), facets, .. }) => Known::Finished(*outcome, *facets),
            Some(_) => Known::Open,
            None if open.contains(run) => Known::Open,
            None => Known::No,
        };
        runs.iter().map(known).collect()
    }

    pub(super) fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window {
        self.plan = plan.clone();
        self.meta.polls += 1;
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
        }
    }

    /// The runs to forget when nothing that ended before `cutoff` needs to be remembered, and the floor that keeps
    /// them from being counted again. Never part of a slice.
    pub(super) fn forgettable(&self, cutoff: Timestamp) -> (Vec<RunId>, Timestamp) {
        let end = slice(cutoff);
        let forgotten: Vec<RunId> = self
            .slices
            .range(..end)
            .flat_map(|(at, runs)| {
                runs.iter().filter(|run| self.seen.get(run).is_some_and(|seen| slice(seen.at) == *at))
            })
            .cloned()
            .collect();
        let boundary =
            Timestamp::from_secs(end.saturating_mul(i64::try_from(SLICE.as_secs()).unwrap_or(3600)));
        (forgotten, self.meta.floor.max(boundary))
    }

    pub(super) fn adopt(&mut self, delta: Delta) {
        // Polls are counted as they begin, and one may have begun since the delta was made.
        let polls = self.meta.polls.max(delta.meta.polls);
        self.meta = delta.meta;
        self.meta.polls = polls;
        for (key, record) in delta.tasks {
            self.series += series::of(&record);
            if let Some(before) = self.tasks.insert(key, record) {
                self.series -= series::of(&before);
            }
        }
        for (run, seen) in delta.seen {
            let before = self.seen.insert(run.clone(), seen);
            if before.is_none_or(|before| slice(before.at) != slice(seen.at)) {
                self.slices.entry(slice(seen.at)).or_default().push(run);
            }
        }
        if !delta.forgotten.is_empty() {
            let end = slice(self.meta.floor);
            self.slices = self.slices.split_off(&end);
        }
        for run in &delta.forgotten {
            self.seen.remove(run);
        }
        self.items.extend(delta.items);
        for key in &delta.expired_items {
            self.items.remove(key);
        }
    }
}

fn slice(at: Timestamp) -> i64 {
    at.secs().div_euclid(i64::try_from(SLICE.as_secs()).unwrap_or(3600))
}
