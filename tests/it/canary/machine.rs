//! Keys of the machine's role. The metadata service has one address, which a test cannot take, so this runs in the
//! test's own process, with everything that is traced in it written down.

use super::front::metadata;
use super::secret::{Haystack, Secret, text};
use crate::clouds::clouds;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::clock::SystemClock;
use taskrun_exporter::credentials::{Choice, Exchange, Plan};
use taskrun_exporter::expose::{self, Format};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{Clock, Observer};
use taskrun_exporter::transport::tencent::{self, Action, Client, Options};
use taskrun_exporter::transport::{Http, Priority};
use tracing_subscriber::fmt::MakeWriter;

static ACTION: Action = Action {
    service: "tat",
    version: "2020-10-28",
    name: "DescribeInvocations",
    per_second: 20.0,
    priority: Priority::Current,
};

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Paper {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn keys_of_the_machine_are_shown_nowhere() {
    let paper = Paper::default();
    let log =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(paper.clone()).finish();
    let _log = tracing::subscriber::set_default(log);
    let clouds = clouds(1, 1.0, 4, "").await;
    let names = ["id", "key", "token"];
    let keys = names.map(text);
    let secrets: Vec<Secret> = names.iter().zip(&keys).map(|(name, key)| Secret::new(name, key)).collect();
    let mut found = Haystack::default();
    let whole = json!({"TmpSecretId": keys[0], "TmpSecretKey": keys[1], "Token": keys[2], "ExpiredTime": 4_102_444_800_i64, "Code": "Success"});
    let mut endless = whole.clone();
    endless.as_object_mut().unwrap().remove("ExpiredTime");
    let torn = whole.to_string()[..60].to_owned();
    for (case, answer) in [
        ("whole", whole.to_string()),
        ("without an end", endless.to_string()),
        ("torn", torn),
        ("a key that fits no header", whole.to_string().replace("Canarytoken", "Canarytoken\\n")),
        ("as the role's name", String::new()),
    ] {
        let role = if answer.is_empty() { keys[1].clone() } else { "worker".to_owned() };
        let options = Options {
            account: "machine".into(),
            endpoint: clouds.running.url(),
            budget: 1.0,
            timeout: Duration::from_secs(2),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let own = Arc::new(Own::new().unwrap());
        let observer: Arc<dyn Observer> = Arc::clone(&own) as _;
        let http = Http::new(Arc::clone(&clock)).unwrap();
        let exchange = tencent::Exchange::new(
            options.clone(),
            &format!("http://{}", metadata(role, answer)),
            http.clone(),
            Arc::clone(&observer),
            Arc::clone(&clock),
        );
        let exchange: Arc<dyn Exchange> = Arc::new(exchange.unwrap());
        let plan = Plan {
            account: "machine".into(),
            choice: Choice::CvmRole,
            assume_role: None,
            variables: BTreeMap::new(),
        };
        let provider = plan.provider(&exchange, Arc::clone(&clock), Arc::clone(&observer));
        let got = provider.get().await;
        assert_eq!(got.is_ok(), case == "whole" || case == "a key that fits no header", "{case}: {got:?}");
        found.add(&format!("{case}: keys"), format!("{got:?} {got:#?}"));
        let client = Client::new(options, http, provider, observer, clock).unwrap();
        let called = client.call::<_, Value>(&ACTION, "ap-guangzhou", &json!({})).await;
        let error = anyhow::Error::new(called.unwrap_err()).context("poll");
        found.add(&format!("{case}: error"), format!("{error} {error:#} {error:?} {error:#?}"));
        found.add(&format!("{case}: metrics"), expose::own(&own, Format::OpenMetrics));
    }
    let log = paper.0.lock().unwrap().clone();
    assert!(log.len() > 1000, "nothing was traced");
    found.add("log", log);
    found.must_not_hold(&secrets);
}
