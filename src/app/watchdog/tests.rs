use super::*;
use crate::keeper::Parts;
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Own;
use crate::model::{CellKey, Delta, Desk, PollReport, Reason, Restored, Timestamp};
use crate::state::Limits;
use crate::state::Store;
use crate::state::tests::{HOUR, NOW, plan};
use std::sync::atomic::{AtomicBool, Ordering};

const GRACE: Duration = Duration::from_secs(3600);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A disk that is full, or hangs for as long as it is shut.
#[derive(Clone, Default)]
struct Disk {
    shut: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
}

impl Ledger for Disk {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        Ok(Restored::default())
    }

    fn commit(&mut self, _: &Delta) -> Result<(), LedgerError> {
        self.asked.store(true, Ordering::SeqCst);
        while self.shut.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.full.load(Ordering::SeqCst) {
            return Err(LedgerError("no space left on device".into()));
        }
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

fn watchdog(disk: &Disk) -> (Watchdog, Keeper, Health) {
    let store = Store::new(Limits { series: 1000, tasks_per_source: 10, runs: 25 }, HOUR * 24);
    let own = Arc::new(Own::new().unwrap());
    let parts =
        Parts { store, ledger: Box::new(disk.clone()), clock: Arc::new(Noon), natives: Vec::new(), own };
    let (keeper, _thread) = Keeper::start(parts).unwrap();
    let health = Health::default();
    let watchdog = Watchdog::new(keeper.clone(), Liveness::default(), Arc::new(Noon), health.clone());
    (watchdog, keeper, health)
}

/// Looks once, and gives the keeper until it has taken a step.
fn look(watchdog: &mut Watchdog, keeper: &Keeper) -> bool {
    let well = watchdog.look(GRACE);
    let (before, until) = (keeper.beats(), tokio::time::Instant::now() + Duration::from_secs(20));
    while keeper.beats() == before && tokio::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
    well
}

/// A poll that has something to keep. It ends when that is kept.
fn poll(keeper: &Keeper) -> tokio::task::JoinHandle<()> {
    let keeper = keeper.clone();
    tokio::spawn(async move {
        keeper.begin(&plan()).await.unwrap();
        let report = PollReport {
            cell: plan().key,
            at: NOW,
            took: Duration::from_secs(1),
            reason: Reason::Ok,
            fresh: true,
            requests: 0,
            skipped_ticks: 0,
            message: String::new(),
        };
        keeper.report(report).await.unwrap();
    })
}

async fn asked(disk: &Disk) {
    while !disk.asked.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_keeper_with_nothing_to_do_and_one_on_a_full_disk_are_alive() {
    let disk = Disk::default();
    let (mut watchdog, keeper, health) = watchdog(&disk);
    for _ in 0..3 {
        assert!(look(&mut watchdog, &keeper));
    }
    disk.full.store(true, Ordering::SeqCst);
    let _waits = poll(&keeper);
    asked(&disk).await;
    for _ in 0..5 {
        assert!(look(&mut watchdog, &keeper));
    }
    assert_eq!(health.trouble(), None);
}

#[tokio::test]
async fn a_keeper_that_hangs_is_not_and_one_that_comes_back_is_forgiven() {
    let disk = Disk::default();
    let (mut watchdog, keeper, health) = watchdog(&disk);
    disk.shut.store(true, Ordering::SeqCst);
    let poll = poll(&keeper);
    asked(&disk).await;
    assert!(watchdog.look(GRACE), "the first look only asks");
    assert!(!watchdog.look(GRACE));
    assert!(health.trouble().unwrap().contains("the keeper has not taken a step"));
    disk.shut.store(false, Ordering::SeqCst);
    poll.await.unwrap();
    assert!(look(&mut watchdog, &keeper));
    assert_eq!(health.trouble(), None);
}

#[tokio::test]
async fn a_schedule_that_falls_silent_is_noticed() {
    let disk = Disk::default();
    let (mut watchdog, keeper, health) = watchdog(&disk);
    let liveness = watchdog.liveness.clone();
    assert!(look(&mut watchdog, &keeper));
    let place = liveness.enrol("a/b".into());
    place.sign().until_wall(Some(NOW.minus(GRACE * 2)));
    assert!(!watchdog.look(GRACE));
    assert!(health.trouble().unwrap().starts_with("a/b "));
}
