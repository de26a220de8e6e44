//! What one poll of a cell of 3,000 tasks costs at the keeper: begun, handed over, committed, published, reported.

use crate::fleet;
use divan::Bencher;
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::app::natives;
use taskrun_exporter::keeper::{Keeper, Parts};
use taskrun_exporter::ledger::Memory;
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{Batch, CellPlan, Desk, Intake, Observation, PollReport, Reason};
use taskrun_exporter::simulator::ManualClock;
use tokio::runtime::{Builder, Runtime};

const TASKS: usize = 3_000;

#[divan::bench_group(sample_count = 50)]
mod poll_of_3k_tasks {
    use super::*;

    #[divan::bench]
    fn with_one_new_run(bencher: Bencher<'_, '_>) {
        let bench = Bench::start();
        let mut n = 0;
        bencher.bench_local(|| {
            n += 1;
            let mut run = fleet::run(n % TASKS, 5);
            run.run.round = u32::try_from(n).unwrap();
            bench.poll(vec![run]);
        });
    }

    #[divan::bench]
    fn with_nothing_new(bencher: Bencher<'_, '_>) {
        let bench = Bench::start();
        bencher.bench_local(|| bench.poll(Vec::new()));
    }
}

/// A keeper that holds the tasks already.
struct Bench {
    runtime: Runtime,
    keeper: Keeper,
    plan: CellPlan,
    intake: Arc<dyn Intake>,
}

impl Bench {
    fn start() -> Self {
        let (keeper, _thread) = Keeper::start(Parts {
            store: fleet::store(),
            ledger: Box::new(Memory),
            clock: Arc::new(ManualClock::new(fleet::NOW)),
            natives: natives(),
            own: Arc::new(Own::new().unwrap()),
        })
        .unwrap();
        let plan = fleet::plan(0);
        let runtime = Builder::new_current_thread().build().unwrap();
        let bench = Self { runtime, intake: keeper.intake(&plan.key), keeper, plan };
        bench.poll(fleet::batch(0..TASKS, 2).observations);
        assert_eq!(bench.keeper.published().cells[0].tasks, TASKS as u64);
        bench
    }

    /// Hands over what was found at once, and the end of the poll after it, as sources do.
    fn poll(&self, observations: Vec<Observation>) {
        self.runtime.block_on(async {
            let window = self.keeper.begin(&self.plan).await.unwrap();
            let runs: Vec<_> = observations.iter().map(|seen| seen.run.clone()).collect();
            self.intake.recall(&runs).await.unwrap();
            if !observations.is_empty() {
                self.intake.submit(Batch { observations, ..Batch::of(&window) }).await.unwrap();
            }
            let end =
                Batch { watermark: Some(window.to), complete: true, backlog: Some(0), ..Batch::of(&window) };
            self.intake.submit(end).await.unwrap();
            let report = PollReport {
                cell: self.plan.key.clone(),
                at: window.to,
                took: Duration::from_millis(100),
                reason: Reason::Ok,
                fresh: true,
                requests: 0,
                skipped_ticks: 0,
                message: String::new(),
            };
            self.keeper.report(report).await.unwrap();
        });
    }
}
