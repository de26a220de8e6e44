use crate::model::{Batch, Facets, Known, LogFacts, Outcome, RunId};
use crate::sources::Read;
use crate::sources::wedata::poll::bench::{Bench, at, refused, since_midnight};
use crate::sources::wedata::script::{key, life, row};
use crate::sources::wedata::settings::Which;
use crate::transport::Error;
use serde_json::{Value, json};

fn failing(code: &str) -> Error {
    Error::Server { code: code.into() }
}

/// A bench with finished instances at 01:00, 02:00 and 03:00.
fn three() -> Bench {
    let bench = Bench::new();
    for (task, time) in [(1, "01:00"), (2, "02:00"), (3, "03:00")] {
        bench.set(row(task, time, 2, 1), &[life(0, time, 2)]);
    }
    bench
}

fn last(bench: &Bench) -> Batch {
    bench.desk.batches().pop().unwrap()
}

fn waits_known(bench: &Bench, task: u64, time: &str) -> bool {
    matches!(bench.desk.known(&key(task, time), 0), Known::Finished(_, facets) if facets.has(Facets::WAITS))
}

#[tokio::test]
async fn a_failing_detail_holds_the_watermark_before_it_and_no_count_back() {
    let bench = three();
    bench.api.set().errors.insert(format!("GetTaskInstance {}", key(2, "02:00")), failing("InternalError"));
    let error = bench.poll(&since_midnight("04:00")).await.unwrap_err();
    assert!(error.to_string().starts_with("GetTaskInstance"), "{error}");
    assert_eq!(bench.counted().len(), 3);
    assert!(waits_known(&bench, 1, "01:00") && waits_known(&bench, 3, "03:00"));
    let closing = last(&bench);
    assert_eq!((closing.watermark, closing.complete, closing.backlog), (Some(at("02:00")), true, Some(1)));

    bench.api.set().errors.clear();
    assert_eq!(bench.poll(&since_midnight("04:01")).await.unwrap(), Read::Whole);
    assert!(waits_known(&bench, 2, "02:00"));
    assert_eq!(last(&bench).watermark, Some(at("04:01")));
}

#[tokio::test]
async fn an_instance_that_alone_keeps_failing_is_given_up() {
    let bench = three();
    bench.api.set().errors.insert(format!("GetTaskInstance {}", key(1, "01:00")), failing("InternalError"));
    let mut watermarks = Vec::new();
    for poll in 0..4_u64 {
        // Somebody else answers in every poll, so the API is not to blame.
        let time = format!("05:0{poll}");
        bench.set(row(10 + poll, "04:00", 2, 1), &[life(0, "04:00", 2)]);
        let result = bench.poll(&since_midnight(&time)).await;
        assert_eq!(result.is_err(), poll < 2, "poll {poll}");
        assert_eq!(matches!(result, Ok(Read::Refused(_))), poll >= 2, "poll {poll}");
        watermarks.push(last(&bench).watermark);
    }
    assert_eq!(watermarks, [Some(at("01:00")), Some(at("01:00")), Some(at("05:02")), Some(at("05:03"))]);
}

#[tokio::test]
async fn an_outage_gives_nothing_up_and_asks_little() {
    let bench = three();
    for time in ["01:10", "01:20"] {
        bench.set(row(9, time, 2, 1), &[]);
    }
    bench.api.set().errors.insert("GetTaskInstance".into(), failing("InternalError"));
    for _ in 0..10 {
        assert!(bench.poll(&since_midnight("04:00")).await.is_err());
        assert_eq!(last(&bench).watermark, Some(at("01:00")));
        assert_eq!(bench.api.calls("GetTaskInstance").len(), 3);
    }
    assert_eq!(last_backlog(&bench).await, Some(5));
    bench.api.set().errors.clear();
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    assert!(waits_known(&bench, 1, "01:00"));
}

async fn last_backlog(bench: &Bench) -> Option<u64> {
    bench.poll(&since_midnight("04:00")).await.unwrap_err();
    last(bench).backlog
}

#[tokio::test]
async fn a_forbidden_detail_is_told_and_stops_nothing() {
    let bench = three();
    bench.api.set().errors.insert("GetTaskInstance".into(), refused("UnauthorizedOperation"));
    let Read::Refused(told) = bench.poll(&since_midnight("04:00")).await.unwrap() else { panic!() };
    assert!(told.contains("UnauthorizedOperation") && told.contains("GetTaskInstance"), "{told}");
    assert_eq!(bench.api.calls("GetTaskInstance").len(), 1, "the next would be refused too");
    assert_eq!(bench.counted().len(), 3);
    assert_eq!(last(&bench).watermark, Some(at("04:00")));
    // Granted while the rows are still in the overlap: nothing is lost.
    bench.api.set().errors.clear();
    assert_eq!(bench.poll(&since_midnight("04:01")).await.unwrap(), Read::Whole);
    assert!(waits_known(&bench, 1, "01:00"));
}

#[tokio::test]
async fn more_details_than_fit_into_a_poll_are_read_in_the_next() {
    let bench = Bench::new();
    for task in 0..700 {
        let time = format!("{:02}:{:02}", task / 60, task % 60);
        bench.set(row(task, &time, 2, 1), &[life(0, &time, 2)]);
    }
    let Read::Refused(told) = bench.poll(&since_midnight("15:00")).await.unwrap() else { panic!() };
    assert!(told.contains("100"), "{told}");
    let closing = last(&bench);
    assert_eq!((closing.watermark, closing.complete, closing.backlog), (Some(at("10:00")), true, Some(100)));
    assert_eq!(bench.poll(&since_midnight("15:01")).await.unwrap(), Read::Whole);
    assert_eq!(bench.counted().len(), 700);
}

#[tokio::test(start_paused = true)]
async fn a_slow_api_ends_the_details_before_the_polls_deadline() {
    let bench = three();
    bench.api.set().slow = std::time::Duration::from_secs(20);
    assert!(matches!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Refused(_)));
    assert_eq!((last(&bench).watermark, waits_known(&bench, 2, "02:00")), (Some(at("03:00")), true));
}

#[tokio::test]
async fn details_that_the_api_does_not_have_are_not_asked_for_again() {
    let bench = three();
    bench.api.set().details.clear();
    for _ in 0..3 {
        assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    }
    assert_eq!(bench.api.calls("GetTaskInstance").len(), 3);
}

#[tokio::test]
async fn runs_that_ended_before_the_floor_cost_no_call() {
    let bench = three();
    let mut window = since_midnight("04:00");
    window.floor = at("02:30");
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.api.calls("GetTaskInstance"), [format!("GetTaskInstance {}", key(3, "03:00"))]);
}

/// A bench that reads the logs of failed runs, with one whose log has three pages.
fn logged(pages: Vec<Value>) -> Bench {
    let mut bench = Bench::new();
    bench.settings.logs = Which::Failed;
    bench.settings.detail = Which::Never;
    bench.set(row(1, "01:00", 2, 1), &[life(0, "01:00", 2)]);
    bench.set(row(2, "02:00", 4, 1), &[life(0, "02:00", 4)]);
    bench.api.set().logs.insert(key(2, "02:00"), pages);
    bench
}

fn pages() -> Vec<Value> {
    vec![
        json!({ "LogInfo": "one\ntwo\n", "ExtInfo": "1", "IsEnd": false, "CodeInfo": "secret" }),
        json!({ "LogInfo": "three\n", "ExtInfo": "2", "IsEnd": "false" }),
        json!({ "LogInfo": "four\n", "ExtInfo": "3", "IsEnd": true }),
        json!({ "LogInfo": "never read\n", "ExtInfo": "4", "IsEnd": true }),
    ]
}

fn log_of(batches: &[Batch]) -> Option<LogFacts> {
    batches.iter().flat_map(|batch| &batch.observations).find_map(|seen| seen.log)
}

#[tokio::test]
async fn a_log_is_read_to_its_end_once() {
    let bench = logged(pages());
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    let facts = log_of(&bench.desk.batches()).unwrap();
    assert_eq!((facts.lines.iter().sum::<u64>(), facts.bytes), (4, 19));
    let asked: Vec<String> =
        ["start", "1", "2"].iter().map(|at| format!("GetInstanceLog {}#0 {at}", key(2, "02:00"))).collect();
    assert_eq!(bench.api.calls("GetInstanceLog"), asked);
    bench.poll(&since_midnight("04:01")).await.unwrap();
    assert_eq!(bench.api.calls("GetInstanceLog").len(), 0);
}

#[tokio::test]
async fn a_log_without_end_ends_all_the_same() {
    let still = json!({ "LogInfo": "x\n", "ExtInfo": "0", "IsEnd": false });
    let empty = json!({ "LogInfo": "", "ExtInfo": "1", "IsEnd": false });
    let endless = (1..200).map(|n| json!({ "LogInfo": "x\n", "ExtInfo": n.to_string() })).collect();
    for (pages, calls) in
        [(vec![still], 2), (vec![empty], 1), (vec![json!({})], 1), (endless, 50), (vec![], 1)]
    {
        let bench = logged(pages);
        assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
        assert_eq!(bench.api.calls("GetInstanceLog").len(), calls);
        assert!(log_of(&bench.desk.batches()).is_some());
    }
}

#[tokio::test]
async fn a_run_without_a_log_file_costs_no_log_call() {
    let bench = logged(pages());
    let mut branch = life(0, "02:00", 4);
    branch["ExecutionJobId"] = Value::Null;
    bench.set(row(2, "02:00", 4, 1), &[branch]);
    bench.poll(&since_midnight("04:00")).await.unwrap();
    assert_eq!(bench.api.calls("GetInstanceLog").len(), 0);
    assert_eq!(log_of(&bench.desk.batches()), Some(LogFacts::default()));
}

#[tokio::test]
async fn a_forbidden_log_is_asked_for_once_a_poll() {
    let bench = logged(pages());
    bench.set(row(3, "03:00", 4, 1), &[life(0, "03:00", 4)]);
    bench.api.set().errors.insert("GetInstanceLog".into(), refused("UnauthorizedOperation"));
    let Read::Refused(told) = bench.poll(&since_midnight("04:00")).await.unwrap() else { panic!() };
    assert!(told.contains("GetInstanceLog"), "{told}");
    assert_eq!(bench.api.calls("GetInstanceLog").len(), 1);
    assert_eq!(bench.counted().len(), 3);
}

#[tokio::test]
async fn a_failing_log_holds_back_only_itself() {
    let bench = logged(pages());
    bench.set(row(2, "02:00", 4, 2), &[life(1, "02:00", 4), life(0, "01:30", 4)]);
    bench.api.set().errors.insert("GetInstanceLog".into(), failing("InternalError"));
    assert!(bench.poll(&since_midnight("04:00")).await.is_err());
    let rounds: Vec<u32> = bench
        .desk
        .counted()
        .iter()
        .filter(|seen| *seen.run.instance == *key(2, "02:00"))
        .map(|seen| seen.run.round)
        .collect();
    assert_eq!(rounds, [1, 0], "the listing comes first");
    assert_eq!(last(&bench).watermark, Some(at("02:00")));
    bench.api.set().errors.clear();
    bench.api.calls("");
    assert_eq!(bench.poll(&since_midnight("04:01")).await.unwrap(), Read::Whole);
    assert!(bench.api.calls("GetInstanceLog").len() >= 2, "both rounds' logs");
    assert_eq!(bench.counted().iter().filter(|(_, outcome)| *outcome == Outcome::Failed).count(), 2);
}

#[tokio::test]
async fn rounds_are_looked_for_however_many_an_answer_claims() {
    let bench = Bench::new();
    bench.set(row(1, "01:00", 2, u32::MAX), &[]);
    bench.poll(&since_midnight("04:00")).await.unwrap();
    let run = RunId { instance: key(1, "01:00").as_str().into(), round: u32::MAX - 1 };
    assert_eq!(bench.desk.counted()[0].run, run);
    assert_eq!(last(&bench).watermark, Some(at("04:00")));
}
