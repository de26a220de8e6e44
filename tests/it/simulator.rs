//! The simulator over the wire: its own endpoints, its limits and its faults.

use crate::clouds::{TestClouds, clouds};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::model::Timestamp;
use taskrun_exporter::simulator::{Face, Span, World, apim};
use taskrun_exporter::sources;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

/// Sends one request on a connection of its own and reads until the end: the whole answer, head and body.
async fn send(clouds: &TestClouds, request: &str, headers: &str, body: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(clouds.running.addr).await.unwrap();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A torn answer may end in a reset; what came before it counts.
    let _ended = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn json_of(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// An unsigned call of WeData: refused by the API itself, unless a fault comes before.
async fn unsigned(clouds: &TestClouds) -> String {
    send(clouds, "POST /", "x-tc-version: 2021-08-20\r\nx-tc-action: ListInstances\r\n", "{}").await
}

#[tokio::test]
async fn the_clock_stands_moves_and_goes_and_every_answer_tells_it() {
    let clouds = clouds(1, 1.0, 8, "").await;
    let answer = send(&clouds, "POST /clock?freeze=1772323200000", "", "").await;
    assert_eq!(json_of(&answer), json!({"now": 1_772_323_200_000_i64}));
    assert!(answer.contains("date: Sun, 01 Mar 2026 00:00:00 GMT"), "{answer}");
    let answer = send(&clouds, "POST /clock?advance=1500", "", "").await;
    assert_eq!(json_of(&answer)["now"], 1_772_323_201_500_i64);
    let answer = send(&clouds, "POST /clock?release=1", "", "").await;
    assert!(json_of(&answer)["now"].as_i64().unwrap() > 1_772_323_201_500);
    assert!(send(&clouds, "POST /clock?freeze=noon", "", "").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_request_that_no_api_claims_is_told_so() {
    let clouds = clouds(1, 1.0, 8, "").await;
    assert!(send(&clouds, "GET /metrics", "", "").await.starts_with("HTTP/1.1 404"));
    let refused = json_of(&unsigned(&clouds).await);
    assert_eq!(refused["Response"]["Error"]["Code"], "AuthFailure.InvalidAuthorization");
    assert!(refused["Response"]["RequestId"].is_string());
    let path = "GET /batch-processing-service/v2.1/time?action=getTimeZone";
    assert!(send(&clouds, path, "", "").await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn each_fault_comes_over_the_wire_as_what_it_is() {
    let clouds = clouds(1, 1.0, 8, "").await;
    let mut answers = Vec::new();
    for fault in
        ["throttle=1", "internal=1", "auth=1", "offline=ListInstances", "server=1", "html=1", "torn=1"]
    {
        send(&clouds, &format!("POST /faults?spec={fault}"), "", "").await;
        answers.push(unsigned(&clouds).await);
    }
    for (answer, code) in answers.iter().zip([
        "\"RequestLimitExceeded\"",
        "\"InternalError\"",
        "\"AuthFailure.SignatureFailure\"",
        "\"ActionOffline\"",
    ]) {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(code), "{answer}");
    }
    assert!(answers[4].starts_with("HTTP/1.1 502"), "{}", answers[4]);
    assert!(answers[5].starts_with("HTTP/1.1 200") && answers[5].contains("<html>"), "{}", answers[5]);
    let (head, body) = answers[6].split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap() / 2, body.len());
    assert!(send(&clouds, "POST /faults?spec=nonsense", "", "").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn calls_are_counted_and_too_many_in_a_second_refused() {
    let clouds = clouds(1, 1.0, 8, "").await;
    let clouds = Arc::new(clouds);
    // At once, so that even a slow machine has more than the documented 20 in a second.
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let clouds = clouds.clone();
        calls.spawn(async move { unsigned(&clouds).await });
    }
    let answers = calls.join_all().await;
    let throttled = answers.iter().filter(|answer| answer.contains("\"RequestLimitExceeded\"")).count();
    let report = json_of(&send(&clouds, "GET /calls", "", "").await);
    let tally = &report["calls"]["wedata.ListInstances"];
    assert_eq!((&tally["count"], &tally["refused"]), (&json!(60), &json!(throttled)));
    assert!(throttled > 0 && tally["peak"].as_i64() > Some(20), "{tally}");
}

#[tokio::test]
async fn a_token_opens_enos_over_the_wire() {
    let clouds = clouds(1, 1.0, 8, "").await;
    let body = json!({"appKey": apim::ACCESS_KEY, "encryption": "wrong", "timestamp": 1}).to_string();
    let answer = send(&clouds, "POST /apim-token-service/v2.0/token/get", "", &body).await;
    assert_eq!(json_of(&answer)["status"], 1003);
}

#[tokio::test]
async fn a_stop_ends_everything() {
    let clouds = clouds(1, 1.0, 8, "slow=1:30s").await;
    let TestClouds { running, stop } = clouds;
    let mut idle = tokio::net::TcpStream::connect(running.addr).await.unwrap();
    idle.write_all(b"GET /clock HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), running.stopped()).await.unwrap();
}

/// Runs that a narrow question finds are those that a wide one finds there: no face looks too short a way back.
#[test]
fn every_face_reaches_back_far_enough_for_its_truth() {
    for speed in [1.0, 60.0] {
        let world = World::try_new(7, speed, 16).unwrap();
        let now = 1_772_323_200;
        let hours = if speed > 1.0 { 1 } else { 12 };
        let span =
            |from| Span { from: Timestamp::from_secs(from), to: Timestamp::from_secs(now), since: None };
        for face in sources::faces() {
            let narrow = found(&*face, &world, &span(now - 300));
            let mut wide = face.truth(&world, &span(now - hours * 3600));
            wide.retain(|run| span(now - 300).holds(run));
            let mut wide: Vec<String> = wide.into_iter().map(|run| run.run).collect();
            wide.sort();
            assert_eq!(narrow, wide, "{}", face.kind());
            assert!(!narrow.is_empty(), "{}", face.kind());
        }
    }
}

fn found(face: &dyn Face, world: &World, span: &Span) -> Vec<String> {
    let mut runs: Vec<String> = face.truth(world, span).into_iter().map(|run| run.run).collect();
    runs.sort();
    runs
}
