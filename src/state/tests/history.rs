//! Random histories: whatever the order of arrival, the repetitions and the page shifts inside the window, the totals
//! equal those of a model that saw everything happen.

use super::{HOUR, Limits, NOW, Store, plan, run, task};
use crate::model::{
    Batch, CellPlan, Gaps, Histogram, Observation, Outcome, Reach, RunState, Stretch, TaskRecord, Timestamp,
    Window,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// One run as it really happened. Times are seconds after [`NOW`].
#[derive(Clone, Debug)]
pub(crate) struct Real {
    task: u8,
    instance: u16,
    round: u32,
    planned: i64,
    started: i64,
    ended: i64,
    outcome: Outcome,
    code: i64,
    retries: u32,
    /// How much later than it happened a change becomes visible.
    lag: i64,
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(NOW.secs() + secs)
}

impl Real {
    /// What an answer shows of the run at `now`: nothing, a current state, or its end.
    fn seen(&self, now: i64) -> Option<Observation> {
        let now = now - self.lag;
        let state = match now {
            _ if now < self.planned - 60 => return None,
            _ if now < self.planned => RunState::Waiting,
            _ if now < self.started => RunState::Queued,
            _ if now < self.ended => RunState::Running,
            _ => RunState::Finished(self.outcome),
        };
        let finished = matches!(state, RunState::Finished(_));
        Some(Observation {
            planned: Some(at(self.planned)),
            started: (now >= self.started).then(|| at(self.started)),
            ended: finished.then(|| at(self.ended)),
            return_code: finished.then_some(self.code),
            retries: Some(if finished { self.retries } else { 0 }),
            ..Observation::new(
                task(&format!("t{}", self.task)),
                run(&format!("i{}", self.instance), self.round),
                state,
            )
        })
    }

    /// When what an answer shows of it last changed, as the API would say.
    fn changed(&self, now: i64) -> i64 {
        let now = now - self.lag;
        [self.ended, self.started, self.planned].into_iter().find(|t| *t <= now).unwrap_or(self.planned - 60)
    }
}

/// One poll: when, in which order its rows arrive, how they are cut into batches, and whether it gets to its end. What
/// there is to read is read in slices; a poll that ends early leaves some of them, and may hand over half of one.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    pause: i64,
    shuffle: u64,
    repeat: bool,
    pages: usize,
    torn: bool,
    slices: usize,
    newest_first: bool,
    left: usize,
    /// Whether the source shows old runs too, which nobody asked for.
    excess: bool,
    /// The lookback that the configuration now has, in hours; what is counted already is not counted by it again.
    lookback: u32,
    reload: Option<Reload>,
}

/// A change of the configuration, or of what a source shows, before a poll.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reload {
    /// The cell goes, and comes back with this poll.
    Withdraw,
    /// Runs are remembered for so many hours.
    Retention(u32),
}

const OVERLAP: i64 = 300;

fn real() -> impl Strategy<Value = Real> {
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    (
        0..3_u8,
        0..40_u16,
        -90_000..20_000_i64,
        0..200_i64,
        0..4000_i64,
        outcome,
        0..3_i64,
        0..3_u32,
        0..OVERLAP - 60,
    )
        .prop_map(|(task, instance, planned, wait, took, outcome, code, retries, lag)| {
            let (started, round) = (planned + wait, 0);
            Real {
                task,
                instance,
                round,
                planned,
                started,
                ended: started + took,
                outcome,
                code,
                retries,
                lag,
            }
        })
}

/// Histories in which an instance runs again only after it has ended, and belongs to one task.
pub(crate) fn history() -> impl Strategy<Value = Vec<Real>> {
    prop::collection::vec(real(), 0..60).prop_map(|mut runs| {
        runs.sort_by_key(|run| (run.instance, run.planned));
        let mut kept: Vec<Real> = Vec::new();
        for mut run in runs {
            match kept.last() {
                Some(before) if before.instance == run.instance => {
                    if run.planned - 120 < before.ended + before.lag {
                        continue;
                    }
                    (run.task, run.round) = (before.task, before.round + 1);
                }
                _ => {}
            }
            kept.push(run);
        }
        kept
    })
}

pub(crate) fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let reload = prop_oneof![Just(Reload::Withdraw), (1..9_u32).prop_map(Reload::Retention)];
    let rows = (any::<u64>(), any::<bool>(), 1..4_usize, prop::bool::weighted(0.2), any::<bool>());
    let left = prop_oneof![2 => Just(0), 3 => 0..4_usize];
    let slices = (1..4_usize, prop::bool::weighted(0.7), left);
    let poll = (1..4000_i64, rows, slices, 1..48_u32, prop::option::weighted(0.3, reload));
    let poll = poll.prop_map(|(pause, rows, (slices, newest_first, left), lookback, reload)| {
        let (shuffle, repeat, pages, torn, excess) = rows;
        Poll { pause, shuffle, repeat, pages, torn, slices, newest_first, left, excess, lookback, reload }
    });
    prop::collection::vec(poll, 1..12)
}

fn shuffled<T>(mut rows: Vec<T>, seed: u64) -> Vec<T> {
    fastrand::Rng::with_seed(seed).shuffle(&mut rows);
    rows
}

/// Who takes the batches in: the store alone, or one that is committed and crashes now and then.
pub(crate) trait Host {
    /// Begins a poll.
    fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window;
    /// Takes in a batch; `false` if the process ended over it, and another took its place.
    fn take(&mut self, batch: &Batch, now: Timestamp) -> bool;
    /// The configuration changes.
    fn reload(&mut self, reload: Reload, now: Timestamp);
    /// Whether the first poll, whose lookback decides what counts, is over for good.
    fn has_begun(&self) -> bool;
    /// Nothing may end the process from here on: the last poll begins, after which the totals are compared.
    fn calm(&mut self) {}
}

impl Host for Store {
    fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window {
        Self::begin(self, plan, now)
    }

    fn take(&mut self, batch: &Batch, now: Timestamp) -> bool {
        let delta = self.apply(&plan().key, batch, now).unwrap();
        self.adopt(delta);
        true
    }

    fn reload(&mut self, reload: Reload, _: Timestamp) {
        match reload {
            Reload::Withdraw => self.withdraw(&plan().key),
            Reload::Retention(hours) => self.retention = HOUR * hours,
        }
    }

    fn has_begun(&self) -> bool {
        !self.cells.is_empty() || !self.dormant.is_empty()
    }
}

pub(crate) fn store() -> Store {
    store_of(HOUR * 24 * 7)
}

pub(crate) fn store_of(retention: Duration) -> Store {
    Store::new(Limits { series: 1_000_000, tasks_per_source: 1000, runs: u64::MAX }, retention)
}

/// The slices of what is unread, in the order in which a poll reads them.
fn slices(unread: &Gaps, poll: &Poll) -> Vec<Stretch> {
    let mut dice = fastrand::Rng::with_seed(poll.shuffle);
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in unread.of("") {
        let (from, to) = (stretch.from.secs(), stretch.to.secs());
        let mut ends: Vec<i64> = (1..poll.slices).map(|_| dice.i64(from..=to)).chain([from, to]).collect();
        ends.sort_unstable();
        let slices = ends
            .windows(2)
            .map(|pair| Stretch { from: Timestamp::from_secs(pair[0]), to: Timestamp::from_secs(pair[1]) });
        all.extend(slices.filter(|slice| slice.from < slice.to));
    }
    all.reverse();
    if poll.newest_first { all } else { shuffled(all, poll.shuffle) }
}

/// Plays a history against a host; says when it ended.
pub(crate) fn play(host: &mut impl Host, history: &[Real], polls: &[Poll]) -> i64 {
    play_with(host, history, polls, |host, poll, now| {
        let mut plan = plan();
        if host.has_begun() {
            poll.reload.into_iter().for_each(|reload| host.reload(reload, at(now)));
            plan.reach.lookback = HOUR * poll.lookback;
        } else {
            plan.reach.lookback = HOUR * 24;
        }
        plan
    })
}

/// The same, with what the configuration says at each poll.
fn play_with<H: Host>(
    host: &mut H,
    history: &[Real],
    polls: &[Poll],
    mut configured: impl FnMut(&mut H, &Poll, i64) -> CellPlan,
) -> i64 {
    let mut now = 0;
    let last = Poll {
        pause: 1,
        shuffle: 1,
        repeat: false,
        pages: 1,
        torn: false,
        slices: 1,
        newest_first: true,
        left: 0,
        excess: true,
        lookback: 24,
        reload: None,
    };
    for (number, poll) in polls.iter().chain([&last]).enumerate() {
        if number == polls.len() {
            host.calm();
        }
        now += poll.pause;
        let plan = configured(host, poll, now);
        play_one(host, &plan, history, poll, now);
    }
    now
}

fn play_one(host: &mut impl Host, plan: &CellPlan, history: &[Real], poll: &Poll, now: i64) {
    let window = host.begin(plan, at(now));
    let open: Vec<_> = window.open.iter().map(|open| open.run.clone()).collect();
    let mut unread = window.unread();
    let slices = slices(&unread, poll);
    let whole = slices.len().saturating_sub(poll.left);
    for (number, slice) in slices.iter().enumerate().take(whole + usize::from(poll.torn)) {
        let within =
            |changed: Timestamp| changed >= slice.from && (changed < slice.to || slice.to == window.to);
        // What is open is asked for first, and by the first poll all that may be.
        let sought = |seen: &Observation| {
            number == 0 && (open.contains(&seen.run) || (window.first && seen.ended.is_none()))
        };
        let rows = history.iter().filter_map(|real| {
            let seen = real.seen(now)?;
            // A source that shows more than it was asked for does so with whatever it reads.
            (poll.excess || within(at(real.changed(now))) || sought(&seen)).then_some(seen)
        });
        let mut rows: Vec<Observation> = shuffled(rows.collect(), poll.shuffle);
        if poll.repeat {
            let again = shuffled(rows.clone(), !poll.shuffle);
            rows.extend(again);
        }
        let size = rows.len().div_ceil(poll.pages).max(1);
        let pages: Vec<Vec<Observation>> = rows.chunks(size).map(<[_]>::to_vec).collect();
        let read = if number < whole { pages.len() } else { pages.len() / 2 };
        let mut batches =
            pages.into_iter().take(read).map(|observations| Batch { observations, ..Batch::of(&window) });
        if !batches.all(|batch| host.take(&batch, at(now))) {
            return;
        }
        if number < whole {
            unread.remove("", slice.from, slice.to);
            let (watermark, gaps) = (window.reached(&unread), Some(unread.clone()));
            let complete = number + 1 == slices.len();
            if !host.take(&Batch { watermark, gaps, complete, ..Batch::of(&window) }, at(now)) {
                return;
            }
        }
    }
}

/// What a task's counters must say, from the history alone.
pub(crate) fn expected(history: &[Real], first_poll: i64, now: i64) -> BTreeMap<String, TaskRecord> {
    expected_since(history, first_poll - 24 * 3600, now)
}

fn expected_since(history: &[Real], floor: i64, now: i64) -> BTreeMap<String, TaskRecord> {
    let mut tasks: BTreeMap<String, TaskRecord> = BTreeMap::new();
    let mut done: Vec<&Real> =
        history.iter().filter(|run| run.ended + run.lag <= now && run.ended >= floor).collect();
    done.sort_by_key(|run| (run.planned, run.round, format!("i{}", run.instance)));
    for run in done {
        let record = tasks.entry(format!("t{}", run.task)).or_insert_with(|| TaskRecord::new(NOW));
        record.runs[run.outcome.index()] += 1;
        *record.codes.entry(run.code).or_default() += 1;
        record.retries = Some(record.retries.unwrap_or(0) + u64::from(run.retries));
        if let Some(slot) = record.durations.get_mut(run.outcome.index()) {
            slot.get_or_insert_with(|| {
                Box::new(Histogram::of_seconds(&plan().buckets.duration).with_native())
            })
            .observe_duration(Duration::from_secs((run.ended - run.started).unsigned_abs()));
        }
        if run.outcome.is_failure() {
            record.older_failures += 1;
        } else if run.outcome == Outcome::Success {
            record.older_failures = 0;
        }
        record.info_order = Some(crate::model::OrderKey::from(&run.seen(now).unwrap()));
    }
    tasks
}

/// Holds a store to what the history says.
pub(crate) fn compare(
    store: &Store,
    history: &[Real],
    first_poll: i64,
    now: i64,
) -> Result<(), TestCaseError> {
    compare_with(store, history, &expected(history, first_poll, now), now)
}

fn compare_with(
    store: &Store,
    history: &[Real],
    expected: &BTreeMap<String, TaskRecord>,
    now: i64,
) -> Result<(), TestCaseError> {
    let cell = store.cell(&plan().key).unwrap();
    let counted: u64 = cell.tasks().values().flat_map(|record| record.runs).sum();
    prop_assert_eq!(counted, expected.values().flat_map(|record| record.runs).sum::<u64>());
    for (name, model) in expected {
        let record = &cell.tasks()[&task(name)];
        prop_assert_eq!(record.runs, model.runs);
        prop_assert_eq!(&record.codes, &model.codes);
        prop_assert_eq!(record.retries, model.retries);
        prop_assert_eq!(&record.durations, &model.durations);
        prop_assert_eq!(record.consecutive_failures(), model.older_failures);
        prop_assert_eq!(record.last.as_ref().map(|last| &last.order), model.info_order.as_ref());
        prop_assert_eq!(record.revised, 0);
    }
    // What is open now is exactly what the history says is open.
    let open: usize = cell.tasks().values().map(|record| record.active.len()).sum();
    let current = |run: &&Real| run.seen(now).is_some_and(|seen| seen.state.index().is_some());
    prop_assert_eq!(open, history.iter().filter(current).count());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn totals_equal_the_models(history in history(), polls in polls()) {
        let mut store = store();
        let now = play(&mut store, &history, &polls);
        compare(&store, &history, polls[0].pause, now)?;
    }

    #[test]
    fn what_is_forgotten_while_gaps_are_left_is_no_run_that_they_hold(history in history(), polls in polls()) {
        // An hour of everything: runs are forgotten all the while, unless a gap still holds them.
        let mut store = store_of(HOUR);
        let reach = Reach { lookback: HOUR, ..plan().reach };
        let now = play_with(&mut store, &history, &polls, |_, _, _| CellPlan { reach, ..plan() });
        let expected = expected_since(&history, polls[0].pause - 3600, now);
        compare_with(&store, &history, &expected, now)?;
        prop_assert!(store.cell(&plan().key).unwrap().meta().gaps.is_empty());
    }
}

proptest! {
    // Each case plays a history as often as it has polls.
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counters_never_fall_from_poll_to_poll(history in history(), polls in polls()) {
        let mut before: BTreeMap<_, [u64; 5]> = BTreeMap::new();
        for length in 1..=polls.len() {
            let mut store = store();
            play(&mut store, &history, &polls[..length]);
            let cell = store.cell(&plan().key).unwrap();
            for (key, record) in cell.tasks() {
                if let Some(before) = before.insert(key.clone(), record.runs) {
                    prop_assert!(before.iter().zip(&record.runs).all(|(old, new)| old <= new));
                }
            }
        }
    }
}
