//! Whole outages against a client, in a time that passes by itself.

use super::*;
use crate::model::BoxFuture;
use crate::transport::stage::{Keys, Notes, clock};
use crate::transport::{Answer, Carrier, Request, at};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

static ACTION: Action = Action {
    service: "tat",
    version: "2020-10-28",
    name: "DescribeInvocations",
    per_second: 20.0,
    priority: Priority::Current,
};

/// Answers everything alike, and counts it.
struct Stubborn {
    asked: AtomicUsize,
    status: u16,
    body: &'static str,
}

impl Carrier for Stubborn {
    fn carry(&self, _: Request) -> BoxFuture<'_, Result<Answer, Error>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = Answer { status: self.status, date: None, retry_after: None, body: self.body.into() };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

struct Outage {
    client: Client,
    carrier: Arc<Stubborn>,
    notes: Arc<Notes>,
}

impl Outage {
    fn new(keys: &[&'static str], status: u16, body: &'static str) -> Self {
        let carrier = Arc::new(Stubborn { asked: AtomicUsize::new(0), status, body });
        let notes = Arc::new(Notes::default());
        let options = Options {
            account: "main".into(),
            endpoint: "https://{service}.tencentcloudapi.com".into(),
            budget: 0.8,
            timeout: Duration::from_secs(2),
        };
        let http = Http::over(Arc::clone(&carrier) as Arc<dyn Carrier>, clock());
        let observer = Arc::clone(&notes) as Arc<dyn Observer>;
        let client = Client::new(options, http, Keys::of(keys), observer, clock()).unwrap();
        Self { client, carrier, notes }
    }

    async fn call(&self) -> Result<Value, Error> {
        self.client.call(&ACTION, "ap-shanghai", &json!({})).await
    }

    fn asked(&self) -> usize {
        self.carrier.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn refused_keys_cannot_double_requests_for_ever() {
    let refusal = r#"{"Response": {"Error": {"Code": "AuthFailure.TokenFailure", "Message": ""}}}"#;
    let outage = Outage::new(&["tmpOne"; 200], 200, refusal);
    for _ in 0..100 {
        let called = outage.call().await;
        assert!(matches!(called, Err(Error::Auth { .. })), "{called:?}");
    }
    assert_eq!(outage.asked(), 120, "twenty were asked again");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails_is_left_alone_and_its_failure_told() {
    let outage = Outage::new(&["AKID"], 502, "");
    let down = Err(Error::Server { code: "http_502".into() });
    // Three tries, then two, which open it.
    assert_eq!((outage.call().await, outage.call().await), (down.clone(), down.clone()));
    for _ in 0..100 {
        assert_eq!(at(Priority::Detail, outage.call()).await, down);
    }
    assert_eq!(outage.asked(), 5);
    assert_eq!(outage.notes.codes().len(), 5, "what was not sent is no request");
    assert_eq!(outage.call().await, down, "a poll waits for a request that tries");
    assert_eq!(outage.asked(), 6, "which is not tried again");
    assert_eq!(*outage.notes.breakers.lock().unwrap(), ["closed", "open", "half_open", "open"]);
}
