//! Whole fleets over scripted sources and a desk that writes everything down.

mod life;

use super::{Bounds, CronExpression, Fleet, Schedule, Scheduled, once};
use crate::model::{
    Batch, BoxFuture, Buckets, CellKey, CellPlan, Clock, Desk, Gaps, Intake, IntakeClosed, Known, PollReport,
    Pulse, Reach, Reason, RunId, Timestamp, Window,
};
use crate::sources::{PollError, Read, Source, during};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(5);

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_763_726_400)
    }
}

/// Writes down what it is told, with the time since the test began.
struct Notes {
    began: Instant,
    begun: Mutex<Vec<(Duration, String)>>,
    told: Notify,
    reports: Mutex<Vec<PollReport>>,
    retired: Mutex<Vec<String>>,
    kept: Mutex<Vec<String>>,
    /// What is said to be known of every cell.
    pulse: Mutex<Pulse>,
    paces: Mutex<Vec<(String, Duration)>>,
    planned: Mutex<Vec<Option<Duration>>>,
    /// A cell whose reports make the desk itself panic.
    fatal: Mutex<Option<String>>,
}

impl Notes {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            begun: Mutex::default(),
            told: Notify::new(),
            reports: Mutex::default(),
            retired: Mutex::default(),
            kept: Mutex::default(),
            pulse: Mutex::default(),
            paces: Mutex::default(),
            planned: Mutex::default(),
            fatal: Mutex::default(),
        })
    }

    /// When polls of `cell` began.
    fn begun(&self, cell: &str) -> Vec<Duration> {
        self.begun.lock().unwrap().iter().filter(|(_, name)| name == cell).map(|(at, _)| *at).collect()
    }

    fn reports(&self, cell: &str) -> Vec<PollReport> {
        let all = self.reports.lock().unwrap();
        all.iter().filter(|report| report.cell.to_string() == cell).cloned().collect()
    }

    fn reasons(&self, cell: &str) -> Vec<Reason> {
        self.reports(cell).iter().map(|report| report.reason).collect()
    }

    fn retired(&self) -> Vec<String> {
        self.retired.lock().unwrap().clone()
    }
}

impl Desk for Notes {
    fn begin<'a>(&'a self, plan: &'a CellPlan) -> BoxFuture<'a, Result<Window, IntakeClosed>> {
        self.begun.lock().unwrap().push((self.began.elapsed(), plan.key.to_string()));
        self.planned.lock().unwrap().push(plan.interval);
        self.told.notify_one();
        let at = StandingClock.now();
        let window = Window {
            poll: 1,
            from: at,
            to: at,
            floor: at,
            first: true,
            open: Vec::new(),
            gaps: Gaps::default(),
        };
        Box::pin(std::future::ready(Ok(window)))
    }

    fn intake(&self, _: &CellKey) -> Arc<dyn Intake> {
        Arc::new(Void)
    }

    fn report(&self, report: PollReport) -> BoxFuture<'_, Result<Pulse, IntakeClosed>> {
        let fatal = self.fatal.lock().unwrap().clone();
        assert_ne!(fatal, Some(report.cell.to_string()), "on purpose");
        self.reports.lock().unwrap().push(report);
        Box::pin(std::future::ready(Ok(*self.pulse.lock().unwrap())))
    }

    fn pace<'a>(&'a self, cell: &'a CellKey, interval: Duration) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        self.paces.lock().unwrap().push((cell.to_string(), interval));
        Box::pin(std::future::ready(Ok(())))
    }

    fn keep_only<'a>(
        &'a self,
        of: &'a CellKey,
        found: Vec<CellKey>,
    ) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        self.kept.lock().unwrap().push(format!("{of}: {}", found.join(" ")));
        Box::pin(std::future::ready(Ok(())))
    }

    fn retire(&self, cell: CellKey) -> BoxFuture<'_, Result<(), IntakeClosed>> {
        self.retired.lock().unwrap().push(cell.to_string());
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

/// What every poll does.
#[derive(Clone, Copy)]
enum Act {
    Read,
    Refuse,
    Tear,
    Take(Duration),
    Hang,
    Panic,
}

/// A source that follows a script. `None` in `discoveries` is one that fails; the last one is repeated.
struct Scripted {
    discoveries: Vec<Option<Vec<CellKey>>>,
    rediscover: Option<Duration>,
    act: Act,
    discovered: AtomicU32,
    polling: AtomicU32,
    most_at_once: AtomicU32,
}

impl Scripted {
    fn new(act: Act, discoveries: Vec<Option<Vec<CellKey>>>, rediscover: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            discoveries,
            rediscover,
            act,
            discovered: AtomicU32::new(0),
            polling: AtomicU32::new(0),
            most_at_once: AtomicU32::new(0),
        })
    }

    /// A source of one cell that bears its name.
    fn fixed(name: &str, act: Act) -> Arc<Self> {
        Self::new(act, vec![Some(vec![cell(name, "")])], None)
    }
}

impl Source for Scripted {
    fn reach(&self) -> Reach {
        Reach { lookback: SECOND, overlap: SECOND }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        let turn = self.discovered.fetch_add(1, Ordering::SeqCst) as usize;
        let cells = self.discoveries[turn.min(self.discoveries.len() - 1)].clone();
        let error = crate::transport::Error::Server { code: "InternalError".into() };
        let failed = during("ListProjects")(error);
        Box::pin(std::future::ready(cells.ok_or(failed)))
    }

    fn rediscover(&self) -> Option<Duration> {
        self.rediscover
    }

    fn poll<'a>(
        &'a self,
        _: &'a CellKey,
        _: &'a Window,
        _: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(async move {
            let now = self.polling.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            let read = match self.act {
                Act::Read => Read::Whole,
                Act::Refuse => Read::Refused("a row without id".into()),
                Act::Tear => Read::Torn("page 3".into()),
                Act::Take(time) => {
                    tokio::time::sleep(time).await;
                    Read::Whole
                }
                Act::Hang => std::future::pending().await,
                Act::Panic => panic!("on purpose"),
            };
            self.polling.fetch_sub(1, Ordering::SeqCst);
            Ok(read)
        })
    }
}

fn cell(source: &str, project: &str) -> CellKey {
    CellKey { kind: "tat", source: source.into(), region: "".into(), project: project.into() }
}

fn scheduled(name: &str, source: &Arc<Scripted>, every: Duration) -> Scheduled {
    let none: Arc<[f64]> = Arc::new([]);
    Scheduled {
        name: name.into(),
        kind: "tat",
        region: "".into(),
        source: Arc::clone(source) as Arc<dyn Source>,
        schedule: Schedule::Every(every),
        buckets: Buckets { duration: Arc::clone(&none), wait: Arc::clone(&none), memory: none },
        expected_interval: None,
    }
}

fn start(notes: &Arc<Notes>, scheduled: Vec<Scheduled>) -> Fleet {
    Fleet::start(scheduled, Arc::clone(notes) as Arc<dyn Desk>, Arc::new(StandingClock))
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_is_never_overlapped_and_its_skipped_ticks_are_told() {
    let notes = Notes::new();
    let source = Scripted::fixed("slow", Act::Take(45 * SECOND));
    let fleet = start(&notes, vec![scheduled("slow", &source, 10 * SECOND)]);
    tokio::time::sleep(240 * SECOND).await;
    assert!(fleet.stop(GRACE).await);
    assert_eq!(source.most_at_once.load(Ordering::SeqCst), 1);
    let reports = notes.reports("slow");
    assert_eq!(reports[0].reason, Reason::Ok);
    assert_eq!(reports[0].took, 45 * SECOND);
    // Ticks at 10, 20, 30 and 40 s: the first waits, three are skipped.
    assert_eq!(reports[0].skipped_ticks, 3);
    let skipped: u64 = reports.iter().map(|report| report.skipped_ticks).sum();
    assert!((16..=20).contains(&skipped), "{skipped} of the 24 ticks for 6 polls");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_poll_ends_at_its_deadline_and_the_next_one_follows() {
    let notes = Notes::new();
    let source = Scripted::fixed("hung", Act::Hang);
    let fleet = start(&notes, vec![scheduled("hung", &source, 6 * SECOND)]);
    tokio::time::sleep(130 * SECOND).await;
    fleet.stop(GRACE).await;
    let reports = notes.reports("hung");
    assert_eq!(
        reports.iter().map(|report| report.reason).collect::<Vec<_>>(),
        [Reason::Timeout, Reason::Timeout, Reason::Cancelled]
    );
    assert_eq!(reports[0].took, 60 * SECOND);
    assert!(!reports[0].fresh);
    assert!(reports[0].message.contains("60s"), "{}", reports[0].message);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_source_disturbs_only_itself() {
    let notes = Notes::new();
    let (bad, good) = (Scripted::fixed("bad", Act::Panic), Scripted::fixed("good", Act::Read));
    let all = vec![scheduled("bad", &bad, 10 * SECOND), scheduled("good", &good, 10 * SECOND)];
    let fleet = start(&notes, all);
    tokio::time::sleep(58 * SECOND).await;
    assert!(fleet.stop(GRACE).await);
    let panicked = notes.reasons("bad");
    assert!(panicked.len() >= 5, "{panicked:?}");
    assert!(panicked.iter().all(|reason| *reason == Reason::Panicked));
    assert!(notes.reports("bad").iter().all(|report| !report.message.contains("on purpose")));
    assert!(notes.reasons("good").len() >= 5);
    assert!(notes.reasons("good").iter().all(|reason| *reason == Reason::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_stop_cancels_polls_under_way_within_the_grace() {
    let notes = Notes::new();
    let source = Scripted::fixed("hung", Act::Hang);
    let fleet = start(&notes, vec![scheduled("hung", &source, 30 * SECOND)]);
    tokio::time::sleep(6 * SECOND).await;
    let began = Instant::now();
    assert!(fleet.stop(GRACE).await);
    assert!(began.elapsed() < SECOND);
    assert_eq!(notes.reasons("hung"), [Reason::Cancelled]);
    tokio::time::sleep(120 * SECOND).await;
    assert_eq!(notes.begun("hung").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_fleet_polls_no_more() {
    let notes = Notes::new();
    let source = Scripted::fixed("a", Act::Read);
    let fleet = start(&notes, vec![scheduled("a", &source, 10 * SECOND)]);
    tokio::time::sleep(15 * SECOND).await;
    drop(fleet);
    let polls = notes.begun("a").len();
    assert!(polls > 0);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(notes.begun("a").len(), polls);
}

#[tokio::test(start_paused = true)]
async fn first_polls_are_spread_over_five_seconds() {
    let notes = Notes::new();
    let cells: Vec<_> = (0..100).map(|project| cell("many", &project.to_string())).collect();
    let source = Scripted::new(Act::Read, vec![Some(cells)], None);
    let fleet = start(&notes, vec![scheduled("many", &source, 3600 * SECOND)]);
    tokio::time::sleep(6 * SECOND).await;
    fleet.stop(GRACE).await;
    let mut at: Vec<u64> = notes.begun.lock().unwrap().iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(at.len(), 100);
    at.sort_unstable();
    at.dedup();
    assert!(at.len() >= 4, "{at:?}");
    assert!(at.last().is_some_and(|last| *last <= 5));
}

/// In real time, because the cron thread's clock cannot be paused.
#[tokio::test]
async fn a_cron_schedule_polls_at_once_and_then_at_its_times() {
    let notes = Notes::new();
    let source = Scripted::fixed("cron", Act::Read);
    let every_second = CronExpression::try_new("* * * * * *", &StandingClock).unwrap();
    let cron = Scheduled { schedule: Schedule::Cron(every_second), ..scheduled("cron", &source, SECOND) };
    let fleet = start(&notes, vec![cron]);
    for _ in 0..3 {
        tokio::time::timeout(30 * SECOND, notes.told.notified()).await.unwrap();
    }
    assert!(fleet.stop(GRACE).await);
    let at = notes.begun("cron");
    assert!(at[0] < 6 * SECOND && at[2] - at[1] > SECOND / 4, "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn cells_come_and_go_with_discovery_but_not_with_one_that_fails() {
    let notes = Notes::new();
    let (a, b, c) = (cell("found", "a"), cell("found", "b"), cell("found", "c"));
    let source = Scripted::new(
        Act::Read,
        vec![
            Some(vec![a.clone(), b.clone(), a.clone()]), // 0 min
            Some(vec![a.clone()]),                       // 1 min: b is missing once
            None,                                        // 2 min: tells nothing
            Some(vec![a.clone(), b.clone()]),            // soon after: b is back
            Some(vec![a.clone(), c.clone()]),
            Some(vec![a.clone(), c.clone()]), // b is missing twice
        ],
        Some(60 * SECOND),
    );
    let fleet = start(&notes, vec![scheduled("found", &source, 10 * SECOND)]);
    tokio::time::sleep(200 * SECOND).await;
    assert_eq!(notes.retired(), [""; 0]);
    assert!(notes.begun("found/b").iter().any(|at| *at > 170 * SECOND));
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(notes.retired(), ["found/b"]);
    // Once: later on one answer alone may be incomplete.
    assert_eq!(*notes.kept.lock().unwrap(), ["found: found/a found/b found"]);
    assert!(fleet.stop(GRACE).await);
    let last = |cell: &str| notes.begun(cell).last().copied().unwrap();
    assert!(last("found/b") < 260 * SECOND);
    assert!(last("found/a") > 280 * SECOND && last("found/c") > 280 * SECOND);
    // Discovery makes calls here, so it is reported as a cell of its own.
    let discoveries = notes.reasons("found");
    assert_eq!(discoveries[..4], [Reason::Ok, Reason::Ok, Reason::Server, Reason::Ok]);
    assert_eq!(notes.reports("found")[2].message, "ListProjects: the API failed (InternalError)");
}

#[tokio::test(start_paused = true)]
async fn discovery_that_fails_is_tried_again_soon_and_less_and_less_often() {
    let notes = Notes::new();
    let source = Scripted::new(Act::Read, vec![None], Some(3600 * SECOND));
    let fleet = start(&notes, vec![scheduled("blind", &source, 10 * SECOND)]);
    tokio::time::sleep(3600 * SECOND).await;
    fleet.stop(GRACE).await;
    let at = notes.begun("blind");
    assert!(at[1] <= 6 * SECOND, "{at:?}");
    assert!((12..30).contains(&at.len()), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn fixed_cells_leave_no_discovery_report() {
    let notes = Notes::new();
    let source = Scripted::new(Act::Read, vec![Some(vec![cell("fixed", "p")])], None);
    let fleet = start(&notes, vec![scheduled("fixed", &source, 10 * SECOND)]);
    tokio::time::sleep(120 * SECOND).await;
    fleet.stop(GRACE).await;
    assert_eq!(source.discovered.load(Ordering::SeqCst), 1);
    assert!(notes.begun("fixed").is_empty() && notes.reports("fixed").is_empty());
    assert!(notes.begun("fixed/p").len() >= 11);
}

#[tokio::test(start_paused = true)]
async fn once_polls_every_cell_and_tells_whether_all_was_read() {
    for (act, all) in [
        (Act::Read, true),
        (Act::Refuse, true),
        (Act::Tear, false),
        (Act::Panic, false),
        (Act::Hang, false),
        (Act::Take(30 * SECOND), true),
    ] {
        let notes = Notes::new();
        let source = Scripted::new(act, vec![Some(vec![cell("s", "a"), cell("s", "b")])], Some(SECOND));
        let scheduled = scheduled("s", &source, 10 * SECOND);
        assert_eq!(once(&scheduled, &*notes, &StandingClock).await, all);
        assert_eq!(
            [notes.reports("s/a").len(), notes.reports("s/b").len(), notes.reports("s").len()],
            [1, 1, 1]
        );
    }
    let notes = Notes::new();
    let blind = Scripted::new(Act::Read, vec![None], Some(SECOND));
    assert!(!once(&scheduled("s", &blind, SECOND), &*notes, &StandingClock).await);
    assert_eq!(notes.reasons("s"), [Reason::Server]);
}

#[tokio::test(start_paused = true)]
async fn a_cell_is_polled_sooner_while_runs_are_under_way_and_later_while_nothing_happens() {
    let notes = Notes::new();
    let source = Scripted::fixed("a", Act::Take(2 * SECOND));
    let bounds = Bounds { running: 5 * SECOND, usual: 30 * SECOND, idle: 120 * SECOND };
    let scheduled = Scheduled { schedule: Schedule::Adaptive(bounds), ..scheduled("a", &source, SECOND) };
    *notes.pulse.lock().unwrap() = Pulse { under_way: true, news: true };
    let fleet = start(&notes, vec![scheduled]);
    tokio::time::sleep(60 * SECOND).await;
    *notes.pulse.lock().unwrap() = Pulse::default();
    tokio::time::sleep(900 * SECOND).await;
    assert!(fleet.stop(GRACE).await);
    let begun = notes.begun("a");
    let gaps: Vec<u64> = begun.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    let first_slow = gaps.iter().position(|gap| *gap != 5).unwrap();
    assert!((10..=12).contains(&first_slow), "{gaps:?}");
    // Four polls after the first quiet one at the usual pace, then idle; never outside the bounds.
    assert_eq!(&gaps[first_slow..first_slow + 6], [30, 30, 30, 30, 120, 120], "{gaps:?}");
    let paces: Vec<u64> =
        notes.paces.lock().unwrap().iter().map(|(_, interval)| interval.as_secs()).collect();
    assert_eq!(paces, [5, 30, 120]);
    assert_eq!(notes.planned.lock().unwrap()[0], Some(30 * SECOND), "known with the first poll");
    assert_eq!(source.most_at_once.load(Ordering::SeqCst), 1);
}
