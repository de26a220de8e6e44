//! A cloud in a time that passes as fast as it is waited for: counts what reaches it in every second, as the real one
//! does, and is in trouble when the test says so.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::credentials::{Plan, SecretRef};
use taskrun_exporter::model::{BoxFuture, Clock, Quiet, Timestamp};
use taskrun_exporter::transport::tencent::{Client, Options};
use taskrun_exporter::transport::{Answer, Carrier, Error, Http, Request};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Wall time that follows tokio's.
pub(crate) struct VirtualClock(pub(crate) Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        crate::rig::START.plus(self.0.elapsed())
    }
}

/// What can be wrong with the cloud.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Trouble {
    /// Nobody listens.
    Refused,
    /// HTTP 503 for this share of all requests.
    Failing(f64),
    /// Nothing is ever answered.
    Silent,
    /// Others use the same account: this share of all requests is one too many.
    Crowded(f64),
}

/// What one action has seen.
#[derive(Default)]
struct Counter {
    second: VecDeque<Instant>,
    busiest: usize,
}

pub(crate) struct Cloud {
    began: Instant,
    /// How many seconds after the beginning, and what.
    troubles: Vec<(Range<u64>, Trouble)>,
    counters: Mutex<HashMap<String, Counter>>,
    /// When each request was sent.
    sent: Mutex<Vec<Instant>>,
}

impl Cloud {
    pub(crate) fn new(troubles: &[(Range<u64>, Trouble)]) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            troubles: troubles.to_vec(),
            counters: Mutex::default(),
            sent: Mutex::default(),
        })
    }

    /// A client of an account of this cloud that uses 80 % of its limits.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock(self.began));
        let options = Options {
            account: "main".into(),
            endpoint: "https://{service}.tencentcloudapi.com".into(),
            budget: 0.8,
            timeout: 10 * SECOND,
        };
        let key = || SecretRef::Value("x".into());
        let provider = Plan::given("main".into(), key(), key(), Arc::clone(&clock), Arc::new(Quiet));
        let http = Http::over(Arc::clone(self) as Arc<dyn Carrier>, Arc::clone(&clock));
        Client::new(options, http, provider, Arc::new(Quiet), clock).unwrap()
    }

    /// The most requests that reached an action in any one second.
    pub(crate) fn busiest(&self, action: &str) -> usize {
        self.counters.lock().unwrap().get(action).map_or(0, |counter| counter.busiest)
    }

    /// How many requests were sent in these seconds.
    pub(crate) fn sent(&self, during: Range<u64>) -> usize {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|at| during.contains(&(**at - self.began).as_secs())).count()
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let now = self.began.elapsed().as_secs();
        self.troubles.iter().find(|(during, _)| during.contains(&now)).map(|(_, trouble)| *trouble)
    }

    async fn answer(&self, request: Request) -> Result<Answer, Error> {
        self.sent.lock().unwrap().push(Instant::now());
        // Slow and fast by turns: what was sent on a slow way arrives together with what was sent after it on a fast one.
        let slow = (self.began.elapsed().as_millis() / 240).is_multiple_of(2);
        let way = if slow { fastrand::u64(230..=249) } else { fastrand::u64(5..20) };
        tokio::time::sleep(Duration::from_millis(way)).await;
        let refused = || Error::Connect { host: "cloud".into(), cause: "connection refused".into() };
        if self.trouble() == Some(Trouble::Refused) {
            return Err(refused());
        }
        self.count(request.headers["x-tc-action"].to_str().unwrap());
        let fails = |share: f64| fastrand::f64() < share;
        let busy = r#"{"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": ""}}}"#;
        let (status, body) = match self.trouble() {
            Some(Trouble::Failing(share)) if fails(share) => (503, "busy"),
            Some(Trouble::Crowded(share)) if fails(share) => (200, busy),
            Some(Trouble::Silent) => std::future::pending().await,
            _ => (200, r#"{"Response": {"RequestId": "r"}}"#),
        };
        tokio::time::sleep(Duration::from_millis(fastrand::u64(5..300))).await;
        let date = Some(VirtualClock(self.began).now());
        Ok(Answer { status, date, retry_after: None, body: body.into() })
    }

    fn count(&self, action: &str) {
        let now = Instant::now();
        let mut counters = self.counters.lock().unwrap();
        let counter = counters.entry(action.to_owned()).or_default();
        counter.second.push_back(now);
        while counter.second.front().is_some_and(|at| now - *at >= SECOND) {
            counter.second.pop_front();
        }
        counter.busiest = counter.busiest.max(counter.second.len());
    }
}

impl Carrier for Cloud {
    fn carry(&self, request: Request) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.answer(request))
    }
}
