//! Sources that make real calls, and a desk that writes down how they end.

use super::cloud::{Cloud, VirtualClock};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::model::{
    Batch, BoxFuture, Buckets, CellKey, CellPlan, Clock, Desk, Intake, IntakeClosed, Known, Label,
    PollReport, Pulse, Reach, Reason, RunId, Window,
};
use taskrun_exporter::schedule::{Fleet, Schedule, Scheduled};
use taskrun_exporter::sources::{PollError, Read, Source, during};
use taskrun_exporter::transport::Priority;
use taskrun_exporter::transport::tencent::{Action, Client};
use tokio::time::Instant;

const fn action(name: &'static str, priority: Priority) -> Action {
    Action { service: "tat", version: "2020-10-28", name, per_second: 20.0, priority }
}

pub(crate) static LIST: Action = action("List", Priority::Current);
static DETAIL: Action = action("Detail", Priority::Detail);

/// A poll from its beginning to its end, in time since the test began.
#[derive(Clone, Debug)]
pub(crate) struct Polled {
    pub(crate) cell: String,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) reason: Reason,
}

/// What all cells of a test share.
pub(crate) struct Record {
    began: Instant,
    begun: Mutex<Vec<(String, Duration)>>,
    pub(crate) polled: Mutex<Vec<Polled>>,
    /// Calls that were begun, and when.
    called: Mutex<Vec<Duration>>,
}

impl Record {
    pub(crate) fn calls(&self, during: std::ops::Range<u64>) -> usize {
        self.called.lock().unwrap().iter().filter(|at| during.contains(&at.as_secs())).count()
    }
}

impl Desk for Record {
    fn begin<'a>(&'a self, plan: &'a CellPlan) -> BoxFuture<'a, Result<Window, IntakeClosed>> {
        self.begun.lock().unwrap().push((plan.key.to_string(), self.began.elapsed()));
        let at = VirtualClock(self.began).now();
        let window = Window {
            poll: 1,
            from: at,
            to: at,
            floor: at,
            first: false,
            open: Vec::new(),
            gaps: Default::default(),
        };
        Box::pin(std::future::ready(Ok(window)))
    }

    fn intake(&self, _: &CellKey) -> Arc<dyn Intake> {
        Arc::new(Void)
    }

    fn report(&self, report: PollReport) -> BoxFuture<'_, Result<Pulse, IntakeClosed>> {
        let cell = report.cell.to_string();
        let begun = self.begun.lock().unwrap();
        let from = begun.iter().rev().find(|(one, _)| *one == cell).unwrap().1;
        let polled = Polled { cell, from, to: self.began.elapsed(), reason: report.reason };
        self.polled.lock().unwrap().push(polled);
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

/// One cell that lists, and reads one detail.
struct Reader {
    cell: CellKey,
    client: Arc<Client>,
    record: Arc<Record>,
    polling: AtomicUsize,
}

impl Reader {
    async fn call(&self, action: &'static Action) -> Result<(), PollError> {
        self.record.called.lock().unwrap().push(self.record.began.elapsed());
        let called = self.client.call::<_, serde_json::Value>(action, "r", &serde_json::json!({})).await;
        called.map(drop).map_err(during(action.name))
    }
}

impl Source for Reader {
    fn reach(&self) -> Reach {
        Reach { lookback: Duration::ZERO, overlap: Duration::ZERO }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        Box::pin(std::future::ready(Ok(vec![self.cell.clone()])))
    }

    fn rediscover(&self) -> Option<Duration> {
        None
    }

    fn poll<'a>(
        &'a self,
        _: &'a CellKey,
        _: &'a Window,
        _: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(async move {
            assert_eq!(self.polling.fetch_add(1, Ordering::SeqCst), 0, "polls of one cell overlap");
            let read = match self.call(&LIST).await {
                Ok(()) => self.call(&DETAIL).await,
                failed => failed,
            };
            self.polling.fetch_sub(1, Ordering::SeqCst);
            read.map(|()| Read::Whole)
        })
    }
}

/// Watches `cloud` with so many cells for this long, as the exporter does.
pub(crate) async fn watch(cloud: &Arc<Cloud>, cells: usize, every: Duration, long: Duration) -> Arc<Record> {
    let (began, client) = (Instant::now(), Arc::new(cloud.client()));
    let (begun, polled, called) = Default::default();
    let record = Arc::new(Record { began, begun, polled, called });
    let none: Arc<[f64]> = Arc::new([]);
    let scheduled = |at: usize| {
        let name = Label::new(&format!("cell{at}"));
        let cell = CellKey { kind: "tat", source: name.clone(), region: "".into(), project: "".into() };
        let (client, record) = (Arc::clone(&client), Arc::clone(&record));
        Scheduled {
            name,
            kind: "tat",
            region: "".into(),
            source: Arc::new(Reader { cell, client, record, polling: AtomicUsize::new(0) }),
            schedule: Schedule::Every(every),
            buckets: Buckets {
                duration: Arc::clone(&none),
                wait: Arc::clone(&none),
                memory: Arc::clone(&none),
            },
            expected_interval: None,
        }
    };
    let desk = Arc::clone(&record) as Arc<dyn Desk>;
    let fleet = Fleet::start((0..cells).map(scheduled).collect(), desk, Arc::new(VirtualClock(began)));
    tokio::time::sleep(long).await;
    assert!(fleet.stop(Duration::from_secs(5)).await);
    record
}
