//! Days in which nobody looked, and a return that is interrupted: the newest runs are counted first, each once, and none
//! is forgotten.

use crate::rig::{Rig, START, Setup, source};
use crate::truth::{Totals, of_page, of_truth};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::app::names;
use taskrun_exporter::ledger::{Embedded, Ledger, LedgerError};
use taskrun_exporter::model::{CellKey, Clock as _, Delta, Restored, Timestamp};
use taskrun_exporter::simulator::{Span, TrueRun};

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
async fn returns(kind: &str, source: &str, days: i64, faults: &str) -> Vec<Vec<Timestamp>> {
    let (directory, diary) = (tempfile::tempdir().unwrap(), Diary::default());
    let open = |now| ledger(directory.path(), &diary, now);
    let mut rig = Rig::of(source, Setup { seed: 5, ledger: open(START), ..Setup::default() }).await;
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
    assert!(backlog(&rig) > 0.0 || faults.is_empty(), "what is left is told");

    rig.restart(|| open(now));
    assert!(backlog(&rig) > 0.0 || faults.is_empty(), "and kept");
    rig.afflict("");
    let mut whole = false;
    for _ in 0..20 {
        rig.advance(30);
        whole = rig.poll().await && backlog(&rig) == 0.0;
        if whole {
            break;
        }
    }
    assert!(whole, "{:?}", rig.keeper.published().cells);
    polls.push(rig.clock.now());
    compare(&rig, kind, &polls);
    first
}

/// Holds the page to the truth. A run whose outcome was changed while nobody looked is simply what it is then: of its
/// task only the sum is fixed.
fn compare(rig: &Rig, kind: &str, polls: &[Timestamp]) {
    let page = rig.page();
    let counted = of_page(&page, kind);
    let watched = |project: &str| page.of("taskrun_source_up").any(|up| up.label("project") == project);
    let span = Span { from: START.minus(Duration::from_secs(1800)), to: rig.clock.now(), since: Some(START) };
    let shown = |run: &TrueRun| {
        (run.region.is_empty() || run.region == "ap-guangzhou")
            && watched(&run.project)
            && polls.iter().any(|at| run.known <= *at && run.gone.is_none_or(|gone| *at < gone))
    };
    let runs: Vec<TrueRun> = rig.clouds.clouds.truth(kind, &span).into_iter().filter(shown).collect();
    let truth = of_truth(&runs, &span);
    assert!(truth.values().map(Totals::all_runs).sum::<u64>() > 500, "{kind}: too little happened");
    for (task, really) in &truth {
        let counted = counted.get(task).unwrap_or_else(|| panic!("{kind}: {task:?} is missing"));
        if runs.iter().any(|run| run.task_id == task[3] && run.revised.is_some()) {
            assert_eq!(counted.all_runs(), really.all_runs(), "{kind}: {task:?}");
        } else {
            assert_eq!(counted, really, "{kind}: {task:?}");
        }
    }
    let all = |totals: &mut dyn Iterator<Item = &Totals>| totals.map(Totals::all_runs).sum::<u64>();
    assert_eq!(all(&mut counted.values()), all(&mut truth.values()), "{kind}: there is no such task");
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_counts_two_days_from_the_newest_on_over_a_restart() {
    let returned = START.plus(Duration::from_secs(2 * 86_400));
    let one = source("scf").replace("[\"*\"]", "[\"default\"]");
    let commits = returns("scf", &one, 2, "server=0.55").await;
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
async fn wedata_counts_a_day_and_its_details_over_a_restart() {
    returns("wedata", &source("wedata"), 1, "").await;
}
