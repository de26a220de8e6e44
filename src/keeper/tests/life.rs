//! The keeper's thread over a ledger: what a restart shows, what a full disk does, how it stops.

use crate::expose::{self, Format};
use crate::keeper::{Keeper, Parts};
use crate::ledger::disk::{Disk, OnDisk};
use crate::ledger::{Ledger, LedgerError, Memory};
use crate::metrics::Own;
use crate::model::{
    Batch, CellKey, Clock, Delta, Desk, Observation, Outcome, PollReport, Pulse, Reason, Restored, RunState,
    Timestamp,
};
use crate::state::tests::history::store;
use crate::state::tests::{HOUR, NOW, plan, run, task};
use crate::state::{Limits, Store};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn keeper(store: Store, ledger: impl Ledger + 'static, now: Timestamp) -> (Keeper, Arc<Own>, JoinHandle<()>) {
    let own = Arc::new(Own::new().unwrap());
    let clock = Arc::new(Hands(AtomicI64::new(now.millis())));
    let natives = Vec::new();
    let parts = Parts { store, ledger: Box::new(ledger), clock, natives, own: Arc::clone(&own) };
    let (keeper, thread) = Keeper::start(parts).unwrap();
    (keeper, own, thread)
}

fn observed(id: &str, state: RunState) -> Observation {
    let started = Some(NOW.minus(HOUR));
    let ended = matches!(state, RunState::Finished(_)).then_some(NOW.minus(HOUR / 2));
    Observation { started, ended, ..Observation::new(task("t"), run(id, 0), state) }
}

async fn poll(keeper: &Keeper, observations: Vec<Observation>, now: Timestamp) -> Pulse {
    let window = keeper.begin(&plan()).await.unwrap();
    let batch = Batch { observations, watermark: Some(window.to), complete: true, ..Batch::of(&window) };
    keeper.intake(&plan().key).submit(batch).await.unwrap();
    let report = PollReport {
        cell: plan().key,
        at: now,
        took: Duration::from_secs(1),
        reason: Reason::Ok,
        fresh: true,
        skipped_ticks: 0,
        message: String::new(),
    };
    keeper.report(report).await.unwrap()
}

fn own_text(own: &Own) -> String {
    String::from_utf8(expose::own(own, Format::Text)).unwrap()
}

fn page(keeper: &Keeper) -> String {
    String::from_utf8(keeper.published().page.document(Format::Text).text()).unwrap()
}

#[tokio::test]
async fn a_restart_shows_the_last_page_and_withholds_an_old_present() {
    let disk = Disk::default();
    let (first, _, thread) = keeper(store(), OnDisk::open(&disk, NOW), NOW);
    let runs = vec![observed("a", RunState::Finished(Outcome::Failed)), observed("b", RunState::Running)];
    poll(&first, runs.clone(), NOW).await;
    let before = page(&first);
    assert!(
        before.contains("taskrun_current_runs") && before.contains("outcome=\"failed\"} 1\n"),
        "{before}"
    );
    drop(first);
    thread.join().unwrap();

    let restart = |later: Duration, interval: Duration| {
        let (now, mut ledger) = (NOW.plus(later), OnDisk::open(&disk, NOW));
        let mut store = store();
        store.restore(ledger.restore().unwrap(), now, |_| Some(interval));
        (keeper(store, ledger, now), now)
    };
    for (later, interval) in [(HOUR / 6, HOUR / 60), (HOUR, HOUR / 3)] {
        let ((soon, _, _), _) = restart(later, interval);
        assert_eq!(page(&soon), before, "no poll was needed for that");
    }
    let ((late, _, _), now) = restart(HOUR, HOUR / 4);
    let shown = page(&late);
    assert!(!shown.contains("taskrun_current_runs{") && !shown.contains("taskrun_oldest_current"), "{shown}");
    assert!(shown.contains("outcome=\"failed\"} 1\n"), "{shown}");
    // A poll that fails confirms nothing; a good one does.
    late.begin(&plan()).await.unwrap();
    assert!(!page(&late).contains("taskrun_current_runs{"));
    poll(&late, runs, now).await;
    assert!(page(&late).contains("taskrun_current_runs{"));
    assert!(page(&late).contains("outcome=\"failed\"} 1\n"));
}

#[tokio::test]
async fn what_is_not_polled_any_more_is_remembered_but_not_shown() {
    let disk = Disk::default();
    let (first, ..) = keeper(store(), OnDisk::open(&disk, NOW), NOW);
    poll(&first, vec![observed("a", RunState::Finished(Outcome::Success))], NOW).await;
    first.retire(plan().key).await.unwrap();
    assert!(!page(&first).contains("outcome="));
    poll(&first, vec![observed("a", RunState::Finished(Outcome::Success))], NOW).await;
    assert!(page(&first).contains("outcome=\"success\"} 1\n"));
    // Configured no more at the next start, and again a year later.
    for (later, polled, cells) in [(HOUR, false, 1), (HOUR * 24 * 365, false, 0)] {
        let (now, mut ledger) = (NOW.plus(later), OnDisk::open(&disk, NOW));
        let mut store = store();
        store.restore(ledger.restore().unwrap(), now, |_| polled.then_some(Duration::ZERO));
        let (keeper, _, thread) = keeper(store, ledger, now);
        assert!(!page(&keeper).contains("outcome="));
        drop(keeper);
        thread.join().unwrap();
        assert_eq!(OnDisk::open(&disk, NOW).restore().unwrap().cells.len(), cells);
    }
}

#[tokio::test]
async fn beyond_the_bound_the_oldest_runs_are_forgotten_for_good() {
    let disk = Disk::default();
    let limits = || Limits { series: 1000, tasks_per_source: 10, runs: 25 };
    let clock = Arc::new(Hands(AtomicI64::new(NOW.millis())));
    let own = Arc::new(Own::new().unwrap());
    let (store, ledger) = (Store::new(limits(), HOUR * 24 * 7), Box::new(OnDisk::open(&disk, NOW)));
    let (natives, hands, its) = (Vec::new(), Arc::clone(&clock) as _, Arc::clone(&own));
    let (keeper, thread) = Keeper::start(Parts { store, ledger, clock: hands, natives, own: its }).unwrap();
    let mut plan = plan();
    plan.reach.lookback = HOUR;
    for hour in 0..4_u32 {
        let now = NOW.plus(HOUR * hour);
        clock.0.store(now.millis(), Ordering::Relaxed);
        let window = keeper.begin(&plan).await.unwrap();
        let observations = (0..10)
            .map(|n| Observation {
                ended: Some(now.minus(HOUR / 4)),
                ..Observation::new(
                    task("t"),
                    run(&format!("{hour}-{n}"), 0),
                    RunState::Finished(Outcome::Success),
                )
            })
            .collect();
        let batch = Batch { observations, watermark: Some(window.to), complete: true, ..Batch::of(&window) };
        keeper.intake(&plan.key).submit(batch).await.unwrap();
    }
    let shown = own_text(&own);
    assert!(shown.contains("taskrun_exporter_state_runs_forgotten_early_total 20\n"), "{shown}");
    assert!(shown.contains("taskrun_exporter_state_runs 20\n"), "{shown}");
    assert!(page(&keeper).contains("outcome=\"success\"} 40\n"), "counters never fall");
    drop(keeper);
    thread.join().unwrap();
    let kept = OnDisk::open(&disk, NOW).restore().unwrap();
    assert_eq!(kept.cells[0].seen.len(), 20, "the file forgets with the store");
}

/// A ledger whose disk is full for as long as it is told.
struct Full {
    full: Arc<AtomicBool>,
    kept: Arc<Mutex<u64>>,
}

impl Ledger for Full {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        Memory.restore()
    }

    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(LedgerError("no space left on device".into()));
        }
        *self.kept.lock().unwrap() += delta.seen.len() as u64;
        Ok(())
    }

    fn retire(&mut self, _: &CellKey) -> Result<(), LedgerError> {
        Ok(())
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn a_full_disk_pauses_counting_and_loses_nothing() {
    let (full, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
    let ledger = Full { full: Arc::clone(&full), kept: Arc::clone(&kept) };
    let (keeper, own, thread) = keeper(store(), ledger, NOW);
    poll(&keeper, vec![observed("a", RunState::Finished(Outcome::Success))], NOW).await;
    full.store(true, Ordering::SeqCst);
    let window = keeper.begin(&plan()).await.unwrap();
    let intake = keeper.intake(&plan().key);
    let observations = vec![observed("b", RunState::Finished(Outcome::Success))];
    let batch = Batch { observations, ..Batch::of(&window) };
    let submitted = tokio::spawn(async move { intake.submit(batch).await });
    while !own_text(&own).contains("state_commits_total{result=\"failed\"} 2") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(page(&keeper).contains("outcome=\"success\"} 1\n"), "what is not kept is not shown");
    assert!(!submitted.is_finished());
    full.store(false, Ordering::SeqCst);
    submitted.await.unwrap().unwrap();
    assert!(page(&keeper).contains("outcome=\"success\"} 2\n"));
    assert_eq!(*kept.lock().unwrap(), 2);
    // A stop does not wait for a disk.
    full.store(true, Ordering::SeqCst);
    let intake = keeper.intake(&plan().key);
    let batch = Batch { observations: vec![observed("c", RunState::Running)], ..Batch::of(&window) };
    let stopped = tokio::spawn(async move { intake.submit(batch).await });
    while !own_text(&own).contains("state_commits_total{result=\"failed\"} 4") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stopped.abort();
    drop(keeper);
    let joined = tokio::task::spawn_blocking(move || thread.join());
    tokio::time::timeout(Duration::from_secs(5), joined).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_report_is_answered_with_what_is_under_way_and_whether_anything_was_new() {
    let (keeper, _, thread) = keeper(store(), Memory, NOW);
    let running = || vec![observed("a", RunState::Running)];
    let pulse = |under_way, news| Pulse { under_way, news };
    assert_eq!(poll(&keeper, running(), NOW).await, pulse(true, true));
    assert_eq!(poll(&keeper, running(), NOW).await, pulse(true, false), "seen again");
    let finished = || vec![observed("a", RunState::Finished(Outcome::Success))];
    assert_eq!(poll(&keeper, finished(), NOW).await, pulse(false, true));
    assert_eq!(poll(&keeper, finished(), NOW).await, pulse(false, false));
    let waiting = || vec![observed("b", RunState::Waiting)];
    assert_eq!(poll(&keeper, waiting(), NOW).await, pulse(false, true));
    assert_eq!(poll(&keeper, waiting(), NOW).await, pulse(false, false), "waiting is not being under way");
    assert_eq!(poll(&keeper, vec![observed("b", RunState::Queued)], NOW).await, pulse(true, true));

    let interval = "taskrun_source_interval_seconds{";
    assert!(!page(&keeper).contains(interval), "nobody said");
    keeper.pace(&plan().key, Duration::from_secs(10)).await.unwrap();
    let line = page(&keeper).lines().find(|line| line.starts_with(interval)).map(str::to_owned);
    assert!(line.as_ref().is_some_and(|line| line.ends_with(" 10")), "{line:?}");
    drop(keeper);
    thread.join().unwrap();
}
