use super::*;
use crate::transport::stage::{Keys, NOW, Notes, Reply, Stage, clock};
use serde_json::{Value, json};

const OK: &str = r#"{"code": 0, "msg": "OK", "data": {"id": 1}}"#;

fn token(text: &str, expire: u64) -> Reply {
    let data = json!({"accessToken": text, "expire": expire});
    Reply::json(200, &json!({"status": 0, "msg": "SUCCESS", "data": data}).to_string())
}

async fn client(replies: Vec<Reply>) -> (Client, Stage, Arc<Notes>) {
    let stage = Stage::open(replies).await;
    let notes = Arc::new(Notes::default());
    let options = Options {
        account: "plant".into(),
        gateway: format!("{}/prefix/", stage.url),
        org_id: "o15".into(),
        user_id: "u15".into(),
        requests_per_second: 1000.0,
        timeout: Duration::from_secs(5),
    };
    let http = Http::new(clock()).unwrap();
    let observer = Arc::clone(&notes) as Arc<dyn Observer>;
    (Client::new(options, http, Keys::of(&["key"]), observer, clock()).unwrap(), stage, notes)
}

async fn get(client: &Client) -> Result<Value, Error> {
    client.call(Operation::TaskInstanceGet, &[("taskInstId", "1-2"), ("empty", "")], None::<&Value>).await
}

#[tokio::test]
async fn a_call_is_signed_with_a_token_that_is_fetched_once() {
    let (client, stage, notes) =
        client(vec![token("T", 7200), Reply::json(200, OK), Reply::json(200, OK)]).await;
    assert_eq!(get(&client).await.unwrap(), json!({"id": 1}));
    get(&client).await.unwrap();
    let asked = stage.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].head.starts_with("POST /prefix/apim-token-service/v2.0/token/get HTTP/1.1"));
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    let key = "dummySecretKey".into();
    assert_eq!(body["encryption"], sign::encryption("key", NOW * 1000, &key));
    assert!(
        asked[1].head.starts_with(
            "GET /prefix/batch-processing-service/v2.1/taskInstances?action=get&taskInstId=1-2&orgId=o15&userId=u15 HTTP"
        ),
        "{}",
        asked[1].head
    );
    let query = [
        ("action", Some("get")),
        ("taskInstId", Some("1-2")),
        ("orgId", Some("o15")),
        ("userId", Some("u15")),
    ];
    let signed = sign::signature(&"T".into(), &query, b"", NOW * 1000 + 1, &key);
    assert_eq!(asked[1].header("apim-signature"), Some(signed.as_str()));
    assert_eq!(asked[1].header("apim-accesstoken"), Some("T"));
    let all =
        ["plant enos token/get  ok", "plant enos taskInstances/get  ok", "plant enos taskInstances/get  ok"];
    assert_eq!(*notes.calls.lock().unwrap(), all);
}

#[tokio::test]
async fn a_body_is_signed_as_it_is_sent_and_the_zone_needs_no_user() {
    let (client, stage, _) = client(vec![token("T", 7200), Reply::json(200, OK), Reply::json(200, OK)]).await;
    let request = json!({"expression": "任务"});
    client.call::<_, Value>(Operation::FlowInstanceSearch, &[], Some(&request)).await.unwrap();
    client.call::<Value, Value>(Operation::TimeZone, &[], None).await.unwrap();
    let asked = stage.asked();
    let query = [("action", Some("search")), ("orgId", Some("o15")), ("userId", Some("u15"))];
    let (body, key) = (request.to_string(), "dummySecretKey".into());
    assert_eq!(asked[1].body, body);
    let signed = sign::signature(&"T".into(), &query, body.as_bytes(), NOW * 1000 + 1, &key);
    assert_eq!(asked[1].header("apim-signature"), Some(signed.as_str()));
    assert!(asked[2].head.contains("/time?action=getTimeZone HTTP"), "{}", asked[2].head);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    for refusal in [
        || Reply::json(401, r#"{"message": "Invalid authentication credentials"}"#),
        || Reply::json(200, r#"{"apim_status": 4011, "apim_refreshtoken": "r"}"#),
        || Reply::json(200, r#"{"apim_status": "4012"}"#),
        || Reply::json(200, r#"{"code": 1203}"#),
        || Reply::json(401, r#"{"code": 40101}"#),
    ] {
        let (one, stage, _) =
            client(vec![token("A", 7200), refusal(), token("B", 7200), Reply::json(200, OK)]).await;
        assert!(get(&one).await.is_ok());
        assert_eq!(stage.asked()[3].header("apim-accesstoken"), Some("B"));

        let again = vec![token("A", 7200), refusal(), token("B", 7200), refusal(), Reply::json(200, OK)];
        let (two, stage, _) = client(again).await;
        assert!(matches!(get(&two).await, Err(Error::Auth { .. })));
        assert_eq!(stage.asked().len(), 4);
    }
}

#[tokio::test]
async fn a_stamp_that_was_seen_is_replaced_once() {
    let seen = || Reply::json(200, r#"{"status": 1001}"#);
    let (one, stage, _) = client(vec![seen(), token("T", 7200), Reply::json(200, OK)]).await;
    assert!(get(&one).await.is_ok());
    assert_ne!(stage.asked()[0].body, stage.asked()[1].body);
    let (two, _, _) = client(vec![seen(), seen(), token("T", 7200)]).await;
    assert_eq!(get(&two).await.unwrap_err().code(), Some("1001"));
}

#[tokio::test]
async fn a_failure_of_the_token_service_is_not_multiplied() {
    let bad = || Reply::json(200, r#"{"status": 1003, "msg": "secret"}"#);
    let (client, stage, _) = client(vec![bad(), token("T", 7200)]).await;
    for _ in 0..3 {
        let error = get(&client).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Some("1003"), crate::model::Reason::Auth));
        assert!(error.to_string().starts_with("token/get: access refused (1003): the secret key"), "{error}");
    }
    assert_eq!(stage.asked().len(), 1, "a failure is repeated, not asked for again at once");
}

#[tokio::test]
async fn concurrent_calls_fetch_one_token() {
    let replies = [token("T", 7200)].into_iter().chain((0..8).map(|_| Reply::json(200, OK))).collect();
    let (client, _, notes) = client(replies).await;
    let client = Arc::new(client);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { get(&client).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let tokens = notes.calls.lock().unwrap().iter().filter(|call| call.contains("token/get")).count();
    assert_eq!(tokens, 1);
}

#[tokio::test]
async fn what_is_left_of_a_shared_token_is_used_up_before_asking_again() {
    let (client, stage, _) = client(vec![token("T", 60), Reply::json(200, OK), Reply::json(200, OK)]).await;
    get(&client).await.unwrap();
    get(&client).await.unwrap();
    assert_eq!(stage.asked().len(), 3);
}

#[tokio::test]
async fn a_wrong_clock_is_compensated_before_the_token_is_blamed() {
    let ahead = Reply::with(401, "Date: Fri, 28 Mar 2025 01:00:00 GMT\r\n", b"{}");
    let (client, stage, _) = client(vec![token("T", 7200), ahead, Reply::json(200, OK)]).await;
    get(&client).await.unwrap();
    let asked = stage.asked();
    assert_eq!(asked[2].header("apim-timestamp"), Some(((NOW + 3600) * 1000).to_string().as_str()));
    assert_eq!(asked[2].header("apim-accesstoken"), Some("T"));
}

#[tokio::test]
async fn throttling_slows_every_call_of_the_account() {
    let busy = Reply::json(429, r#"{"message": "API rate limit exceeded"}"#);
    let (client, _, notes) = client(vec![token("T", 7200), busy, Reply::json(200, OK)]).await;
    get(&client).await.unwrap();
    assert_eq!(notes.codes(), ["ok", "http_429", "ok"]);
    let rates = notes.rates.lock().unwrap();
    assert!(rates[0] == 1000.0 && (500.0..510.0).contains(&rates[1]), "{rates:?}");
}
