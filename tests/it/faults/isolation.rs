//! Fifty cells of accounts × regions × projects, one of them bad: the others do not notice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::model::{
    Batch, BoxFuture, Buckets, CellKey, CellPlan, Clock, Desk, Intake, IntakeClosed, Known, PollReport,
    Pulse, Reach, Reason, RunId, Timestamp, Window,
};
use taskrun_exporter::schedule::{Fleet, Schedule, Scheduled};
use taskrun_exporter::sources::{PollError, Read, Source};
use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_secs(30);
/// What a good poll takes.
const TOOK: Duration = Duration::from_secs(2);
const BAD: &str = "account-2/region-1/project-3";

/// Polls that take two seconds, but for the bad cell's.
struct Places {
    cells: Vec<CellKey>,
    bad: fn() -> BoxFuture<'static, ()>,
}

impl Source for Places {
    fn reach(&self) -> Reach {
        Reach { lookback: INTERVAL, overlap: INTERVAL }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        Box::pin(std::future::ready(Ok(self.cells.clone())))
    }

    fn rediscover(&self) -> Option<Duration> {
        None
    }

    fn poll<'a>(
        &'a self,
        cell: &'a CellKey,
        _: &'a Window,
        _: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(async move {
            if cell.to_string() == BAD {
                (self.bad)().await;
            }
            tokio::time::sleep(TOOK).await;
            Ok(Read::Whole)
        })
    }
}

/// Notes when each cell's polls begin and how they end.
struct Notes {
    from: Instant,
    begun: Mutex<BTreeMap<String, Vec<Duration>>>,
    ended: Mutex<BTreeMap<String, Vec<PollReport>>>,
}

impl Clock for Notes {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_750_000_000)
    }
}

impl Desk for Notes {
    fn begin<'a>(&'a self, plan: &'a CellPlan) -> BoxFuture<'a, Result<Window, IntakeClosed>> {
        self.begun.lock().unwrap().entry(plan.key.to_string()).or_default().push(self.from.elapsed());
        let at = self.now();
        let window = Window {
            poll: 1,
            from: at,
            to: at,
            floor: at,
            first: true,
            open: Vec::new(),
            gaps: Default::default(),
        };
        Box::pin(std::future::ready(Ok(window)))
    }

    fn intake(&self, _: &CellKey) -> Arc<dyn Intake> {
        Arc::new(Void)
    }

    fn report(&self, report: PollReport) -> BoxFuture<'_, Result<Pulse, IntakeClosed>> {
        self.ended.lock().unwrap().entry(report.cell.to_string()).or_default().push(report);
        Box::pin(std::future::ready(Ok(Pulse::default())))
    }

    fn pace<'a>(&'a self, _: &'a CellKey, _: Duration) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn keep_only<'a>(&'a self, _: &'a CellKey, _: Vec<CellKey>) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn retire(&self, _: CellKey) -> BoxFuture<'_, Result<(), IntakeClosed>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Void;

impl Intake for Void {
    fn recall<'a>(&'a self, runs: &'a [RunId]) -> BoxFuture<'a, Result<Vec<Known>, IntakeClosed>> {
        Box::pin(std::future::ready(Ok(vec![Known::No; runs.len()])))
    }

    fn submit(&self, _: Batch) -> BoxFuture<'_, Result<(), IntakeClosed>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn scheduled(account: usize, region: usize, bad: fn() -> BoxFuture<'static, ()>) -> Scheduled {
    let (source, region) = (format!("account-{account}"), format!("region-{region}"));
    let cell = |project: usize| CellKey {
        kind: "tat",
        source: source.as_str().into(),
        region: region.as_str().into(),
        project: format!("project-{project}").as_str().into(),
    };
    let none: Arc<[f64]> = Arc::new([]);
    Scheduled {
        name: source.as_str().into(),
        kind: "tat",
        region: region.as_str().into(),
        source: Arc::new(Places { cells: (0..5).map(cell).collect(), bad }),
        schedule: Schedule::Every(INTERVAL),
        buckets: Buckets { duration: Arc::clone(&none), wait: Arc::clone(&none), memory: none },
        expected_interval: None,
    }
}

/// An hour of fifty cells, one of which is bad; the bad one's results.
async fn an_hour(bad: fn() -> BoxFuture<'static, ()>) -> Vec<Reason> {
    let notes = Arc::new(Notes { from: Instant::now(), begun: Mutex::default(), ended: Mutex::default() });
    let all = (0..5).flat_map(|account| (0..2).map(move |region| scheduled(account, region, bad)));
    let desk = Arc::clone(&notes) as Arc<dyn Desk>;
    let fleet = Fleet::start(all.collect(), desk, Arc::clone(&notes) as Arc<dyn Clock>);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(fleet.stop(Duration::from_secs(5)).await);
    let (begun, ended) = (notes.begun.lock().unwrap(), notes.ended.lock().unwrap());
    assert_eq!(begun.len(), 50);
    for (cell, polls) in begun.iter().filter(|(cell, _)| *cell != BAD) {
        assert!((119..=121).contains(&polls.len()), "{cell}: {} polls in an hour", polls.len());
        for pair in polls.windows(2) {
            // Timers go by whole milliseconds.
            let apart = pair[1].checked_sub(pair[0]).unwrap();
            assert!(apart.abs_diff(INTERVAL) <= Duration::from_millis(2), "{cell}: {apart:?}");
        }
        // The last one may have been cut by the end of the hour.
        for report in ended[cell].iter().filter(|report| report.reason != Reason::Cancelled) {
            assert_eq!((report.reason, report.skipped_ticks), (Reason::Ok, 0), "{cell}");
            assert!(report.took.abs_diff(TOOK) <= Duration::from_millis(2), "{cell}: {:?}", report.took);
        }
    }
    ended[BAD].iter().map(|report| report.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn one_hanging_cell_of_fifty_delays_no_other() {
    let results = an_hour(|| Box::pin(std::future::pending())).await;
    // Each poll is ended after ten intervals, and the next one comes with the tick that waits.
    assert!(results.len() >= 11, "{results:?}");
    assert!(results[..11].iter().all(|reason| *reason == Reason::Timeout), "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn one_panicking_cell_of_fifty_delays_no_other() {
    let results = an_hour(|| panic!("on purpose")).await;
    assert!(results.len() >= 119, "{results:?}");
    assert!(results.iter().all(|reason| *reason == Reason::Panicked), "{results:?}");
}
