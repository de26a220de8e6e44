//! The source against a small EnOS in memory.

mod plant;

use super::wire::SearchRequest;
use super::*;
use crate::model::{RejectCause, RunId, Timestamp};
use crate::sources::desk::{self, FakeDesk};
use crate::transport::Error;
use plant::{NOW, Plant, at, missing, poll, source};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn only_what_may_have_changed_is_asked_for() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("over", 3600, 1, &[1, 1]);
    plant.put_flow("under way", 60, 2, &[1, 2, 5]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole);
    assert_eq!(plant.gets().len(), 2 + 5);
    let last = desk.peek().pop().unwrap();
    assert_eq!((last.complete, last.watermark), (true, Some(Timestamp::from_secs(NOW))));
    assert_eq!(
        desk.runs(),
        [
            "t over-0#1 success",
            "t over-1#1 success",
            "t under way-0#1 success",
            "t under way-1#1 running",
            "t under way-2#1 waiting"
        ]
    );
    assert_eq!(poll(&source, &at(2, 60), &desk).await.unwrap(), Read::Whole);
    assert_eq!(plant.gets(), ["flow under way", "task under way-1"], "the waiting one stands in the graph");
    let idle = RunId { instance: "under way-2".into(), round: 1 };
    assert_eq!(desk.batches()[0].still_open, [idle]);
    plant.put_flow("under way", 60, 1, &[1, 1, 1]);
    poll(&source, &at(3, 120), &desk).await.unwrap();
    assert_eq!(plant.gets(), ["flow under way", "task under way-1", "task under way-2"]);
    assert_eq!(desk.runs(), ["t under way-1#1 success", "t under way-2#1 success"]);
    poll(&source, &at(4, 180), &desk).await.unwrap();
    assert!(plant.gets().is_empty(), "all is over");
}

#[tokio::test]
async fn a_flow_run_again_is_read_whole_though_its_graph_looks_as_before() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("f", 3600, 1, &[1, 1]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    poll(&source, &at(1, 0), &desk).await.unwrap();
    desk.batches();
    plant.put_task("f-1", "f", 1, 2);
    plant.change("f", "endTime", "2021-02-02 20:00:30".into());
    poll(&source, &at(2, 60), &desk).await.unwrap();
    assert!(desk.runs().contains(&"t f-1#2 success".to_owned()));
}

#[tokio::test]
async fn a_failed_flow_is_watched_until_its_last_task_ends() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("f", 600, -1, &[-1, 2]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    poll(&source, &at(1, 0), &desk).await.unwrap();
    desk.batches();
    plant.put_task("f-1", "f", 1, 1);
    poll(&source, &at(2, 60), &desk).await.unwrap();
    assert_eq!(desk.runs(), ["t f-1#1 success"]);
}

#[tokio::test]
async fn tasks_that_wait_in_a_failed_flow_are_given_up_and_looked_at_now_and_then() {
    let plant = Arc::new(Plant::default());
    plant.put_long_flow("f", 900, 300, -1, &[-1, 5]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let waiting = RunId { instance: "f-1".into(), round: 1 };
    poll(&source, &at(1, 0), &desk).await.unwrap();
    assert_eq!(plant.gets().len(), 3);
    assert_eq!(desk.runs(), ["t f-0#1 failed", "t f-1#1 waiting"]);
    poll(&source, &at(2, 240), &desk).await.unwrap();
    assert_eq!(plant.gets(), ["flow f"], "another branch may still have to start it");
    assert_eq!(desk.batches()[0].still_open, [waiting]);
    poll(&source, &at(3, 300), &desk).await.unwrap();
    assert_eq!(plant.gets(), ["flow f"]);
    for (later, calls) in [(360, 0), (3600, 0), (3900, 1), (3960, 0)] {
        poll(&source, &at(4, later), &desk).await.unwrap();
        assert_eq!(plant.gets().len(), calls, "{later}");
    }
    let batches = desk.batches();
    assert!(batches.iter().all(|batch| batch.still_open.is_empty() && batch.observations.is_empty()));
    assert!(batches.iter().any(|batch| batch.complete), "so it leaves the current runs");
    plant.put_task("f-1", "f", 1, 1);
    poll(&source, &at(5, 7500), &desk).await.unwrap();
    assert_eq!((plant.gets().len(), desk.runs()), (2, vec!["t f-1#1 success".to_owned()]));
}

#[tokio::test]
async fn a_task_that_waits_for_one_that_runs_is_not_given_up() {
    let plant = Arc::new(Plant::default());
    plant.put_long_flow("f", 7200, 3600, -1, &[-1, 2, 5]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let waits = |batch: &crate::model::Batch| batch.still_open.iter().any(|run| &*run.instance == "f-2");
    poll(&source, &at(1, 0), &desk).await.unwrap();
    assert!(desk.runs().contains(&"t f-2#1 waiting".to_owned()));
    for later in [60, 1200] {
        poll(&source, &at(2, later), &desk).await.unwrap();
        assert!(desk.batches().iter().any(waits), "{later}");
    }
    plant.put_task("f-1", "f", 1, 1);
    for (later, kept) in [(1260, true), (1800, true), (1860, false)] {
        poll(&source, &at(3, later), &desk).await.unwrap();
        assert_eq!(desk.batches().iter().any(waits), kept, "{later}");
    }
    // It is run again as a whole, and fails as before.
    plant.gets();
    plant.put_task("f-0", "f", -1, 2);
    plant.change("f", "endTime", "2021-02-02 20:31:30".into());
    poll(&source, &at(4, 1920), &desk).await.unwrap();
    assert!(desk.runs().contains(&"t f-0#2 failed".to_owned()));
}

#[tokio::test]
async fn an_old_failed_flow_with_a_task_that_never_runs_is_read_once() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("f", 3 * 86_400, -1, &[1, -1, 5]);
    plant.put_flow("suspended", 3 * 86_400, 2, &[1, 5]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let since = Timestamp::from_secs(NOW - 3 * 86_400);
    let open =
        vec![desk::open("t", "f-2", 1, "f", since), desk::open("t", "suspended-1", 1, "suspended", since)];
    poll(&source, &Window { open: open.clone(), ..at(2, 0) }, &desk).await.unwrap();
    assert_eq!(plant.gets().len(), 1 + 3 + 1 + 2);
    let batches = desk.peek();
    assert!(batches.iter().all(|batch| batch.still_open.is_empty()), "two such polls end it");
    assert!(batches.iter().any(|batch| batch.tasks.len() == 1), "the task stays known");
    let runs = desk.runs();
    assert!(!runs.contains(&"t f-2#1 waiting".to_owned()), "{runs:?}");
    assert!(runs.contains(&"t suspended-1#1 waiting".to_owned()), "{runs:?}");
    poll(&source, &Window { open: open.clone(), ..at(3, 60) }, &desk).await.unwrap();
    assert_eq!(plant.gets(), ["flow suspended"], "what is known of its tasks is not asked for again");
    assert_eq!(desk.batches()[0].still_open, [open[1].run.clone()]);
}

#[tokio::test]
async fn a_restart_asks_for_nothing_that_was_over_and_counted() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("old", 7200, 1, &[1, 1]);
    plant.put_flow("new", 90, 1, &[1]);
    let desk = FakeDesk::default();
    poll(&source(&plant, json!({})), &at(1, 0), &desk).await.unwrap();
    plant.gets();
    let restarted = source(&plant, json!({}));
    poll(&restarted, &at(2, 60), &desk).await.unwrap();
    assert_eq!(plant.gets(), ["flow new", "task new-0"], "what ended since the watermark may have run again");
    // A desk that has forgotten, or never saw, is shown everything.
    poll(&source(&plant, json!({})), &at(2, 60), &FakeDesk::default()).await.unwrap();
    assert_eq!(plant.gets().len(), 5);
}

#[tokio::test]
async fn what_a_poll_did_not_come_to_is_read_by_the_next_one_or_the_next_process() {
    for restart in [false, true] {
        let plant = Arc::new(Plant::default());
        // The search lists them by name: neither by time nor the other way round.
        for (id, ago) in [("b newest", 600), ("a second", 1200), ("d third", 1800), ("c oldest", 2400)] {
            plant.put_flow(id, ago, 1, &[1]);
        }
        plant.fail("d third-0", Some(Error::Throttled { code: "24".into(), retry_after: None }));
        let (mut source, desk) = (source(&plant, json!({})), FakeDesk::default());
        assert!(poll(&source, &at(1, 0), &desk).await.is_err());
        assert_eq!(desk.runs(), ["t a second-0#1 success", "t b newest-0#1 success"], "the newest first");
        assert!(desk.peek().iter().all(|batch| batch.watermark.is_none()));
        plant.fail("d third-0", None);
        plant.gets();
        if restart {
            source = self::source(&plant, json!({}));
        }
        assert_eq!(poll(&source, &Window { first: true, ..at(1, 60) }, &desk).await.unwrap(), Read::Whole);
        assert_eq!(desk.counted().len(), 4, "each once");
        assert_eq!(plant.gets().len(), if restart { 8 } else { 4 }, "what was read is not read again");
        assert_eq!(desk.peek().pop().unwrap().watermark, Some(Timestamp::from_secs(NOW + 60)));
    }
}

#[tokio::test]
async fn open_runs_planned_before_the_search_are_followed_to_their_end() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("long", 2 * 86_400, 1, &[1]);
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let mut window = at(2, 0);
    window.open = vec![
        desk::open("t", "long-0", 1, "long", Timestamp::from_secs(NOW - 7200)),
        desk::open("t", "lost-0", 1, "lost", Timestamp::from_secs(NOW - 7200)),
    ];
    let read = poll(&source, &window, &desk).await.unwrap();
    assert!(matches!(&read, Read::Refused(text) if text.contains("lost")), "{read:?}");
    let last = desk.peek().pop().unwrap();
    assert!(last.complete && last.still_open.is_empty(), "the lost one vanishes");
    assert_eq!(desk.runs(), ["t long-0#1 success"]);
}

#[tokio::test]
async fn the_first_poll_finds_what_was_planned_before_the_lookback_and_ended_in_it() {
    let plant = Arc::new(Plant::default());
    plant.put_long_flow("ended", 7 * 3600, 1800, 1, &[1]);
    plant.put_long_flow("failed", 7 * 3600, 5400, -1, &[1]);
    plant.put_long_flow("past", 7 * 3600, 5400, 1, &[1]);
    plant.put_long_flow("past too", 7 * 3600, 5 * 3600, -1, &[1]);
    plant.put_flow("runs", 7 * 3600, 2, &[2]);
    let settings = json!({"lookback": "1h"});
    let (source, desk) = (source(&plant, settings), FakeDesk::default());
    let floor = Timestamp::from_secs(NOW - 3600);
    let first = Window { from: floor, floor, ..at(1, 0) };
    assert_eq!(poll(&source, &first, &desk).await.unwrap(), Read::Whole);
    assert_eq!(desk.runs(), ["t ended-0#1 success", "t failed-0#1 success", "t runs-0#1 running"]);
    assert!(!plant.gets().iter().any(|call| call.starts_with("flow past")), "nothing of them can count");
    // Later polls search the lookback alone, and follow what they saw running.
    plant.put_flow("runs", 7 * 3600, 1, &[1]);
    let open = vec![desk::open("t", "runs-0", 1, "runs", Timestamp::from_secs(NOW - 1800))];
    let second = Window { floor, open, ..at(2, 60) };
    assert_eq!(poll(&source, &second, &desk).await.unwrap(), Read::Whole);
    assert_eq!(desk.runs(), ["t runs-0#1 success"]);
    assert_eq!(plant.gets(), ["flow runs", "task runs-0"]);
}

#[tokio::test]
async fn too_many_flows_before_the_lookback_hold_nothing_up() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("f", 600, 1, &[1]);
    for n in 0..20_100 {
        plant.put_long_flow(&format!("old{n}"), 7200 + n, 7000, 1, &[]);
    }
    let (source, desk) = (source(&plant, json!({"lookback": "1h"})), FakeDesk::default());
    let floor = Timestamp::from_secs(NOW - 3600);
    let read = poll(&source, &Window { from: floor, floor, ..at(1, 0) }, &desk).await.unwrap();
    assert!(matches!(&read, Read::Refused(text) if text.contains("before the lookback")), "{read:?}");
    assert_eq!(desk.peek().pop().unwrap().watermark, Some(Timestamp::from_secs(NOW)));
    assert_eq!(desk.runs(), ["t f-0#1 success"]);
    let read =
        poll(&source, &Window { from: floor.minus(Duration::from_secs(90_000)), ..at(1, 0) }, &desk).await;
    assert!(matches!(read.unwrap(), Read::Torn(_)), "in the lookback itself they do");
}

#[tokio::test]
async fn an_interval_is_expected_only_of_what_a_search_shows_as_scheduled() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("found", 600, 1, &[1]);
    plant.put_flow("followed", 3 * 86_400, 2, &[2]);
    let (by_search, desk) = (source(&plant, json!({})), FakeDesk::default());
    let mut window = at(2, 0);
    window.open = vec![desk::open("t", "followed-0", 1, "followed", Timestamp::from_secs(NOW - 7200))];
    poll(&by_search, &window, &desk).await.unwrap();
    let by_id = source(&plant, json!({"task_instances": ["found-0"]}));
    poll(&by_id, &at(1, 0), &desk).await.unwrap();
    let told: Vec<_> = desk
        .batches()
        .into_iter()
        .flat_map(|batch| batch.observations)
        .map(|seen| (seen.run.instance.to_string(), seen.expected_interval))
        .collect();
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(told, [("found-0".into(), hour), ("followed-0".into(), None), ("found-0".into(), None)]);
}

#[tokio::test]
async fn an_unknown_id_costs_only_itself() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 1, &[1, 1]);
    plant.put_flow("b", 600, 1, &[1]);
    plant.fail("a-0", Some(missing()));
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let read = poll(&source, &at(1, 0), &desk).await.unwrap();
    assert!(matches!(&read, Read::Refused(text) if text.contains("a-0")), "{read:?}");
    assert!(desk.peek().pop().unwrap().complete);
    assert_eq!(desk.runs(), ["t a-1#1 success", "t b-0#1 success"]);
    plant.gets();
    poll(&source, &at(2, 60), &desk).await.unwrap();
    assert!(plant.gets().is_empty());
}

#[tokio::test]
async fn a_graph_that_is_no_json_costs_only_its_flow() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 2, &[1]);
    plant.put_flow("b", 600, 1, &[1]);
    plant.change("a", "graph", "{\"tasks\":[{\"taskInstId\"".into());
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    let mut window = at(2, 0);
    window.open = vec![desk::open("t", "a-0", 1, "a", Timestamp::from_secs(NOW - 600))];
    assert!(matches!(poll(&source, &window, &desk).await.unwrap(), Read::Refused(_)));
    let batches = desk.peek();
    let rejected: Vec<_> = batches.iter().flat_map(|batch| batch.rejected.clone()).collect();
    assert_eq!(rejected, [(RejectCause::Malformed, 1)]);
    assert!(batches.iter().any(|batch| batch.still_open == [window.open[0].run.clone()]));
    assert_eq!(desk.runs(), ["t b-0#1 success"]);
}

#[tokio::test]
async fn a_broken_read_is_tried_again_and_three_in_a_row_end_the_poll() {
    let plant = Arc::new(Plant::default());
    for id in ["a", "b", "c", "d"] {
        plant.put_flow(id, 600, 1, &[1]);
    }
    let broken = Error::Server { code: "62109".into() };
    plant.fail("b-0", Some(broken.clone()));
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    assert!(matches!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Torn(_)));
    let last = desk.peek().pop().unwrap();
    assert_eq!((last.complete, last.watermark), (false, None));
    assert_eq!(desk.runs(), ["t a-0#1 success", "t c-0#1 success", "t d-0#1 success"]);
    plant.fail("b-0", None);
    plant.gets();
    assert_eq!(poll(&source, &at(1, 60), &desk).await.unwrap(), Read::Whole);
    assert_eq!(plant.gets(), ["flow b", "task b-0"]);
    for id in ["a", "b", "c", "d"] {
        plant.fail(id, Some(broken.clone()));
        plant.change(id, "endTime", "2021-02-02 20:00:30".into());
    }
    assert!(poll(&source, &at(2, 120), &desk).await.is_err());
    assert_eq!(plant.gets().len(), 3);
    plant.fail("search", Some(Error::Auth { code: "62101".into(), hint: "" }));
    assert_eq!(poll(&source, &at(2, 180), &desk).await.unwrap_err().reason(), crate::model::Reason::Auth);
}

#[tokio::test]
async fn every_page_is_read_whatever_number_the_first_one_has() {
    for base in [(0, false), (1, false), (1, true)] {
        let plant = Arc::new(Plant::default());
        *plant.base.lock().unwrap() = base;
        for n in 0..120 {
            plant.put_flow(&format!("f{n:03}"), 600, 1, &[1]);
        }
        let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
        assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole, "{base:?}");
        assert_eq!(desk.runs().len(), 120, "{base:?}");
    }
}

#[tokio::test]
async fn a_search_without_a_list_is_empty_only_where_it_says_so() {
    let plant = Arc::new(Plant::default());
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    for no_answer in
        [json!(null), json!({}), json!({"flowInsts": null, "count": 3}), json!({"flowInsts": null})]
    {
        *plant.search.lock().unwrap() = Some(no_answer);
        let ended = poll(&source, &at(1, 0), &desk).await.unwrap_err();
        assert_eq!(ended.reason(), crate::model::Reason::Decode);
        assert!(desk.batches().is_empty(), "nothing open ends because of it");
    }
    for none in [json!({"flowInsts": null, "count": 0}), json!({"flowInsts": []})] {
        *plant.search.lock().unwrap() = Some(none);
        assert_eq!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Whole);
    }
}

#[tokio::test]
async fn virtual_and_unreadable_flows_are_left_alone() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 1, &[1]);
    plant.put_flow("b", 600, 1, &[1]);
    plant.change("a", "virtual", true.into());
    plant.change("b", "hasReadPri", false.into());
    let (source, desk) =
        (source(&plant, json!({"flow_types": ["temporary", "periodic"]})), FakeDesk::default());
    for _ in 0..2 {
        let read = poll(&source, &at(1, 0), &desk).await.unwrap();
        assert!(matches!(&read, Read::Refused(text) if text.ends_with(": b")), "{read:?}");
    }
    assert!(plant.gets().is_empty());
}

#[tokio::test]
async fn listed_task_instances_are_read_without_any_search() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 1, &[1, 2]);
    let settings = json!({"task_instances": ["a-0", "a-1", "gone"], "flow_types": []});
    let (source, desk) = (source(&plant, settings), FakeDesk::default());
    let read = poll(&source, &at(1, 0), &desk).await.unwrap();
    assert!(matches!(&read, Read::Refused(text) if text.contains("gone")), "{read:?}");
    assert_eq!(*plant.calls.lock().unwrap(), ["zone", "task a-0", "task a-1", "task gone"]);
    assert_eq!(desk.runs(), ["t a-0#1 success", "t a-1#1 running"]);
}

#[tokio::test]
async fn the_servers_zone_is_asked_for_once() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 1, &[1]);
    for (told, ended) in [
        (Ok("GMT"), "2021-02-02T19:59:30.000Z"),
        (Ok("GMT+8"), "2021-02-02T11:59:30.000Z"),
        (Ok("somewhere"), "2021-02-02T11:59:30.000Z"),
        (Err(missing()), "2021-02-02T11:59:30.000Z"),
    ] {
        *plant.zone.lock().unwrap() = Some(told);
        let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
        plant.calls.lock().unwrap().clear();
        poll(&source, &at(1, 0), &desk).await.unwrap();
        poll(&source, &at(2, 0), &desk).await.unwrap();
        assert_eq!(plant.calls.lock().unwrap().iter().filter(|call| *call == "zone").count(), 1);
        assert_eq!(desk.batches()[0].observations[0].ended.unwrap().to_string(), ended);
    }
    *plant.zone.lock().unwrap() = Some(Err(Error::Timeout(Duration::from_secs(1))));
    let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
    assert!(poll(&source, &at(1, 0), &desk).await.is_err(), "a server that cannot be asked has not told");
}

#[tokio::test]
async fn a_failed_token_is_blamed_on_itself_and_on_no_id() {
    let plant = Arc::new(Plant::default());
    plant.put_flow("a", 600, 1, &[1, 1]);
    let refusal = Error::Auth { code: "1003".into(), hint: "the secret is wrong" };
    let stamp = Error::Rejected { code: "1001".into() };
    for error in [refusal, stamp, Error::Server { code: "1005".into() }] {
        let before = Error::Before { action: "token/get", error: Box::new(error.clone()) };
        let (source, desk) = (source(&plant, json!({})), FakeDesk::default());
        for place in ["zone", "search", "a", "a-0"] {
            if place == "zone" {
                *plant.zone.lock().unwrap() = Some(Err(before.clone()));
            } else {
                plant.fail(place, Some(before.clone()));
            }
            let ended = poll(&source, &at(1, 0), &desk).await.unwrap_err();
            assert_eq!(ended.to_string(), format!("token/get: {error}"), "{place}");
            assert_eq!(ended.reason(), error.reason());
            plant.fail(place, None);
            *plant.zone.lock().unwrap() = None;
        }
        assert_eq!(
            poll(&source, &at(1, 60), &desk).await.unwrap(),
            Read::Whole,
            "nothing is given up for it"
        );
    }
}

#[tokio::test]
async fn messages_spell_calls_as_metrics_do() {
    use crate::transport::enos::Operation;
    let plant = Arc::new(Plant::default());
    plant.fail("search", Some(Error::Timeout(Duration::from_secs(1))));
    let ended = poll(&source(&plant, json!({})), &at(1, 0), &FakeDesk::default()).await.unwrap_err();
    assert!(ended.to_string().starts_with(&format!("{}: ", Operation::FlowInstanceSearch.name())), "{ended}");
}

#[tokio::test]
async fn the_organisation_is_the_one_cell() {
    let source = source(&Arc::new(Plant::default()), json!({}));
    let cells = source.discover().await.unwrap();
    assert_eq!(cells.iter().map(ToString::to_string).collect::<Vec<_>>(), ["e/o1"]);
    assert_eq!((source.rediscover(), source.reach().lookback), (None, Duration::from_secs(86_400)));
}

#[test]
fn the_search_is_written_as_documented() {
    let pagination = wire::Pagination { page_no: 0, page_size: 50 };
    let request = SearchRequest {
        r#type: 1,
        owner: "",
        from_trigger_time: 1,
        to_trigger_time: 2,
        status: "",
        pagination,
    };
    assert_eq!(
        serde_json::to_value(request).unwrap(),
        json!({"type": 1, "owner": "", "fromTriggerTime": 1, "toTriggerTime": 2, "status": "",
               "pagination": {"pageNo": 0, "pageSize": 50}})
    );
}
