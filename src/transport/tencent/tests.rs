use super::*;
use crate::transport::stage::{Keys, NOW, Notes, Reply, Stage, clock};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

static ACTION: Action = Action {
    service: "tat",
    version: "2020-10-28",
    name: "DescribeInvocations",
    per_second: 20.0,
    priority: Priority::Current,
};

const OK: &str = r#"{"Response": {"TotalCount": 1, "RequestId": "r"}}"#;

fn fault(code: &str) -> String {
    json!({"Response": {"Error": {"Code": code, "Message": "secret text"}, "RequestId": "r"}}).to_string()
}

struct Played {
    result: Result<Value, Error>,
    stage: Stage,
    notes: Arc<Notes>,
}

async fn play_with(keys: Arc<Keys>, replies: Vec<Reply>) -> Played {
    let stage = Stage::open(replies).await;
    let notes = Arc::new(Notes::default());
    let options = Options {
        account: "main".into(),
        endpoint: stage.url.clone(),
        budget: 0.8,
        timeout: Duration::from_secs(2),
    };
    let http = Http::new(clock()).unwrap();
    let client = Client::new(options, http, keys, Arc::clone(&notes) as Arc<dyn Observer>, clock()).unwrap();
    let result = client.call(&ACTION, "ap-shanghai", &json!({"Limit": 1})).await;
    Played { result, stage, notes }
}

async fn play(replies: Vec<Reply>) -> Played {
    play_with(Keys::of(&["AKID"]), replies).await
}

#[tokio::test]
async fn a_call_carries_what_the_document_asks_for() {
    let played = play_with(Keys::of(&["tmpID"]), vec![Reply::json(200, OK)]).await;
    assert_eq!(played.result.unwrap()["TotalCount"], 1);
    let asked = &played.stage.asked()[0];
    assert!(asked.head.starts_with("POST / HTTP/1.1"), "{}", asked.head);
    assert_eq!(asked.body, r#"{"Limit":1}"#);
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-tc-action", "DescribeInvocations"),
        ("x-tc-version", "2020-10-28"),
        ("x-tc-region", "ap-shanghai"),
        ("x-tc-language", "en-US"),
        ("x-tc-token", "token-of-tmpID"),
        ("x-tc-timestamp", "1743120000"),
        ("host", played.stage.url.trim_start_matches("http://")),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    let authorization = asked.header("authorization").unwrap();
    let credential =
        "TC3-HMAC-SHA256 Credential=tmpID/2025-03-28/tat/tc3_request, SignedHeaders=content-type;host,";
    assert!(authorization.starts_with(credential), "{authorization}");
    assert!(asked.header("x-tc-requestclient").unwrap().starts_with("taskrun-exporter_"));
    assert_eq!(*played.notes.calls.lock().unwrap(), ["main tat DescribeInvocations ap-shanghai ok"]);
    assert_eq!(*played.notes.rates.lock().unwrap(), [16.0]);
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times_and_every_try_is_told() {
    let busy = || Reply::json(200, &fault("InternalError"));
    let played = play(vec![busy(), Reply::json(502, "<html>"), Reply::json(200, OK)]).await;
    assert!(played.result.is_ok());
    assert_eq!(played.notes.codes(), ["InternalError", "http_502", "ok"]);

    let played = play(vec![busy(), busy(), busy(), Reply::json(200, OK)]).await;
    assert_eq!(played.result.unwrap_err(), Error::Server { code: "InternalError".into() });
    assert_eq!(played.notes.codes().len(), 3);
}

#[tokio::test]
async fn what_cannot_pass_is_tried_once() {
    for (reply, label) in [
        (
            Reply::json(200, &fault("InvalidParameterValue.InvalidFilter")),
            "InvalidParameterValue.InvalidFilter",
        ),
        (Reply::json(200, &fault("UnauthorizedOperation.CAM")), "UnauthorizedOperation.CAM"),
        (Reply::json(200, "<html>login</html>"), "decode"),
        (Reply::with(302, "location: https://login.example.com\r\n", b""), "decode"),
        (Reply::Hang(Vec::new()), "timeout"),
    ] {
        let played = play(vec![reply, Reply::json(200, OK)]).await;
        assert!(played.result.is_err());
        assert_eq!(played.notes.codes(), [label]);
    }
}

#[tokio::test]
async fn throttling_slows_the_action_and_is_tried_again() {
    let played = play(vec![Reply::json(200, &fault("RequestLimitExceeded")), Reply::json(200, OK)]).await;
    assert!(played.result.is_ok());
    assert_eq!(played.notes.codes(), ["RequestLimitExceeded", "ok"]);
    let rates = played.notes.rates.lock().unwrap();
    assert!(rates[0] == 16.0 && (8.0..8.01).contains(&rates[1]), "{rates:?}");
}

#[tokio::test]
async fn the_difference_of_the_clocks_is_told() {
    let date = "Date: Thu, 27 Mar 2025 23:59:30 GMT\r\n";
    let played = play(vec![Reply::with(200, date, OK.as_bytes())]).await;
    assert!(played.result.is_ok());
    assert_eq!(*played.notes.skews.lock().unwrap(), [30.0]);
}

#[tokio::test]
async fn a_wrong_clock_is_compensated_from_the_answer_once() {
    let date = "Date: Fri, 28 Mar 2025 01:00:00 GMT\r\n"; // an hour ahead
    let expired = || Reply::with(200, date, fault("AuthFailure.SignatureExpire").as_bytes());
    let played = play(vec![expired(), Reply::json(200, OK)]).await;
    assert!(played.result.is_ok());
    let stamps: Vec<_> =
        played.stage.asked().iter().map(|a| a.header("x-tc-timestamp").unwrap().to_owned()).collect();
    assert_eq!(stamps, [NOW.to_string(), (NOW + 3600).to_string()]);

    let played = play(vec![expired(), expired(), Reply::json(200, OK)]).await;
    assert_eq!(played.result.unwrap_err().code(), Some("AuthFailure.SignatureExpire"));
    assert_eq!(played.notes.codes().len(), 2);
}

#[tokio::test]
async fn an_expired_login_is_not_taken_for_a_wrong_clock() {
    let date = "Date: Fri, 28 Mar 2025 00:00:02 GMT\r\n";
    let expired = Reply::with(200, date, fault("AuthFailure.SignatureExpire").as_bytes());
    let played = play(vec![expired, Reply::json(200, OK)]).await;
    assert!(played.result.is_err());
    assert_eq!(played.notes.codes().len(), 1);
}

#[tokio::test]
async fn ended_keys_are_renewed_once() {
    let ended = || Reply::json(200, &fault("AuthFailure.TokenFailure"));
    let keys = Keys::of(&["tmpOld", "tmpNew", "tmpNewer"]);
    let played = play_with(Arc::clone(&keys), vec![ended(), Reply::json(200, OK)]).await;
    assert!(played.result.is_ok());
    assert!(played.stage.asked()[1].header("authorization").unwrap().contains("tmpNew/"));

    let played = play_with(Keys::of(&["tmpOld", "tmpNew"]), vec![ended(), ended(), ended()]).await;
    assert!(matches!(played.result, Err(Error::Auth { .. })));
    assert_eq!(played.notes.codes().len(), 2);
}

#[tokio::test]
async fn refused_keys_are_tried_again_only_when_others_are_there() {
    let refused = || Reply::json(200, &fault("AuthFailure.SecretIdNotFound"));
    let played = play_with(Keys::of(&["same"]), vec![refused(), Reply::json(200, OK)]).await;
    assert!(played.result.is_err());
    assert_eq!(played.notes.codes().len(), 1);

    let keys = Keys::of(&["old", "rotated"]);
    let played = play_with(Arc::clone(&keys), vec![refused(), Reply::json(200, OK)]).await;
    assert!(played.result.is_ok());
    assert_eq!(keys.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn without_keys_nothing_is_sent() {
    let played = play_with(Keys::of(&[]), vec![Reply::json(200, OK)]).await;
    assert_eq!(played.result.unwrap_err(), Error::Credentials("none found; looked at: nowhere".into()));
    assert!(played.stage.asked().is_empty() && played.notes.codes().is_empty());
}

#[tokio::test]
async fn options_that_cannot_work_are_named() {
    let good = || Options {
        account: "main".into(),
        endpoint: "https://{service}.tencentcloudapi.com".into(),
        budget: 1.0,
        timeout: Duration::from_secs(1),
    };
    let option = |options| {
        let http = Http::new(clock()).unwrap();
        Client::new(options, http, Keys::of(&[]), Arc::new(Notes::default()), clock()).err().map(|e| e.option)
    };
    assert_eq!(option(good()), None);
    assert_eq!(option(Options { budget: 0.0, ..good() }), Some("budget"));
    assert_eq!(option(Options { budget: f64::NAN, ..good() }), Some("budget"));
    assert_eq!(option(Options { timeout: Duration::ZERO, ..good() }), Some("timeout"));
    assert_eq!(option(Options { endpoint: "http://a.example.com".into(), ..good() }), Some("endpoint"));
}
