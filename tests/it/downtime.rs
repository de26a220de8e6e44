//! Days in which nobody looked, and a return that is interrupted: the newest runs are counted first, each once, and none
//! is forgotten.

use crate::rig::{Rig, source};
use crate::truth;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::app::names;
use taskrun_exporter::ledger::{Embedded, Ledger, LedgerError};
use taskrun_exporter::model::{CellKey, Clock as _, Delta, Restored, Timestamp};

/// When the runs of each commit ended that holds any.
type Diary = Arc<Mutex<Vec<Vec<Timestamp>>>>;

/// A ledger on disk, and a diary of what was committed to it.
struct Noted {
    ledger: Embedded,
    diary: Diary,
}

impl Ledger for Noted {
    fn restore(&mut self) -> Result<Restored, LedgerError> {
        self.ledger.restore()
    }

    fn commit(&mut self, delta: &Delta) -> Result<(), LedgerError> {
        let ended: Vec<Timestamp> = delta.seen.iter().map(|change| change.seen.at).collect();
        if !ended.is_empty() {
            self.diary.lock().unwrap().push(ended);
        }
        self.ledger.commit(delta)
    }

    fn retire(&mut self, cell: &CellKey) -> Result<(), LedgerError> {
        self.ledger.retire(cell)
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        self.ledger.compact()
    }

    fn bytes(&self) -> u64 {
        self.ledger.bytes()
    }
}

fn ledger(directory: &Path, diary: &Diary, now: Timestamp) -> Box<dyn Ledger> {
    let ledger = Embedded::open(directory, &names(), now).unwrap();
    Box::new(Noted { ledger, diary: Arc::clone(diary) })
}

/// A poll, `days` in which nobody looks, a process that begins to catch up among `faults`, and one that goes on.
async fn returns(kind: &str, days: i64, faults: &str) -> Vec<Vec<Timestamp>> {
    let (directory, diary) = (tempfile::tempdir().unwrap(), Diary::default());
    let open = |now| ledger(directory.path(), &diary, now);
    let mut rig = Rig::keeping(&source(kind), 5, &[], open(crate::rig::START)).await;
    let mut polls = vec![rig.clock.now()];
    assert!(rig.poll().await, "{:?}", rig.keeper.published().cells);
    let backlog = |rig: &Rig| rig.page().sum("taskrun_source_backlog", &[]);
    assert_eq!(backlog(&rig), 0.0);

    rig.advance(days * 86_400);
    let now = rig.clock.now();
    rig.restart(|| open(now));
    diary.lock().unwrap().clear();
    rig.afflict(faults);
    assert_eq!(rig.poll().await, faults.is_empty(), "{:?}", rig.keeper.published().cells);
    let first = diary.lock().unwrap().clone();
    assert_eq!(backlog(&rig) > 0.0, !faults.is_empty(), "what is left is told");

    rig.restart(|| open(now));
    assert_eq!(backlog(&rig) > 0.0, !faults.is_empty(), "and kept");
    rig.afflict("");
    let mut whole = false;
    for _ in 0..20 {
        rig.advance(30);
        whole = rig.poll().await;
        if whole {
            break;
        }
    }
    assert!(whole, "{:?}", rig.keeper.published().cells);
    polls.push(rig.clock.now());
    assert_eq!(backlog(&rig), 0.0);
    truth::compare(&rig, kind, Duration::from_secs(1800), &polls);
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_counts_three_days_from_the_newest_on_over_a_restart() {
    let returned = crate::rig::START.plus(Duration::from_secs(3 * 86_400));
    let commits = returns("scf", 3, "server=0.55").await;
    let ago = |at: &Timestamp| returned.since(*at).unwrap_or_default();
    let newest = commits.first().unwrap();
    assert!(newest.iter().all(|at| ago(at) <= Duration::from_secs(3600)), "{newest:?}");
    // And so of the next function, before anything older.
    let older = commits.iter().position(|ended| ended.iter().any(|at| ago(at) > Duration::from_secs(7200)));
    let newest =
        commits.iter().rposition(|ended| ended.iter().all(|at| ago(at) <= Duration::from_secs(3600)));
    assert!(newest > Some(0) && (older.is_none() || older > newest), "{newest:?} {older:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wedata_counts_three_days_over_a_restart() {
    returns("wedata", 3, "").await;
}
