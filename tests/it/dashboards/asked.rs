//! Every query of every dashboard, asked of a real Prometheus that scrapes the exporter on simulated clouds.

use super::page::pages;
use crate::cli::{Daemon, exporter};
use crate::clouds::clouds;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use taskrun_exporter::simulator::{World, apim, tc3};

const PROMETHEUS: &str = "PROMETHEUS";
/// In this time everything must have an answer; a busy machine of two cores needs about a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// Queries that this world rightly answers with nothing: the panel, what the query is about, and why.
const EMPTY: &[(&str, &str, &str)] = &[
    ("Credentials", "taskrun_credentials_expiry_timestamp_seconds", "keys from the environment never end"),
    ("Overdue", "taskrun_task_expected_interval_seconds", "whether a task is overdue is chance"),
    ("Failing tasks", "taskrun_last_success_timestamp_seconds", "what fails may never have succeeded"),
];

/// A Prometheus that ends with the test.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Prometheus {
    fn start(target: SocketAddr) -> Self {
        let program = std::env::var(PROMETHEUS)
            .unwrap_or_else(|_| panic!("set {PROMETHEUS}, or run make test, which does"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yml");
        let scrape = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - job_name: taskrun-exporter\n    static_configs: [{{targets: [\"{target}\"]}}]\n"
        );
        std::fs::write(&file, scrape).unwrap();
        let address = free_port();
        let child = Command::new(&program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{PROMETHEUS}={program} cannot be run: {error}"));
        let prometheus = Self { child, address, folder };
        let until = Instant::now() + Duration::from_secs(20);
        while prometheus.try_get("/-/ready").is_none_or(|(status, _)| status != 200) {
            assert!(Instant::now() < until, "{}", log(prometheus.folder.path()));
            std::thread::sleep(Duration::from_millis(100));
        }
        prometheus
    }

    /// HTTP 1.0, so that the answer is whole when the connection ends.
    fn try_get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: prometheus\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// What the API gives under `data`; an error, a warning or a remark is a reason to fail.
    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let encoded: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let (_, body) = self.try_get(&format!("/api/v1/{path}?{}", encoded.join("&"))).ok_or("no answer")?;
        let mut answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
        for key in ["error", "warnings", "infos"] {
            if !answer[key].is_null() {
                return Err(format!("{key}: {}", answer[key]));
            }
        }
        Ok(answer["data"].take())
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn encode(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// With every variable at "All", and ranges that fit a short past.
fn filled(query: &str) -> String {
    let mut query = query.replace("$__rate_interval", "15s").replace("$__range", "30s");
    for name in ["job", "instance"] {
        query = query.replace(&format!("${name}"), ".+");
    }
    for name in ["kind", "source", "project", "workflow", "task"] {
        query = query.replace(&format!("${name}"), ".*");
    }
    assert!(!query.contains("\"$"), "{query}");
    query
}

/// What has no answer, or a bad one.
fn unanswered(prometheus: &Prometheus) -> Vec<String> {
    let mut missing = Vec::new();
    for page in pages() {
        for (title, query) in page.queries() {
            let asked = filled(&query);
            let may_be_empty = EMPTY.iter().any(|(panel, about, _)| title == *panel && query.contains(about));
            match prometheus.ask("query", &[("query", &asked)]) {
                Err(said) => missing.push(format!("{}: {title}: {said}: {asked}", page.name)),
                Ok(data) if data["result"].as_array().is_none_or(Vec::is_empty) && !may_be_empty => {
                    missing.push(format!("{}: {title}: nothing: {asked}", page.name));
                }
                Ok(_) => {}
            }
        }
        for (selector, label) in page.variables() {
            let values = prometheus.ask(&format!("label/{label}/values"), &[("match[]", &filled(&selector))]);
            if !values.as_ref().is_ok_and(|values| values.as_array().is_some_and(|values| !values.is_empty()))
            {
                missing.push(format!("{}: no values of {label} in {selector}: {values:?}", page.name));
            }
        }
    }
    missing
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_answers_every_query() {
    let clouds = clouds(1, 5.0, World::TASKS, "").await;
    let endpoint = clouds.running.url();
    let state = tempfile::tempdir().unwrap();
    let mut command = exporter();
    // Less of a past than in the demo: it has to be read before there is anything to ask.
    for source in ["DATAFLOWS", "COMMANDS", "FUNCTIONS", "BATCH"] {
        command.env(format!("TASKRUN_SOURCES__{source}__SETTINGS__LOOKBACK"), "20m");
    }
    let mut daemon = Daemon::start(
        command
            .args(["run", "--config", concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.toml")])
            .env("TASKRUN_DEMO_SECRET_ID", tc3::SECRET_ID)
            .env("TASKRUN_DEMO_SECRET_KEY", tc3::SECRET_KEY)
            .env("TASKRUN_DEMO_ENOS_ACCESS_KEY", apim::ACCESS_KEY)
            .env("TASKRUN_DEMO_ENOS_SECRET_KEY", apim::SECRET_KEY)
            .env("TASKRUN_ACCOUNTS__MAIN__ENDPOINT", &endpoint)
            .env("TASKRUN_ACCOUNTS__PLANT__GATEWAY", &endpoint)
            .env("TASKRUN_WEB__LISTEN", "[\"127.0.0.1:0\"]")
            .env("TASKRUN_STATE__PATH", state.path()),
    );
    let target = daemon.address();
    let prometheus = Prometheus::start(target);
    let until = Instant::now() + PATIENCE;
    let mut missing = unanswered(&prometheus);
    while !missing.is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_secs(1)).await;
        missing = unanswered(&prometheus);
    }
    daemon.kill();
    assert!(missing.is_empty(), "{} queries\n{}", missing.len(), missing.join("\n"));
}
