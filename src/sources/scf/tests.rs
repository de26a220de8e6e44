//! The source against a small SCF of rows in memory.

mod gaps;

use super::wire::{
    FunctionsAnswer, FunctionsRequest, LogsAnswer, LogsRequest, NamespacesAnswer, NamespacesRequest,
};
use super::*;
use crate::model::RunId;
use crate::sources::desk::{self, FakeDesk};
use crate::transport::Error;
use serde_json::{Value, from_value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When the polls happen, in seconds.
const NOW: i64 = 1_700_000_000;

/// An account's functions, and the requests made to it.
#[derive(Default)]
struct Cloud {
    /// By function: rows of start second and JSON, in order.
    rows: Mutex<BTreeMap<String, Vec<(i64, Value)>>>,
    /// By function, `*` for the listing of them: what a call for it fails with.
    failures: Mutex<BTreeMap<String, Error>>,
    /// What TotalCount says in place of the truth; with it every page is the first.
    total: Mutex<Option<u64>>,
    /// Answers of more rows than this are too large to be read.
    most_rows: Mutex<Option<usize>>,
    /// How long a call takes.
    slow: Mutex<Duration>,
    calls: Mutex<Vec<LogsRequest>>,
    listings: Mutex<u32>,
    /// What ListNamespaces answers, in the place of its namespaces.
    namespaces: Mutex<Option<Value>>,
}

impl Cloud {
    fn with(functions: &[&str]) -> Arc<Self> {
        let rows = functions.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        Arc::new(Self { rows: Mutex::new(rows), ..Self::default() })
    }

    fn run(&self, function: &str, id: &str, start: i64, code: i64) {
        let start_time = Zone::east8().write(Timestamp::from_secs(start));
        let row = json!({"RequestId": id, "StartTime": start_time, "RetCode": code, "InvokeFinished": 1, "Duration": 10});
        let mut rows = self.rows.lock().unwrap();
        let rows = rows.get_mut(function).unwrap();
        rows.retain(|(_, row)| row["RequestId"] != id);
        rows.push((start, row));
        rows.sort_by_key(|(start, _)| *start);
    }

    fn fail(&self, function: &str, error: Option<Error>) {
        let mut failures = self.failures.lock().unwrap();
        match error {
            Some(error) => failures.insert(function.to_owned(), error),
            None => failures.remove(function),
        };
    }

    fn calls(&self) -> Vec<LogsRequest> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

fn second(text: &str) -> i64 {
    Zone::east8().read(text).unwrap().secs()
}

fn page<T: Clone>(rows: &[T], offset: u32, limit: u32) -> Vec<T> {
    rows.iter().skip(offset as usize).take(limit as usize).cloned().collect()
}

impl Api for Arc<Cloud> {
    fn logs<'a>(&'a self, request: &'a LogsRequest) -> BoxFuture<'a, Result<LogsAnswer, Error>> {
        self.calls.lock().unwrap().push(request.clone());
        let (from, to) = (second(&request.start_time), second(&request.end_time));
        assert!(from <= to && to - from <= 86_400, "{request:?}");
        assert!(request.offset + request.limit <= 10_000 && request.limit > 0, "{request:?}");
        if let Some(error) = self.failures.lock().unwrap().get(&request.function_name) {
            return Box::pin(std::future::ready(Err(error.clone())));
        }
        let all = self.rows.lock().unwrap();
        let within: Vec<Value> = all[&request.function_name]
            .iter()
            .filter(|(start, _)| (from..=to).contains(start))
            .map(|(_, row)| row.clone())
            .collect();
        let lie = *self.total.lock().unwrap();
        let rows = page(&within, if lie.is_some() { 0 } else { request.offset }, request.limit);
        let too_large = self.most_rows.lock().unwrap().is_some_and(|most| rows.len() > most)
            || (request.limit > 1 && rows.iter().any(|row| row["RequestId"] == "huge"))
            || rows.first().is_some_and(|row| row["RequestId"] == "huge");
        let answer = match too_large {
            true => Err(Error::TooLarge(1 << 20)),
            false => {
                Ok(from_value(json!({"TotalCount": lie.unwrap_or(within.len() as u64), "Data": rows}))
                    .unwrap())
            }
        };
        let slow = *self.slow.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            answer
        })
    }

    fn functions<'a>(
        &'a self,
        request: &'a FunctionsRequest,
    ) -> BoxFuture<'a, Result<FunctionsAnswer, Error>> {
        *self.listings.lock().unwrap() += 1;
        if let Some(error) = self.failures.lock().unwrap().get("*") {
            return Box::pin(std::future::ready(Err(error.clone())));
        }
        let all = self.rows.lock().unwrap();
        let names: Vec<Value> =
            all.keys().map(|name| json!({"FunctionName": name, "Runtime": "Python3.9"})).collect();
        let rows = page(&names, request.offset, request.limit);
        Box::pin(std::future::ready(Ok(
            from_value(json!({"TotalCount": names.len(), "Functions": rows})).unwrap()
        )))
    }

    fn namespaces<'a>(
        &'a self,
        request: &'a NamespacesRequest,
    ) -> BoxFuture<'a, Result<NamespacesAnswer, Error>> {
        if let Some(answer) = self.namespaces.lock().unwrap().clone() {
            return Box::pin(std::future::ready(Ok(from_value(answer).unwrap())));
        }
        // A server that gives fewer rows than it is asked for.
        let names = ["a", "b", "c"].map(|name| json!({"Name": name}));
        let rows = page(&names, request.offset, 2);
        Box::pin(std::future::ready(Ok(
            from_value(json!({"TotalCount": names.len(), "Namespaces": rows})).unwrap()
        )))
    }
}

fn source(cloud: &Arc<Cloud>, settings: Value) -> Functions {
    Functions::new(Box::new(Arc::clone(cloud)), "f", "ap-x", from_value(settings).unwrap())
}

/// Window number `poll`, `later` seconds after [`NOW`], of an hour.
fn at(poll: u64, later: i64) -> Window {
    Window { poll, first: poll == 1, ..desk::window(Timestamp::from_secs(NOW + later)) }
}

async fn poll(source: &Functions, window: &Window, desk: &FakeDesk) -> Result<Read, PollError> {
    source.poll(&source.cell("default"), window, desk).await
}

fn refused(code: &str) -> Error {
    Error::Rejected { code: code.into() }
}

#[tokio::test]
async fn rows_become_runs_once_and_a_change_is_told() {
    let cloud = Cloud::with(&["a", "b"]);
    cloud.run("a", "r1", NOW - 60, 0);
    cloud.run("a", "r2", NOW - 50, 2);
    cloud.run("b", "r3", NOW - 10, 1);
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole);
    let last = desk.peek().pop().unwrap();
    assert_eq!((last.complete, last.watermark), (true, Some(Timestamp::from_secs(NOW))));
    let tasks: Vec<(&str, &str)> =
        last.tasks.iter().map(|(task, info)| (&*task.task, &*info.task_type)).collect();
    assert_eq!(tasks, [("a", "Python3.9"), ("b", "Python3.9")]);
    assert_eq!(desk.runs(), ["a r1 success", "a r2 running", "b r3 failed"]);
    cloud.run("a", "r2", NOW - 50, 0);
    poll(&source, &at(2, 60), &desk).await.unwrap();
    assert_eq!(desk.runs(), ["a r2 success"], "what is known is not handed over again");
    assert_eq!(*cloud.listings.lock().unwrap(), 1, "the functions are remembered");
    poll(&source, &at(3, 301), &desk).await.unwrap();
    assert_eq!(*cloud.listings.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_row_that_appears_only_when_its_run_ends_is_found() {
    let cloud = Cloud::with(&["a"]);
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    for later in [0, 300, 600, 900, 928] {
        poll(&source, &at(if later == 0 { 1 } else { 2 }, later), &desk).await.unwrap();
    }
    assert!(desk.runs().is_empty());
    // Started before the first of those polls, ran for 900 s, and its row settled 30 s later.
    cloud.run("a", "late", NOW - 1, 0);
    poll(&source, &at(2, 929), &desk).await.unwrap();
    assert_eq!(desk.runs(), ["a late success"]);
    assert_eq!(*cloud.listings.lock().unwrap(), 0, "names need no listing");
}

#[tokio::test]
async fn a_poll_reads_back_to_the_oldest_open_run_but_a_day_at_most() {
    let cloud = Cloud::with(&["a"]);
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    let mut second_poll = at(2, 60);
    second_poll.floor = Timestamp::from_secs(NOW - 10 * 86_400);
    for (since, from) in [(NOW - 20 * 3600, NOW - 20 * 3600), (NOW - 30 * 3600, NOW + 60 - 3600)] {
        second_poll.open = vec![desk::open("a", "long", 0, "", Timestamp::from_secs(since))];
        source.progress.retain("default", &[]);
        poll(&source, &second_poll, &desk).await.unwrap();
        let begins: Vec<i64> = cloud.calls().iter().map(|call| second(&call.start_time)).collect();
        assert_eq!(begins, [from]);
    }
}

#[tokio::test]
async fn no_rows_say_nothing_about_open_runs() {
    let cloud = Cloud::with(&["a", "b"]);
    cloud.run("b", "r", NOW, 0);
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    let mut window = at(2, 60);
    window.open = vec![
        desk::open("a", "long", 0, "", Timestamp::from_secs(NOW - 100)),
        desk::open("b", "gone", 0, "", Timestamp::from_secs(NOW - 100)),
        desk::open("a", "older than any run", 0, "", Timestamp::from_secs(NOW - 2 * 86_400)),
    ];
    poll(&source, &window, &desk).await.unwrap();
    let last = desk.batches().pop().unwrap();
    assert_eq!(last.still_open, [RunId { instance: "long".into(), round: 0 }]);
    assert!(last.complete);
}

#[tokio::test]
async fn qualifiers_are_tasks_of_their_own() {
    let cloud = Cloud::with(&["a"]);
    let settings = json!({"functions": ["a"], "qualifiers": ["$LATEST", "2"]});
    let (source, desk) = (source(&cloud, settings), FakeDesk::default());
    poll(&source, &at(1, 0), &desk).await.unwrap();
    let asked: Vec<_> = cloud.calls().into_iter().map(|call| call.qualifier.unwrap()).collect();
    assert_eq!(asked, ["$LATEST", "2"]);
    let tasks: Vec<String> =
        desk.batches().pop().unwrap().tasks.iter().map(|(task, _)| task.task.to_string()).collect();
    assert_eq!(tasks, ["a:$LATEST", "a:2"]);
}

#[tokio::test]
async fn more_rows_than_can_be_reached_are_read_in_halves() {
    let cloud = Cloud::with(&["a"]);
    for n in 0..12_000 {
        cloud.rows.lock().unwrap().get_mut("a").unwrap().push((
            NOW - 600 + n / 24,
            json!({"RequestId": n, "StartTime": "2023-11-15 06:00:00", "RetCode": 0, "InvokeFinished": 1}),
        ));
    }
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole);
    let mut runs = desk.runs();
    runs.dedup();
    assert_eq!(runs.len(), 12_000);
    let calls = cloud.calls().len();
    assert!(calls < 40, "{calls} calls");
}

#[tokio::test]
async fn a_page_that_comes_again_is_no_news_and_a_total_beside_it_no_reason_to_cut() {
    for total in [1000, 1_000_000_000] {
        let cloud = Cloud::with(&["a"]);
        cloud.run("a", "one", NOW - 100, 0);
        *cloud.total.lock().unwrap() = Some(total);
        let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
        let read = poll(&source, &at(1, 0), &desk).await.unwrap();
        assert!(matches!(read, Read::Torn(_)), "{read:?}");
        let calls = cloud.calls().len();
        assert!(calls < 10, "{total}: {calls} calls");
        assert_eq!(desk.runs().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_too_large_is_read_in_smaller_pages() {
    let cloud = Cloud::with(&["a"]);
    for n in 0..40 {
        cloud.run("a", &format!("r{n}"), NOW - 100 + n, 0);
    }
    *cloud.most_rows.lock().unwrap() = Some(7);
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole);
    assert_eq!(desk.runs().len(), 40);
}

#[tokio::test]
async fn a_single_row_too_large_is_passed_over() {
    let cloud = Cloud::with(&["a"]);
    for (n, id) in ["r1", "huge", "r2"].into_iter().enumerate() {
        cloud.run("a", id, NOW - 100 + i64::try_from(n).unwrap(), 0);
    }
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    assert!(matches!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Refused(_)));
    let last = desk.peek().pop().unwrap();
    assert_eq!(last.rejected, [(crate::model::RejectCause::Malformed, 1)]);
    assert_eq!(desk.runs(), ["a r1 success", "a r2 success"]);
}

#[tokio::test]
async fn what_would_fail_everywhere_ends_the_poll() {
    let throttled = Error::Throttled { code: "RequestLimitExceeded".into(), retry_after: None };
    let server = Error::Server { code: "InternalError".into() };
    for (error, calls) in [(throttled, 1), (server, 3), (refused("InvalidParameterValue"), 5)] {
        let cloud = Cloud::with(&["a", "b", "c", "d", "e"]);
        for function in ["a", "b", "c", "d", "e"] {
            cloud.fail(function, Some(error.clone()));
        }
        let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
        let ended = poll(&source, &at(1, 0), &desk).await.unwrap_err();
        assert_eq!(ended.reason(), error.reason());
        assert_eq!(cloud.calls().len(), calls, "{error}");
        assert!(desk.batches().is_empty());
    }
}

#[tokio::test]
async fn a_function_that_is_gone_is_passed_over_unless_it_was_named() {
    let cloud = Cloud::with(&["a", "b"]);
    cloud.fail("a", Some(refused("ResourceNotFound.FunctionName")));
    let desk = FakeDesk::default();
    assert_eq!(poll(&source(&cloud, json!({})), &at(1, 0), &desk).await.unwrap(), Read::Whole);
    let named = source(&cloud, json!({"functions": ["a", "b"]}));
    let read = poll(&named, &at(1, 0), &desk).await.unwrap();
    assert!(
        matches!(&read, Read::Refused(text) if text.contains("not there: a (ResourceNotFound.FunctionName); check")),
        "{read:?}"
    );
    cloud.fail("b", Some(refused("ResourceNotFound.FunctionName")));
    let ended = poll(&named, &at(2, 60), &desk).await.unwrap_err();
    let ended = ended.to_string();
    assert!(
        ended.starts_with(
            "GetFunctionLogs: the API refused the request (ResourceNotFound.FunctionName): check the names"
        ),
        "{ended}"
    );
    cloud.fail("*", Some(refused("ResourceNotFound.Namespace")));
    let ended = poll(&source(&cloud, json!({})), &at(2, 60), &desk).await.unwrap_err().to_string();
    assert!(ended.starts_with("ListFunctions: ") && ended.contains(": check the names"), "{ended}");
}

#[tokio::test]
async fn withdrawn_logs_are_asked_for_once_an_hour() {
    let cloud = Cloud::with(&["a", "b"]);
    for function in ["a", "b"] {
        cloud.fail(function, Some(refused("ActionOffline")));
    }
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    for later in [0, 60, 3599] {
        let ended = poll(&source, &at(1, later), &desk).await.unwrap_err();
        assert!(
            ended.to_string().starts_with("GetFunctionLogs: the API refused the request (ActionOffline)"),
            "{ended}"
        );
    }
    assert_eq!(cloud.calls().len(), 1);
    assert!(desk.batches().is_empty());
    assert!(poll(&source, &at(1, 3600), &desk).await.is_err());
    assert_eq!(cloud.calls().len(), 1);
}

#[tokio::test]
async fn namespaces_are_cells() {
    let cloud = Cloud::with(&[]);
    let projects = |cells: Vec<CellKey>| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
    let all = source(&cloud, json!({"namespaces": ["*"]}));
    assert_eq!(projects(all.discover().await.unwrap()), ["f/ap-x/a", "f/ap-x/b", "f/ap-x/c"]);
    for no_answer in [json!({}), json!({"TotalCount": 3, "Namespaces": null})] {
        *cloud.namespaces.lock().unwrap() = Some(no_answer);
        let failed = all.discover().await.unwrap_err();
        assert_eq!(failed.reason(), crate::model::Reason::Decode, "no cell ends because of it");
    }
    assert_eq!(all.rediscover(), Some(Duration::from_secs(600)));
    let some = source(&cloud, json!({"namespaces": ["x", "x"]}));
    assert_eq!(projects(some.discover().await.unwrap()), ["f/ap-x/x"]);
    assert_eq!(some.rediscover(), None);
    assert_eq!(some.reach().overlap, Duration::from_secs(930));
}

#[test]
fn the_buckets_are_those_of_short_work() {
    let buckets = (KIND.buckets)();
    assert_eq!((buckets.duration.first(), buckets.duration.last()), (Some(&0.005), Some(&900.0)));
    assert!(buckets.duration.is_sorted() && buckets.memory.is_sorted());
}
