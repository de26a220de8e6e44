//! One batch against one cell: what it changes.

use super::cell::CellState;
use super::count;
use super::last;
use super::limit::Room;
use crate::model::{
    ActiveRun, Batch, CellKey, CellMeta, Delta, Facets, ItemRecord, Native, Observation, OrderKey, Outcome,
    PollReport, Reason, RunId, RunKey, RunState, Seen, SeenChange, Slice, TaskInfo, TaskKey, TaskRecord,
    Timestamp, fnv1a,
};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A current run leaves the gauges when this many complete polls in a row have not shown it.
const MISSES: u8 = 2;

/// A task goes when nothing was heard of it for this long, or for `state.retention` if that is longer: monthly tasks stay,
/// commands that ran once do not pile up for years.
const IDLE: Duration = Duration::from_secs(40 * 86_400);

/// Gaps that are kept of a cell. A cell of thousands of functions that are all behind has one for each.
const MOST_GAPS: usize = 4096;

/// Or for so many of its own intervals, if it has one: yearly tasks stay too.
const IDLE_INTERVALS: u32 = 2;

pub(super) fn apply(
    key: &CellKey,
    cell: &CellState,
    batch: &Batch,
    now: Timestamp,
    retention: Duration,
    room: Room,
) -> Delta {
    let mut step = Step::new(cell, now, batch.poll, room);
    for (task, info) in &batch.tasks {
        step.make_known(task, info);
    }
    for seen in &batch.observations {
        step.observe(seen);
    }
    step.confirm(&batch.still_open);
    if batch.complete {
        step.drop_vanished();
    }
    for (cause, count) in &batch.rejected {
        *step.meta.rejected.entry(*cause).or_default() += count;
    }
    if let Some(proposed) = batch.watermark {
        step.meta.watermark = step.meta.watermark.max(Some(proposed.min(now)));
    }
    step.settle_gaps(batch);
    if batch.backlog.is_some() || batch.watermark.is_some() || batch.gaps.is_some() {
        // How many rows a gap holds is often not known, that it holds none never.
        let least = Some(step.meta.gaps.len() as u64).filter(|gaps| *gaps > 0);
        step.meta.backlog = batch.backlog.max(least);
    }
    step.raise_floor(retention);
    let lookback = now.minus(cell.plan().reach.lookback);
    let items = batch
        .items
        .iter()
        .filter(|item| item.at >= lookback)
        .map(|item| {
            let record = ItemRecord { status: item.status.clone(), at: item.at, task: item.task.clone() };
            ((item.set, item.id.clone()), record)
        })
        .collect();
    let idle = if batch.complete { step.idle(retention) } else { Vec::new() };
    let expired_items =
        cell.items().iter().filter(|(_, item)| item.at < lookback).map(|(key, _)| key.clone()).collect();
    Delta {
        cell: key.clone(),
        seen: step.changes(),
        meta: step.meta,
        tasks: step.tasks.into_iter().collect(),
        items,
        expired_items,
        idle,
        folded: step.folded,
    }
}

/// What a poll's report changes: the cell's health, nothing else.
pub(super) fn record(cell: &CellState, report: &PollReport) -> Delta {
    let mut meta = cell.meta().clone();
    meta.results[report.reason.index()] += 1;
    meta.skipped_ticks += report.skipped_ticks;
    meta.poll_durations.observe_duration(report.took);
    // A poll that ended because the exporter stops says nothing about the source.
    if report.reason != Reason::Cancelled {
        meta.up = Some(matches!(report.reason, Reason::Ok | Reason::Partial));
        meta.message.clone_from(&report.message);
    }
    if report.fresh {
        meta.last_success = meta.last_success.max(Some(report.at));
    }
    Delta {
        cell: report.cell.clone(),
        meta,
        tasks: Vec::new(),
        seen: Vec::new(),
        items: Vec::new(),
        expired_items: Vec::new(),
        idle: Vec::new(),
        folded: 0,
    }
}

/// A batch being applied: the cell as it was, and on top of it what has changed so far.
struct Step<'a> {
    cell: &'a CellState,
    now: Timestamp,
    poll: u64,
    room: Room,
    meta: CellMeta,
    tasks: HashMap<TaskKey, TaskRecord>,
    seen: HashMap<RunKey, Seen>,
    folded: u64,
}

impl<'a> Step<'a> {
    fn new(cell: &'a CellState, now: Timestamp, poll: u64, room: Room) -> Self {
        let meta = cell.meta().clone();
        Self { cell, now, poll, room, meta, tasks: HashMap::new(), seen: HashMap::new(), folded: 0 }
    }

    /// The record to change, made if the task is new; the overflow task's where there is no room for it.
    fn task(&mut self, key: &TaskKey) -> (&mut TaskRecord, bool) {
        let known = self.tasks.contains_key(key) || self.cell.tasks().contains_key(key);
        let folded = !known && !self.room.admit();
        let key = if folded { TaskKey::overflow() } else { key.clone() };
        let (cell, now) = (self.cell, self.now);
        let record = self.tasks.entry(key).or_insert_with_key(|key| match cell.tasks().get(key) {
            Some(known) => TaskRecord::clone(known),
            None => TaskRecord::new(now),
        });
        (record, folded)
    }

    fn seen(&self, run: RunKey) -> Option<Seen> {
        self.seen.get(&run).copied().or_else(|| self.cell.seen(run))
    }

    fn changes(&self) -> Vec<SeenChange> {
        let change = |(run, seen): (&RunKey, &Seen)| SeenChange {
            run: *run,
            seen: *seen,
            before: self.cell.seen(*run),
        };
        self.seen.iter().map(change).collect()
    }

    fn make_known(&mut self, key: &TaskKey, info: &TaskInfo) {
        let day_ago = self.now.minus(Duration::from_secs(86_400));
        let unchanged = |known: &TaskRecord| known.info == *info && known.heard >= day_ago;
        if self.tasks.contains_key(key) || self.cell.tasks().get(key).is_some_and(|known| unchanged(known)) {
            return;
        }
        let now = self.now;
        let (record, folded) = self.task(key);
        record.heard = record.heard.max(now);
        // What a run told of its task is newer than the list of tasks.
        if !folded && record.info_order.is_none() {
            record.info = info.clone();
        }
        self.folded += u64::from(folded);
    }

    fn observe(&mut self, seen: &Observation) {
        let run = RunKey::of(&seen.run);
        let before = self.seen(run);
        let finished_before = before.and_then(|before| before.outcome);
        let (poll, now) = (self.poll, self.now);
        let plan = self.cell.plan();
        let (record, folded) = self.task(&seen.task);
        record.heard = record.heard.max(now);
        if !folded {
            describe(record, seen);
        }
        match &seen.state {
            RunState::Finished(outcome) => {
                leave(record, &seen.run);
                self.finish(seen, run, *outcome, before);
            }
            // Once finished, a run is finished: a page that still shows it running is an old one.
            _ if finished_before.is_some() => {}
            state => {
                if record.expected_interval.is_none() {
                    record.expected_interval = plan.expected_interval;
                }
                show(record, seen, poll);
                if let RunState::Unknown(code) = state {
                    let mark = mark_of(&code.0);
                    let marks = before.map_or(0, |before| before.unknown);
                    if marks & mark != mark {
                        record.unknown_states += 1;
                        let at = before.map_or(now, |before| before.at);
                        let facets = before.map_or(Facets::default(), |before| before.facets);
                        self.seen.insert(run, Seen { outcome: None, facets, unknown: marks | mark, at });
                    }
                }
            }
        }
        self.folded += u64::from(folded);
    }

    fn finish(&mut self, seen: &Observation, run: RunKey, outcome: Outcome, before: Option<Seen>) {
        let at = ended_at(seen, self.now).unwrap_or(self.now).min(self.now);
        let known = before.and_then(|before| before.outcome.map(|outcome| (outcome, before)));
        if known.is_none() && at < self.meta.floor {
            return;
        }
        let plan = self.cell.plan();
        let now = self.now;
        let (record, folded) = self.task(&seen.task);
        if record.expected_interval.is_none() {
            record.expected_interval = plan.expected_interval;
        }
        let mut flaws = Vec::new();
        let mut remembered = match known {
            None => {
                let facts = count::facts(seen, outcome, now, &mut flaws);
                count::count(record, seen, &facts, &plan.buckets);
                if !folded {
                    last::add(record, seen, &facts, at);
                }
                let unknown = before.map_or(0, |before| before.unknown);
                Seen { outcome: Some(outcome), facets: Facets::default(), unknown, at }
            }
            Some((counted, before)) => {
                if counted != outcome {
                    // The run stays counted where it was first seen; only the gauges follow.
                    let facts = count::facts(seen, outcome, now, &mut Vec::new());
                    record.revised += 1;
                    if !folded {
                        last::remove(record, &seen.run);
                        last::add(record, seen, &facts, at);
                    }
                }
                Seen { outcome: Some(outcome), ..before }
            }
        };
        let told = seen.facets();
        if told.has(Facets::WAITS) && !remembered.facets.has(Facets::WAITS) {
            count::count_waits(record, seen.waits.unwrap_or_default(), &plan.buckets);
        }
        if told.has(Facets::LOG) && !remembered.facets.has(Facets::LOG) {
            count::count_log(record, seen.log.unwrap_or_default());
        }
        remembered.facets = remembered.facets.with(told);
        for cause in flaws {
            *self.meta.rejected.entry(cause).or_default() += 1;
        }
        if before != Some(remembered) {
            self.seen.insert(run, remembered);
        }
    }

    /// The tasks that nothing was heard of for long.
    fn idle(&self, retention: Duration) -> Vec<TaskKey> {
        let oldest = |record: &TaskRecord| {
            let own = record.expected_interval.map_or(Duration::ZERO, |interval| interval * IDLE_INTERVALS);
            self.now.minus(IDLE.max(retention).max(own))
        };
        let idle = |(key, record): &(&TaskKey, &TaskRecord)| {
            record.active.is_empty() && record.heard < oldest(record) && !self.tasks.contains_key(*key)
        };
        self.cell
            .tasks()
            .iter()
            .map(|(key, record)| (key, &**record))
            .filter(idle)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Marks open runs that the source looked for and found unchanged.
    fn confirm(&mut self, still_open: &[RunId]) {
        if still_open.is_empty() {
            return;
        }
        let poll = self.poll;
        let confirmed: HashSet<&RunId> = still_open.iter().collect();
        self.change_active(|active| {
            if confirmed.contains(&active.run) {
                active.last_poll = poll;
                active.missed = 0;
            }
            true
        });
    }

    /// Counts the miss of every open run that this complete poll did not show, and drops those missed too often.
    fn drop_vanished(&mut self) {
        let poll = self.poll;
        self.change_active(|active| {
            if active.last_poll < poll {
                active.missed = active.missed.saturating_add(1);
            }
            active.missed < MISSES
        });
    }

    /// Runs `keep` over every open run of the cell, taking up only the tasks that it changes.
    fn change_active(&mut self, mut keep: impl FnMut(&mut ActiveRun) -> bool) {
        for record in self.tasks.values_mut() {
            record.active.retain_mut(&mut keep);
        }
        for (key, record) in self.cell.tasks() {
            if record.active.is_empty() || self.tasks.contains_key(key) {
                continue;
            }
            let mut active = record.active.clone();
            active.retain_mut(&mut keep);
            if active != record.active {
                let changed = TaskRecord { active, ..TaskRecord::clone(record) };
                self.tasks.insert(key.clone(), changed);
            }
        }
    }

    /// Takes over what the poll leaves to be read. Of a poll that another has followed it is not known what that one
    /// has read since, so nothing is taken for read.
    fn settle_gaps(&mut self, batch: &Batch) {
        match &batch.gaps {
            Some(gaps) if batch.poll >= self.meta.polls => self.meta.gaps.clone_from(gaps),
            Some(gaps) => self.meta.gaps.extend(gaps),
            None => {}
        }
        // Before anything was read whole all is to be read, and no gap says more.
        self.meta.gaps.end_by(self.meta.watermark.unwrap_or(Timestamp::from_millis(i64::MIN)));
        self.meta.gaps.bound(MOST_GAPS);
    }

    /// Raises the floor above the runs that need not be remembered any more: they are forgotten by it, and not
    /// counted again because of it.
    ///
    /// Nothing is forgotten that a later poll may still read: what changed after the watermark or in a gap is yet to be
    /// seen, and a cell of which nothing was read whole forgets nothing.
    fn raise_floor(&mut self, retention: Duration) {
        let Some(unread) = self.meta.unread_since() else { return };
        let reach = self.cell.plan().reach;
        let unread = unread.minus(reach.overlap.max(reach.lookback));
        let cutoff = self.now.minus(retention).min(unread);
        self.meta.floor = self.meta.floor.max(Slice::of(cutoff).start());
    }
}

/// When a run ended, or the best stand-in that every later answer will give again. A time that cannot be true is passed
/// over: it must not put the run before the floor.
fn ended_at(seen: &Observation, now: Timestamp) -> Option<Timestamp> {
    let from_cost = seen.started.zip(seen.cost).map(|(started, cost)| started.plus(cost));
    [seen.ended, from_cost, seen.updated, seen.started, seen.planned, seen.created]
        .into_iter()
        .flatten()
        .find(|at| count::is_possible(*at, now))
}

/// Takes over what the newest run tells of its task.
fn describe(record: &mut TaskRecord, seen: &Observation) {
    let order = OrderKey::from(seen);
    if record.info_order.as_ref().is_none_or(|before| *before <= order) {
        // An equal one would only be another copy.
        if record.info != seen.info {
            record.info = seen.info.clone();
        }
        record.expected_interval = seen.expected_interval.or(record.expected_interval);
        record.info_order = Some(order.clone());
    }
    if !seen.native.is_empty() && record.native.as_ref().is_none_or(|before| before.order <= order) {
        record.native = Some(Box::new(Native { order, values: seen.native.clone() }));
    }
}

/// Takes a run, and the rounds before it under the same id, out of the current ones.
fn leave(record: &mut TaskRecord, run: &RunId) {
    record.active.retain(|active| active.run.instance != run.instance || active.run.round > run.round);
}

/// Puts a run among the current ones, in the place of the rounds before it.
fn show(record: &mut TaskRecord, seen: &Observation, poll: u64) {
    leave(record, &seen.run);
    if record.active.iter().any(|active| active.run.instance == seen.run.instance) {
        return;
    }
    record.active.push(ActiveRun {
        run: seen.run.clone(),
        state: seen.state.clone(),
        parent: seen.parent.clone(),
        planned: seen.planned,
        since: seen.started.or(seen.planned).or(seen.created),
        last_poll: poll,
        missed: 0,
    });
}

/// An undocumented state among the bits that are kept of them: two of the 24, so that a run's few codes stay apart.
fn mark_of(code: &str) -> u32 {
    let hash = fnv1a(code.as_bytes());
    let first = hash % Seen::UNKNOWN_BITS;
    let second = (first + 1 + (hash >> 8) % (Seen::UNKNOWN_BITS - 1)) % Seen::UNKNOWN_BITS;
    1 << first | 1 << second
}
