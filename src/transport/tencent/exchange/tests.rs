use super::*;
use crate::credentials::Exchange as _;
use crate::transport::stage::{Notes, Reply, Stage, clock};
use serde_json::json;

async fn exchange(replies: Vec<Reply>) -> (Exchange, Stage, Arc<Notes>) {
    let stage = Stage::open(replies).await;
    let notes = Arc::new(Notes::default());
    let options = Options {
        account: "main".into(),
        endpoint: stage.url.clone(),
        budget: 0.8,
        timeout: Duration::from_secs(1),
    };
    let http = Http::new(clock()).unwrap();
    let observer = Arc::clone(&notes) as Arc<dyn Observer>;
    (Exchange::new(options, &stage.url, http, observer, clock()).unwrap(), stage, notes)
}

#[tokio::test]
async fn the_metadata_service_is_read() {
    let replies = vec![Reply::json(200, "worker"), Reply::json(404, "none"), Reply::json(500, "secret")];
    let (exchange, stage, _) = exchange(replies).await;
    assert_eq!(exchange.metadata("latest/x/").await.unwrap().unwrap(), b"worker");
    assert_eq!(exchange.metadata("latest/x/").await.unwrap(), None);
    let error = exchange.metadata("latest/x/").await.unwrap_err().to_string();
    assert_eq!(error, "the API failed (http_500)");
    assert!(stage.asked()[0].head.starts_with("GET /latest/x/ HTTP/1.1"));
}

#[tokio::test(start_paused = true)]
async fn a_metadata_service_that_leads_nowhere_costs_three_seconds() {
    let (exchange, _stage, _) = exchange(vec![Reply::Hang(Vec::new())]).await;
    let began = tokio::time::Instant::now();
    let error = exchange.metadata("latest/x/").await.unwrap_err().to_string();
    assert!(error.starts_with("no whole answer within 3s"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn sts_is_asked_signed_or_with_a_proof_of_its_own() {
    let answer = || Reply::json(200, r#"{"Response": {"ExpiredTime": 1}}"#);
    let (exchange, stage, notes) = exchange(vec![answer(), answer()]).await;
    let keys = Triple { secret_id: "base".into(), secret_key: "k".into(), token: None, expires: None };
    let request = json!({"RoleArn": "arn"});
    let asked = exchange.sts(StsAction::AssumeRole, "ap-guangzhou", &request, Some(&keys)).await;
    assert_eq!(asked.unwrap()["ExpiredTime"], 1);
    exchange.sts(StsAction::AssumeRoleWithWebIdentity, "ap-beijing", &request, None).await.unwrap();
    let asked = stage.asked();
    let authorization = asked[0].header("authorization").unwrap();
    assert!(authorization.contains("Credential=base/2025-03-28/sts/tc3_request"), "{authorization}");
    assert_eq!(asked[0].header("x-tc-version"), Some("2018-08-13"));
    assert_eq!(asked[1].header("authorization"), Some("SKIP"));
    assert_eq!(asked[1].header("x-tc-action"), Some("AssumeRoleWithWebIdentity"));
    let calls = notes.calls.lock().unwrap();
    assert_eq!(calls[0], "main sts AssumeRole ap-guangzhou ok");
}

#[tokio::test]
async fn only_the_real_metadata_service_may_be_plain_http() {
    let new = |metadata: &str| {
        let options = Options {
            account: "main".into(),
            endpoint: "https://{service}.tencentcloudapi.com".into(),
            budget: 0.8,
            timeout: Duration::from_secs(1),
        };
        Exchange::new(options, metadata, Http::new(clock()).unwrap(), Arc::new(Notes::default()), clock())
    };
    assert!(new(METADATA).is_ok());
    assert_eq!(new("http://metadata.example.com").err().map(|e| e.option), Some("metadata"));
}
