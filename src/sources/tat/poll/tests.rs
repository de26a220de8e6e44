use super::*;
use crate::model::{Facets, OpenRun, Outcome};
use crate::sources::desk::{FakeDesk, window};
use crate::sources::tat::script::{Script, at, invocation, task};
use crate::sources::tat::settings::Filter;

/// A source over a script, polled by hand.
struct Bench {
    api: Script,
    settings: Settings,
    keep: Keep,
    desk: FakeDesk,
}

impl Bench {
    fn new() -> Self {
        let api = Script::default();
        api.set().commands.insert("cmd-1".into(), "nightly".into());
        Self { api, settings: Settings::default(), keep: Keep::new(), desk: FakeDesk::default() }
    }

    /// Adds an invocation in front of the others, with its task.
    fn add(&self, id: &str, created: i64, status: &str) {
        let mut script = self.api.set();
        script.invocations.insert(0, invocation(id, created, status));
        script.tasks.insert(format!("invt-{id}"), task(id, created, status));
    }

    fn restate(&self, id: &str, created: i64, status: &str) {
        let mut script = self.api.set();
        let row =
            script.invocations.iter_mut().find(|row| row["InvocationId"] == format!("inv-{id}")).unwrap();
        *row = invocation(id, created, status);
        script.tasks.insert(format!("invt-{id}"), task(id, created, status));
    }

    async fn poll(&self, window: &Window) -> Result<Read, PollError> {
        let (api, settings, keep, intake) = (&self.api, &self.settings, &self.keep, &self.desk);
        Poll { api, settings, keep, window, intake }.run().await
    }

    fn counted(&self) -> Vec<String> {
        self.desk.counted().iter().map(|seen| seen.run.to_string()).collect()
    }
}

fn open(id: &str, created: i64) -> OpenRun {
    OpenRun {
        run: RunId { instance: format!("invt-{id}").as_str().into(), round: 0 },
        task: crate::model::TaskKey {
            workflow: "nightly".into(),
            task: "ins-1".into(),
            task_id: "cmd-1".into(),
        },
        parent: format!("inv-{id}").as_str().into(),
        planned: None,
        since: Some(at(created)),
    }
}

#[tokio::test]
async fn a_finished_task_is_counted_once_with_code_times_and_name() {
    let bench = Bench::new();
    bench.add("a", -100, "FAILED");
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    let seen = bench.desk.counted().remove(0);
    assert_eq!((&*seen.task.workflow, seen.return_code), ("nightly", Some(3)));
    assert_eq!((seen.started, seen.ended), (Some(at(-95)), Some(at(-83))));
    let last = bench.desk.batches().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(at(0)), true));
    assert_eq!(
        bench.api.calls(),
        ["DescribeInvocations 0", "DescribeCommands cmd-1", "DescribeInvocationTasks 1"]
    );

    assert_eq!(bench.poll(&window(at(60))).await.unwrap(), Read::Whole);
    assert_eq!(bench.counted(), ["invt-a"]);
    assert_eq!(bench.api.calls(), ["DescribeInvocations 0"], "what is counted costs no call");
}

#[tokio::test]
async fn paging_ends_where_nothing_new_can_be() {
    let bench = Bench::new();
    for n in 0..700 {
        bench.add(&n.to_string(), -7000 + 10 * n, "SUCCESS");
    }
    // The hour before holds 360; the page of rows 297 to 396 straddles its edge, so nothing new can follow.
    let mut window = window(at(0));
    window.floor = at(-200_000);
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    let pages: Vec<String> =
        bench.api.calls().into_iter().filter(|call| call.starts_with("DescribeInvocations ")).collect();
    let offsets: Vec<String> = (0..4).map(|page| format!("DescribeInvocations {}", 99 * page)).collect();
    assert_eq!(pages, offsets);
    assert_eq!(bench.counted().len(), 397, "what a page shows is taken, wanted or not");
}

#[tokio::test]
async fn another_order_than_newest_first_is_read_to_the_end() {
    let bench = Bench::new();
    for n in 0..250 {
        bench.add(&n.to_string(), -100_000 + 300 * n, "SUCCESS");
    }
    bench.add("new", -50, "SUCCESS");
    bench.api.set().invocations.reverse();
    bench.poll(&window(at(0))).await.unwrap();
    assert!(bench.counted().contains(&"invt-new".to_owned()));
}

#[tokio::test]
async fn rows_pushed_to_the_next_page_are_met_once_and_none_is_missed() {
    let bench = Bench::new();
    for n in 0..250 {
        bench.add(&n.to_string(), -3000 + 10 * n, "SUCCESS");
    }
    let late = (1..=2).map(|page| (page, invocation(&format!("late{page}"), -1, "RUNNING"))).collect();
    bench.api.set().joining = late;
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    let mut counted = bench.counted();
    counted.sort();
    let met = counted.len();
    counted.dedup();
    assert_eq!((met, counted.len()), (250, 250));
}

#[tokio::test]
async fn rows_pushed_down_are_not_taken_for_another_order() {
    let bench = Bench::new();
    for n in 0..400 {
        bench.add(&n.to_string(), -30_000 + 70 * n, "SUCCESS");
    }
    let late = |n: usize| (1, invocation(&format!("late{n}"), -1, "RUNNING"));
    bench.api.set().joining = (0..5).map(late).collect();
    // Just beyond what the first page shows.
    let window = Window { from: at(-9500), ..window(at(0)) };
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    let calls = bench.api.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("DescribeInvocations ")).count(), 2, "{calls:?}");
}

#[tokio::test]
async fn rows_that_leave_between_two_pages_hide_none() {
    let bench = Bench::new();
    for n in 0..350 {
        bench.add(&n.to_string(), -3500 + 10 * n, "SUCCESS");
    }
    // Three rows of the first page are gone when the second is read.
    bench.api.set().leaving = vec![(1, "inv-320".into()), (1, "inv-321".into()), (1, "inv-322".into())];
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    assert_eq!(bench.counted().len(), 350);
}

#[tokio::test]
async fn a_page_read_again_from_further_up_is_not_taken_for_another_order() {
    let bench = Bench::new();
    for n in 0..2000 {
        bench.add(&n.to_string(), -400_000 + 200 * n, "SUCCESS");
    }
    // So many rows of the first page are gone that what lies in between is minutes newer than the second page.
    bench.api.set().leaving = (1930..1990).map(|n| (1, format!("inv-{n}"))).collect();
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    let calls = bench.api.calls();
    let pages = calls.iter().filter(|call| call.starts_with("DescribeInvocations ")).count();
    assert!(pages < 10, "{pages} pages: {calls:?}");
}

#[tokio::test]
async fn a_reading_cut_short_goes_on_where_it_was() {
    let bench = Bench::new();
    for n in 0..1000 {
        bench.add(&n.to_string(), -10_000 + 10 * n, "SUCCESS");
    }
    let mut window = window(at(0));
    (window.from, window.floor) = (at(-20_000), at(-20_000));
    let failing = |offset: usize| {
        bench.api.set().failing = Some((offset, Error::Server { code: "InternalError".into() }));
    };
    failing(500);
    assert!(bench.poll(&window).await.is_err());
    assert_eq!(bench.counted().len(), 595);

    // Meanwhile 120 came.
    for n in 0..120 {
        bench.add(&format!("new{n}"), 1 + n, "SUCCESS");
    }
    window.to = at(200);
    bench.api.calls();
    failing(700);
    assert!(bench.poll(&window).await.is_err());
    let read = bench.api.calls().iter().filter(|call| call.starts_with("DescribeInvocations ")).count();
    // 0, 99 and 198 reach what was read before; then 494 in part once more, 593, 692, and 791 fails.
    assert_eq!(read, 7, "the rows in between are not read again");

    bench.api.set().failing = None;
    bench.api.calls();
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert_eq!(bench.desk.batches().pop().unwrap().watermark, Some(at(200)));
    let mut counted = bench.counted();
    counted.sort();
    counted.dedup();
    assert_eq!((counted.len(), bench.counted().len()), (1120, 1120));
    assert_eq!(bench.keep.progress(), None);
}

#[tokio::test(start_paused = true)]
async fn a_poll_cut_off_at_its_deadline_loses_nothing_whoever_polls_next() {
    for restart in [false, true] {
        let mut bench = Bench::new();
        for n in 0..1000 {
            bench.add(&n.to_string(), -10_000 + 10 * n, "SUCCESS");
        }
        let mut window = window(at(0));
        (window.from, window.floor) = (at(-20_000), at(-20_000));
        bench.api.set().hanging = Some(500);
        assert!(tokio::time::timeout(Duration::from_secs(300), bench.poll(&window)).await.is_err());
        let cut = bench.counted().len();
        assert!((500..600).contains(&cut), "{cut}");
        assert!(bench.counted()[..100].contains(&"invt-999".to_owned()), "the newest first");
        assert!(bench.desk.peek().iter().all(|batch| batch.watermark.is_none() && !batch.complete));
        bench.api.set().hanging = None;
        bench.api.calls();
        if restart {
            bench.keep = Keep::new();
        }
        // The first page holds nothing that is not counted: that does not end the reading.
        assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
        let mut counted = bench.counted();
        counted.sort();
        counted.dedup();
        assert_eq!((counted.len(), bench.counted().len()), (1000, 1000));
        let calls = bench.api.calls();
        let tasks = calls.iter().filter(|call| call.starts_with("DescribeInvocationTasks")).count();
        assert!(tasks <= 6, "what is counted costs no call for its tasks: {tasks}");
        assert_eq!(bench.desk.batches().pop().unwrap().watermark, Some(at(0)));
    }
}

#[tokio::test]
async fn an_open_task_beyond_the_pages_is_asked_for_by_id() {
    let bench = Bench::new();
    bench.add("slow", -90_000, "RUNNING");
    for n in 0..150 {
        bench.add(&n.to_string(), -8000 + 10 * n, "SUCCESS");
    }
    let mut window = window(at(0));
    window.floor = at(-200_000);
    window.open = vec![open("slow", -90_000), open("gone", -90_000)];
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert!(bench.api.calls().contains(&"DescribeInvocations inv-gone,inv-slow".to_owned()));
    assert_eq!(bench.desk.known("invt-slow", 0), Known::Open);

    bench.restate("slow", -90_000, "TIMEOUT");
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.desk.known("invt-slow", 0), Known::Finished(Outcome::Timeout, Facets::default()));
}

#[tokio::test]
async fn the_first_poll_finds_what_was_created_before_the_lookback_and_ended_inside() {
    let mut bench = Bench::new();
    bench.desk = FakeDesk::with_floor(at(-3600));
    bench.add("old", -80_000, "SUCCESS");
    let mut long = task("long", -70_000, "SUCCESS");
    long["EndTime"] = at(-60).to_string().into();
    long["TaskResult"]["ExecEndTime"] = at(-60).to_string().into();
    let mut row = invocation("long", -70_000, "SUCCESS");
    row["EndTime"] = at(-60).to_string().into();
    {
        let mut script = bench.api.set();
        script.invocations.insert(0, row);
        script.tasks.insert("invt-long".into(), long);
    }
    for n in 0..200 {
        bench.add(&n.to_string(), -5000, "SUCCESS");
    }
    let mut window = window(at(0));
    window.first = true;
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.counted(), ["invt-long"]);
    let asked: Vec<String> =
        bench.api.calls().into_iter().filter(|call| call.starts_with("DescribeInvocationTasks")).collect();
    assert_eq!(asked, ["DescribeInvocationTasks 1"], "what ended before the floor costs no call");
}

#[tokio::test]
async fn a_refused_task_call_loses_nothing() {
    let bench = Bench::new();
    bench.add("a", -100, "FAILED");
    bench.add("b", -50, "RUNNING");
    let refused = Error::Auth { code: "UnauthorizedOperation.CamAuthFailed".into(), hint: "grant it" };
    bench.api.set().errors.insert("DescribeInvocationTasks", refused);
    let error = bench.poll(&window(at(0))).await.unwrap_err();
    assert!(error.to_string().contains("DescribeInvocationTasks"), "{error}");
    assert!(bench.desk.batches().iter().all(|batch| batch.watermark.is_none() && !batch.complete));
    assert_eq!((bench.counted().len(), bench.desk.known("invt-b", 0)), (0, Known::Open));

    bench.api.set().errors.clear();
    bench.poll(&window(at(60))).await.unwrap();
    assert_eq!(bench.counted(), ["invt-a"]);
}

#[tokio::test]
async fn without_tasks_the_invocation_tells_the_outcome() {
    let mut bench = Bench::new();
    bench.settings.tasks = false;
    bench.add("a", -100, "FAILED");
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    let seen = bench.desk.counted().remove(0);
    assert_eq!((seen.return_code, seen.started, seen.ended), (None, Some(at(-100)), Some(at(-80))));
    assert!(bench.api.calls().iter().all(|call| !call.starts_with("DescribeInvocationTasks")));
}

#[tokio::test]
async fn a_task_that_is_not_to_be_had_is_counted_by_its_invocation() {
    let bench = Bench::new();
    bench.add("a", -100, "FAILED");
    bench.api.set().tasks.clear();
    bench.poll(&window(at(0))).await.unwrap();
    assert_eq!(bench.counted(), ["invt-a"]);
}

#[tokio::test]
async fn a_series_keeps_its_name_whether_or_not_names_can_be_looked_up() {
    let bench = Bench::new();
    bench.add("a", -100, "SUCCESS");
    bench.api.set().errors.insert("DescribeCommands", Error::Server { code: "InternalError".into() });
    assert!(bench.poll(&window(at(0))).await.is_err(), "nothing is shown under a name that may change");
    assert_eq!(bench.counted().len(), 0);

    let refused = Error::Auth { code: "UnauthorizedOperation".into(), hint: "grant it" };
    bench.api.set().errors.insert("DescribeCommands", refused);
    assert!(matches!(bench.poll(&window(at(0))).await.unwrap(), Read::Refused(_)));
    bench.api.set().errors.clear();
    bench.add("b", -50, "SUCCESS");
    assert_eq!(bench.poll(&window(at(60))).await.unwrap(), Read::Whole);
    let workflows: Vec<String> =
        bench.desk.counted().iter().map(|seen| seen.task.workflow.to_string()).collect();
    assert_eq!(workflows, ["cmd-1", "cmd-1"]);

    // After a restart the open runs' name goes on.
    let restarted = Bench::new();
    restarted.add("c", -50, "SUCCESS");
    let mut window = window(at(60));
    let mut run = open("c", -50);
    run.task.workflow = "cmd-1".into();
    window.open = vec![run];
    restarted.poll(&window).await.unwrap();
    assert_eq!(&*restarted.desk.counted()[0].task.workflow, "cmd-1");
}

#[tokio::test]
async fn explicit_ids_are_read_a_hundred_at_a_time() {
    let mut bench = Bench::new();
    bench.settings.invocation_ids = (0..250).map(|n| format!("inv-{n}")).collect();
    for n in 0..250 {
        bench.add(&n.to_string(), -1000, "SUCCESS");
    }
    assert_eq!(bench.poll(&window(at(0))).await.unwrap(), Read::Whole);
    assert_eq!(bench.counted().len(), 250);
    let calls = bench.api.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("DescribeInvocations ")).count(), 3);
    assert_eq!(calls.iter().filter(|call| call.starts_with("DescribeInvocationTasks")).count(), 3);
}

#[tokio::test]
async fn explicit_ids_that_no_answer_shows_are_named() {
    let mut bench = Bench::new();
    bench.add("a", -100, "SUCCESS");
    bench.settings.invocation_ids = vec!["inv-a".into(), "inv-typo".into()];
    let Read::Refused(told) = bench.poll(&window(at(0))).await.unwrap() else { panic!() };
    assert_eq!(told, "invocation_ids: there is no \"inv-typo\"");
    assert_eq!(bench.counted(), ["invt-a"]);
    assert_eq!(bench.desk.batches().pop().unwrap().watermark, Some(at(0)));

    bench.settings.invocation_ids = (0..5).map(|n| format!("inv-{n}")).collect();
    let Read::Refused(told) = bench.poll(&window(at(60))).await.unwrap() else { panic!() };
    assert_eq!(told, "invocation_ids: there is no \"inv-0\", \"inv-1\", \"inv-2\" and 2 more");
}

#[tokio::test]
async fn filters_are_sent_and_a_failure_between_pages_keeps_the_watermark() {
    let mut bench = Bench::new();
    bench.settings.filters = vec![Filter { name: "command-id".into(), values: vec!["cmd-1".into()] }];
    assert_eq!(bench.settings.sent_filters()[0].values, ["cmd-1"]);
    let refused = Error::Rejected { code: "InvalidParameterValue.InvalidFilter".into() };
    bench.api.set().errors.insert("DescribeInvocations", refused);
    let error = bench.poll(&window(at(0))).await.unwrap_err();
    assert!(error.to_string().contains("InvalidFilter"), "{error}");
    assert!(bench.desk.batches().iter().all(|batch| batch.watermark.is_none()));
}
