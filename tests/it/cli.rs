//! The binary as people and service managers meet it: its commands, exit codes and mistakes.

use crate::clouds::{TestClouds, clouds};
use crate::page::Page;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use taskrun_exporter::simulator::{CANARY, tc3};

/// The binary with nothing in its environment but what a test puts there.
pub(crate) fn exporter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskrun-exporter"));
    command.env_clear().env("ID", tc3::SECRET_ID).env("KEY", tc3::SECRET_KEY).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    told(exporter().args(args).output().unwrap())
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A configuration file that lives as long as the test.
pub(crate) struct File(tempfile::NamedTempFile);

impl File {
    fn new(text: &str) -> Self {
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

pub(crate) fn config(address: &str, more: &str) -> File {
    let state = std::env::temp_dir().join(format!("taskrun-test-{}", fastrand::u64(..)));
    File::new(&format!(
        r#"
[web]
listen = ["127.0.0.1:0"]
[state]
path = "{}"
[accounts.main]
provider = "tencentcloud"
credentials = {{ secret_id = {{ env = "ID" }}, secret_key = {{ env = "KEY" }} }}
endpoint = "http://{address}"
timeout = "2s"
[sources.commands]
kind = "tat"
account = "main"
regions = ["ap-guangzhou"]
schedule = "1s"
settings = {{ lookback = "10m" }}
{more}"#,
        state.display()
    ))
}

/// Sends a signal. The shell has a kill of its own, whatever is installed.
pub(crate) fn signal(name: &str, process: &str) -> bool {
    Command::new("sh").args(["-c", &format!("kill {name} {process}")]).status().unwrap().success()
}

/// A child that is gone when the test is.
pub(crate) struct Daemon {
    child: Child,
    log: std::sync::mpsc::Receiver<String>,
}

impl Daemon {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, log) = std::sync::mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        Self { child, log }
    }

    /// The next line that holds `text`.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("never said {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.wait_for("serving metrics");
        line.rsplit_once("address=").unwrap().1.trim().parse().unwrap()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(signal(name, &self.id()));
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends a daemon that runs under strace: strace, and then what it traced.
    pub(crate) fn kill_traced(&mut self) {
        let id = self.child.id().to_string();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        assert!(children.split_whitespace().all(|child| signal("-KILL", child)));
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_for_end(&mut self, within: Duration) {
        let until = Instant::now() + within;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "still there after {within:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn ended(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still there after 10 s");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

/// Sends a request that closes the connection.
pub(crate) fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// The page, once it holds something of every one of `kinds`.
fn page_of(address: SocketAddr, kinds: &[&str], within: Duration) -> Page {
    let until = Instant::now() + within;
    loop {
        let page = Page::read(&get(address, "/metrics").1);
        if kinds.iter().all(|kind| page.sum("taskrun_runs_total", &[("kind", kind)]) > 0.0) {
            return page;
        }
        assert!(Instant::now() < until, "no runs of {kinds:?} within {within:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks until it is so, within ten seconds.
pub(crate) fn eventually(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_wrong_command_line_exits_64_and_help_0() {
    assert_eq!(run(&["fly"]).0, Some(64));
    assert_eq!(run(&["check", "--confg", "x"]).0, Some(64));
    assert_eq!(run(&["simulate", "--faults", "thrott=1"]).0, Some(64));
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for command in ["run", "check", "once", "simulate", "demo", "metrics"] {
        assert!(out.contains(command), "{out}");
    }
    assert!(run(&["--version"]).1.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn check_names_every_mistake_with_its_line_and_exits_78() {
    let file = config(
        "127.0.0.1:1",
        "lookbak = \"1h\"\n[sources.two]\nkind = \"tta\"\naccount = \"mian\"\nschedule = \"30\"\n[log]\nlevel = 7\n",
    );
    let (code, out, err) = run(&["check", "--config", file.path()]);
    assert_eq!((code, out.as_str()), (Some(78), ""));
    for said in [
        "sources.commands.lookbak",
        "did you mean \"tat\"",
        "did you mean \"main\"",
        "sources.two.schedule",
        "log.level",
    ] {
        assert!(err.contains(said), "{said} in {err}");
    }
    let (code, _, err) = run(&["run", "--config", "/nowhere/config.toml"]);
    assert_eq!(code, Some(78));
    assert!(err.contains("/nowhere/config.toml"), "{err}");
}

#[test]
fn check_of_a_good_file_calls_nobody_and_exits_0() {
    let file = config("127.0.0.1:1", "");
    let (code, out, err) = run(&["check", "--config", file.path()]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("commands/ap-guangzhou"), "{out}");
}

#[test]
fn the_catalogue_is_printed_in_both_forms() {
    let (code, table, _) = run(&["metrics"]);
    assert_eq!(code, Some(0));
    let (code, json, _) = run(&["metrics", "--format", "json"]);
    assert_eq!(code, Some(0));
    let families: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(families.len() > 50);
    for family in families {
        assert!(table.contains(&format!("| `{}` |", family["name"].as_str().unwrap())), "{family}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_prints_the_page_and_exits_0() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 8, "").await;
    let file = config(&running.addr.to_string(), "");
    let path = file.path().to_owned();
    let (code, out, err) =
        tokio::task::spawn_blocking(move || run(&["once", "--config", &path])).await.unwrap();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(Page::read(&out).sum("taskrun_runs_total", &[]) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_with_a_wrong_key_says_so_in_one_line_and_exits_1() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 8, "").await;
    let file = config(&running.addr.to_string(), "");
    let path = file.path().to_owned();
    let output = tokio::task::spawn_blocking(move || {
        exporter().env("KEY", "wrong-key-0123456789").args(["once", "--config", &path]).output()
    });
    let (code, out, err) = told(output.await.unwrap().unwrap());
    assert_eq!(code, Some(1));
    assert_eq!(err.lines().count(), 1, "{err}");
    for said in ["commands/ap-guangzhou", "AuthFailure.SignatureFailure", "check the account's credentials"] {
        assert!(err.contains(said), "{said} in {err}");
    }
    assert!(!err.contains("wrong-key"), "{err}");
    assert_eq!(Page::read(&out).value("taskrun_source_up", &[]), Some(0.0));
}

#[test]
fn once_without_a_host_says_so_in_one_line_and_exits_1() {
    let file = config("127.0.0.1:1", "");
    let (code, out, err) = run(&["once", "--config", file.path()]);
    assert_eq!((code, err.lines().count()), (Some(1), 1), "{err}");
    assert!(err.contains("127.0.0.1:1") && err.contains("refused"), "{err}");
    assert_eq!(Page::read(&out).value("taskrun_source_polls_total", &[("result", "connect")]), Some(1.0));
    let (code, _, err) = run(&["once", "--config", file.path(), "--source", "commandos"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("there are commands"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_serves_reloads_and_stops() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 8, "").await;
    let file = config(&running.addr.to_string(), "[log]\nlevel = \"trace\"\n");
    let test = move || {
        let mut daemon = Daemon::start(exporter().args(["run", "--config", file.path()]));
        let address = daemon.address();
        assert_eq!(get(address, "/-/healthy").0, 200);
        page_of(address, &["tat"], Duration::from_secs(20));
        eventually("ready", || get(address, "/-/ready").0 == 200);
        assert!(get(address, "/").1.contains("commands"));
        assert!(get(address, "/api/v1/status").1.contains("\"source\":\"commands\""));
        assert_eq!(get(address, "/-/reload").0, 405);
        let good = std::fs::read_to_string(file.path()).unwrap();
        std::fs::write(file.path(), "[sources.commands]\nkind = \"tta\"\n").unwrap();
        daemon.signal("-HUP");
        daemon.wait_for("did you mean");
        let reloaded = || {
            Page::read(&get(address, "/metrics").1)
                .value("taskrun_exporter_config_last_reload_successful", &[])
        };
        eventually("refused", || reloaded() == Some(0.0));
        let before = page_of(address, &["tat"], Duration::from_secs(1)).sum("taskrun_runs_total", &[]);
        std::fs::write(file.path(), good).unwrap();
        daemon.signal("-HUP");
        daemon.wait_for("configuration read again");
        eventually("taken over", || reloaded() == Some(1.0));
        let after = page_of(address, &["tat"], Duration::from_secs(5)).sum("taskrun_runs_total", &[]);
        assert!(after >= before, "a reload keeps what is counted: {before}, then {after}");
        daemon.signal("-TERM");
        assert_eq!(daemon.ended(), Some(0));
        let log: Vec<String> = daemon.log.try_iter().collect();
        assert!(log.iter().any(|line| line.contains("msg=stopped")), "{log:?}");
        for hidden in [CANARY, tc3::SECRET_KEY] {
            assert!(log.iter().all(|line| !line.contains(hidden)), "{hidden} in the log");
        }
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}

#[test]
fn the_demo_shows_every_kind_within_ten_seconds() {
    let mut daemon = Daemon::start(exporter().args(["demo", "--listen", "127.0.0.1:0"]));
    let began = Instant::now();
    let address = daemon.address();
    page_of(
        address,
        &["wedata", "tat", "scf", "enos"],
        Duration::from_secs(10).saturating_sub(began.elapsed()),
    );
    daemon.signal("-INT");
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn a_taken_address_is_named_and_exits_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = config("127.0.0.1:1", "");
    let listen = format!("[\"{address}\"]");
    let output = exporter()
        .env("TASKRUN_WEB__LISTEN", &listen)
        .args(["run", "--config", file.path()])
        .output()
        .unwrap();
    let (code, _, err) = told(output);
    assert_eq!(code, Some(1));
    assert!(err.contains(&address) && err.contains("web.listen"), "{err}");
}

#[test]
fn plan_tells_calls_and_says_where_a_schedule_cannot_be_kept() {
    // Nobody listens there, and no state is made.
    let file = config("127.0.0.1:1", "");
    let (code, out, err) = run(&["plan", "--config", file.path(), "--assume", "commands.runs_per_day=86400"]);
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    for told in ["DescribeInvocations ", "20/s", "16/s", "commands.runs_per_day", "= 86400", "--assume"] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let json = run(&["plan", "--config", file.path(), "--format", "json"]).1;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["limits"][0]["action"], "DescribeInvocations");
    assert_eq!(json["limits"][0]["per_hour"], 3600.0);
    assert_eq!(json["warnings"], serde_json::json!([]));

    // A hundred machines an invocation, and so many that each poll's tasks alone fill more calls than a second allows.
    let crowd = "commands.runs_per_day=200000000";
    let (code, out, _) =
        run(&["plan", "--config", file.path(), "--assume", crowd, "--assume", "commands.machines=100"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("WARN commands: a poll takes about"), "{out}");
    let (code, _, err) = run(&["plan", "--config", file.path(), "--assume", "commands.projects=3"]);
    assert!(code == Some(64) && err.contains("commands.machines"), "{err}");
    let broken = File::new("[sources.a]\nkind = \"tat\"");
    assert_eq!(run(&["plan", "--config", broken.path()]).0, Some(78));
}
