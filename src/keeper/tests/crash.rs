//! Random histories read by a process that is killed, loses power and finds its disk full, at any write of any commit.

use crate::ledger::Ledger;
use crate::ledger::disk::{Disk, End, OnDisk};
use crate::model::{Batch, CellPlan, Timestamp, Window};
use crate::state::Store;
use crate::state::tests::history::{Host, Reload, compare, history, play, polls, store_of};
use crate::state::tests::{HOUR, NOW, plan};
use proptest::prelude::*;
use std::time::Duration;

const WEEK: Duration = HOUR.saturating_mul(24 * 7);

/// What happens to one commit.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// Writes to the disk that succeed before it. A commit has about twenty.
    after: usize,
    /// How the process ends over it; `None` if the disk is mended and the commit tried again.
    end: Option<End>,
    /// Whether the process ends even if the commit succeeds, before the store takes the delta over.
    anyway: bool,
}

fn faults() -> impl Strategy<Value = Vec<Option<Fault>>> {
    let end = prop_oneof![
        Just(None),
        Just(Some(End::Kill)),
        any::<u64>().prop_map(|seed| Some(End::PowerLoss(seed))),
    ];
    let fault =
        (0..40_usize, end, any::<bool>()).prop_map(|(after, end, anyway)| Fault { after, end, anyway });
    prop::collection::vec(prop::option::weighted(0.4, fault), 0..40)
}

struct Process {
    disk: Disk,
    ledger: OnDisk,
    store: Store,
    faults: std::vec::IntoIter<Option<Fault>>,
    /// When the poll began that first committed anything.
    first: Option<i64>,
    begun: i64,
    retention: Duration,
}

impl Process {
    fn new(faults: Vec<Option<Fault>>) -> Self {
        let disk = Disk::default();
        let ledger = OnDisk::open(&disk, NOW);
        let (store, retention) = (store_of(WEEK), WEEK);
        Self { disk, ledger, store, faults: faults.into_iter(), first: None, begun: 0, retention }
    }

    fn restart(&mut self, end: End, now: Timestamp) {
        self.disk = self.disk.end(end);
        self.ledger = OnDisk::open(&self.disk, now);
        self.store = store_of(self.retention);
        self.store.restore(self.ledger.restore().unwrap(), now, |_| Some(Duration::ZERO));
    }
}

impl Host for Process {
    fn begin(&mut self, plan: &CellPlan, now: Timestamp) -> Window {
        if self.store.cell(&plan.key).is_none() {
            self.begun = now.secs() - NOW.secs();
        }
        self.store.begin(plan, now)
    }

    fn take(&mut self, batch: &Batch, now: Timestamp) -> bool {
        let delta = self.store.apply(&plan().key, batch, now).unwrap();
        let fault = self.faults.next().flatten();
        if let Some(fault) = fault {
            self.disk.fail_after(fault.after);
        }
        let kept = self.ledger.commit(&delta).is_ok();
        if let Some(Fault { end: Some(end), .. }) = fault.filter(|fault| !kept || fault.anyway) {
            self.restart(end, now);
            if self.store.cell(&plan().key).is_some() {
                self.first.get_or_insert(self.begun);
            }
            return false;
        }
        self.disk.mend();
        if !kept {
            self.ledger.commit(&delta).unwrap();
        }
        self.first.get_or_insert(self.begun);
        self.store.adopt(delta);
        true
    }

    fn reload(&mut self, reload: Reload, now: Timestamp) {
        match reload {
            Reload::Withdraw => self.store.withdraw(&plan().key),
            // It is read at a start only.
            Reload::Retention(hours) => {
                self.retention = HOUR * hours;
                self.restart(End::Kill, now);
            }
        }
    }

    fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    fn calm(&mut self) {
        self.faults = Vec::new().into_iter();
    }
}

proptest! {
    // 256 cases; PROPTEST_CASES sets another number for a long run.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_ends_the_process_each_run_counts_once(history in history(), polls in polls(), faults in faults()) {
        let mut process = Process::new(faults);
        let now = play(&mut process, &history, &polls);
        let first = process.first.unwrap();
        compare(&process.store, &history, first, now)?;
        // The next start finds exactly what this process knows.
        let live = format!("{:?}", process.store.cell(&plan().key).unwrap().tasks());
        process.restart(End::Kill, NOW);
        prop_assert_eq!(live, format!("{:?}", process.store.cell(&plan().key).unwrap().tasks()));
    }
}
