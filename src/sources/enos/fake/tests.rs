use super::*;
use crate::model::Outcome;
use bytes::Bytes;
use std::collections::BTreeSet;

/// 2026-03-01 00:00:00 UTC.
const NOW: i64 = 1_772_323_200;

fn world() -> World {
    World::try_new(1, 1.0, 8).unwrap()
}

/// What the service says behind the gateway: code and data.
fn ask_as(user: &str, now: i64, method: &str, path: &str, query: &str, body: &str) -> (i64, Value) {
    let request = Request {
        method: method.into(),
        path: format!("{SERVICE}{path}"),
        query: format!("{query}&orgId={}&userId={user}", apim::ORG_ID),
        headers: hyper::HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
        skew: 0,
    };
    let answer = serve(&request, &world(), Timestamp::from_secs(now)).value().unwrap().clone();
    (answer["code"].as_i64().unwrap(), answer["data"].clone())
}

fn get(now: i64, path: &str, query: &str) -> Value {
    let (code, data) = ask_as(apim::USER_ID, now, "GET", path, query, "");
    assert_eq!(code, 0, "{path} {query}");
    data
}

fn body(kind: i64, from: i64, to: i64) -> Value {
    json!({"type": kind, "owner": "", "status": "", "expression": "", "fromTriggerTime": from * 1000,
           "toTriggerTime": to * 1000, "pagination": {"pageNo": 0, "pageSize": 50}})
}

fn search(body: &Value) -> (i64, Value) {
    ask_as(apim::USER_ID, NOW, "POST", "flowInstances", "action=search", &body.to_string())
}

fn day(kind: i64) -> Vec<Value> {
    let mut body = body(kind, NOW - 86_400, NOW);
    let mut rows = Vec::new();
    for page in 0.. {
        body["pagination"]["pageNo"] = json!(page);
        let (_, data) = search(&body);
        let found = data["flowInsts"].as_array().unwrap().clone();
        rows.extend(found.iter().cloned());
        if found.len() < 50 {
            assert_eq!(data["count"], rows.len());
            break;
        }
    }
    rows
}

fn span(from: i64, to: i64) -> Span {
    Span { from: Timestamp::from_secs(from), to: Timestamp::from_secs(to), since: None }
}

#[test]
fn pages_count_from_zero_and_show_every_instance_once() {
    for (kind, least) in [(0, 20), (1, 300), (2, 3)] {
        let rows = day(kind);
        let ids: BTreeSet<&str> = rows.iter().map(|row| row["instanceId"].as_str().unwrap()).collect();
        assert!(ids.len() >= least && ids.len() == rows.len(), "{kind}: {}", rows.len());
    }
}

#[test]
fn the_graph_is_a_text_and_is_spelled_in_two_ways() {
    let row = day(1).swap_remove(1);
    let id = row["instanceId"].as_str().unwrap();
    let whole = get(NOW, "flowInstances", &format!("action=get&flowInstId={id}"));
    let read = |row: &Value| -> Value { serde_json::from_str(row["graph"].as_str().unwrap()).unwrap() };
    let (brief, full) = (read(&row), read(&whole));
    for (a, b) in brief["tasks"].as_array().unwrap().iter().zip(full["tasks"].as_array().unwrap()) {
        assert_eq!(a["taskInstId"], b["taskInstId"]);
        assert_eq!((a["task_name"].clone(), a.get("status")), (b["taskName"].clone(), None));
        let task = get(
            NOW,
            "taskInstances",
            &format!("action=get&taskInstId={}", a["taskInstId"].as_str().unwrap()),
        );
        assert_eq!((&task["stsDesc"], &task["flowInstId"]), (&b["status"], &json!(id)));
    }
}

#[test]
fn every_status_occurs_and_the_truth_is_what_the_last_look_shows() {
    let truth = Fake::default().truth(&world(), &span(NOW - 86_400, NOW));
    let outcomes: BTreeSet<Outcome> = truth.iter().map(|run| run.outcome).collect();
    assert_eq!(outcomes, Outcome::ALL.into());
    let mut statuses = BTreeSet::new();
    for run in &truth {
        let (id, number) = run.run.split_once('#').unwrap();
        let look = |now| get(now, "taskInstances", &format!("action=get&taskInstId={id}"));
        let at_end = look(run.ended.secs());
        assert_eq!(at_end["runNum"].to_string(), number);
        assert_eq!(at_end["recallNum"].as_i64(), Some(run.retries));
        assert!(!at_end["endTime"].is_null());
        let before = look(run.ended.secs() - 1);
        assert!(before["endTime"].is_null(), "{before}");
        if let Some(gone) = run.gone {
            assert_ne!(look(gone.secs())["runNum"].to_string(), number);
            assert_eq!(look(gone.secs() - 1)["runNum"].to_string(), number);
        }
        let begun = run.started.unwrap_or(run.ended).secs();
        for now in [run.created.secs(), begun - 1, begun, run.ended.secs() - 1, run.ended.secs()] {
            statuses.insert(look(now)["status"].as_i64().unwrap());
        }
        for retry in 0..run.retries.min(1) {
            let again =
                (begun..run.ended.secs()).map(look).find(|task| task["recallNum"] == retry + 1).unwrap();
            statuses.insert(again["status"].as_i64().unwrap());
        }
    }
    let flow = flow::Flow::of(&world(), 0).unwrap();
    let node = flow.nodes().next().unwrap();
    for k in 5_900_000..5_900_200 {
        statuses.insert(task::Task::of(&world(), &flow, &node, k).status(flow.rhythm.at(k)));
    }
    assert_eq!(statuses, (-1..=10).collect());
}

#[test]
fn a_run_is_gone_from_the_moment_that_its_rerun_begins() {
    let truth = Fake::default().truth(&world(), &span(NOW - 86_400, NOW));
    let rerun: Vec<&TrueRun> = truth.iter().filter(|run| run.run.ends_with("#2")).collect();
    assert!(rerun.len() > 5, "{}", rerun.len());
    for run in rerun {
        let first = truth.iter().find(|first| first.run == run.run.replace("#2", "#1"));
        // The first run may have ended before the day.
        if let Some(first) = first {
            let gone = first.gone.unwrap();
            assert!(gone > first.ended && gone < run.ended, "{}", run.run);
            let later = Span { since: Some(gone), ..span(NOW - 86_400, NOW) };
            assert!(!later.holds(first) && later.holds(run), "{}", run.run);
        }
    }
}

#[test]
fn a_flow_fails_as_soon_as_one_of_its_nodes_has() {
    let mut seen = BTreeSet::new();
    for row in day(1) {
        let id = row["instanceId"].as_str().unwrap();
        let whole = get(NOW, "flowInstances", &format!("action=get&flowInstId={id}"));
        let graph: Value = serde_json::from_str(whole["graph"].as_str().unwrap()).unwrap();
        let nodes: Vec<&str> =
            graph["tasks"].as_array().unwrap().iter().map(|task| task["status"].as_str().unwrap()).collect();
        let status = row["statusDesc"].as_str().unwrap().to_owned();
        if nodes.iter().all(|node| *node == "SUCCESS") {
            assert_eq!(status, "SUCCESS", "{id}");
        } else if !row["endTime"].is_null() {
            assert_eq!(status, "FAIL", "{id}: {nodes:?}");
        }
        seen.insert(status);
    }
    assert!(seen.contains("SUCCESS") && seen.contains("FAIL"), "{seen:?}");
}

#[test]
fn ids_are_found_again_at_every_tempo() {
    for speed in [1.0, 30.0, 300.0] {
        let world = World::try_new(1, speed, 21).unwrap();
        let flows: Vec<flow::Flow> = flow::Flow::all(&world).collect();
        assert_eq!(flows.iter().map(|flow| flow.nodes().count()).sum::<usize>(), 21);
        for flow in &flows {
            let k = flow.rhythm.between(NOW, NOW + 40_000).next().unwrap();
            let (found, number) = flow::Flow::find(&world, &flow.instance_id(k)).unwrap();
            assert_eq!((found.index, number), (flow.index, k));
            for node in flow.nodes() {
                let id = node.instance_id(flow, k);
                let (_, again, number) = flow::Flow::find_node(&world, &id).unwrap();
                assert_eq!((again.index, number), (node.index, k), "{id}");
            }
        }
    }
}

#[test]
fn what_the_documents_forbid_is_refused() {
    let good = body(1, NOW - 3600, NOW);
    assert_eq!(search(&good).0, 0);
    for (name, value) in [
        ("type", json!(3)),
        ("type", Value::Null),
        ("owner", Value::Null),
        ("status", json!("99")),
        ("fromTriggerTime", json!("yesterday")),
        ("pagination", json!({"pageNo": 0, "pageSize": 0})),
        ("pagination", json!({"pageNo": 0, "pageSize": 5, "sorters": [{"field": "triggerTime"}]})),
    ] {
        let mut body = good.clone();
        body[name] = value;
        assert_eq!(search(&body).0, 62102, "{name}");
    }
    let code = |user: &str, query: &str| ask_as(user, NOW, "GET", "taskInstances", query, "").0;
    assert_eq!(code(apim::USER_ID, "action=get&taskInstId=1-2021020211"), 62102);
    assert_eq!(code("nobody", "action=get&taskInstId=1-2021020211"), 62101);
    assert_eq!(code(apim::GUEST_ID, "action=get&taskInstId=1-2021020211"), 62103);
    assert_eq!(ask_as(apim::USER_ID, NOW, "GET", "flows", "action=delete&flowId=1", "").0, 62103);
    assert_eq!(get(NOW, "time", "action=getTimeZone"), json!({"timezone": "GMT+8"}));
}
