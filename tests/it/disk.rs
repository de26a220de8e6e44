//! The daemon on a disk that is full, or may only be read, when it starts: what is kept is shown, counting waits, and goes
//! on by itself. The disks are real ones, in a mount namespace of each daemon's own.

use crate::cli::{Daemon, eventually, exporter, get};
use crate::clouds::clouds;
use crate::page::Page;
use crate::syscalls::config;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary, with a disk mounted on `state` that begins as a copy of `kept` and is then prepared by a line of shell in
/// which it is `$state`.
fn on_a_disk(state: &Path, kept: &Path, prepared: &str, args: &[&str]) -> Command {
    let script = format!(
        "state=$0; mount -t tmpfs -o size=16m tmpfs \"$state\" && cp --sparse=always \"$1\"/state.redb \"$state\" && {{ {prepared}; }} && shift && exec \"$@\""
    );
    let plain = exporter();
    let mut command = Command::new("unshare");
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(state).arg(kept);
    command.arg(plain.get_program()).args(args);
    command
}

struct Place {
    home: tempfile::TempDir,
    config: tempfile::NamedTempFile,
}

impl Place {
    fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    fn kept(&self) -> PathBuf {
        self.home.path().join("kept")
    }

    fn run(&self, prepared: &str) -> Daemon {
        let config = self.config.path().to_str().unwrap();
        Daemon::start(&mut on_a_disk(&self.state(), &self.kept(), prepared, &["run", "--config", config]))
    }

    /// The mounted directory, as another process may see it.
    fn inside(&self, daemon: &Daemon) -> PathBuf {
        Path::new(&format!("/proc/{}/root", daemon.id())).join(self.state().strip_prefix("/").unwrap())
    }
}

fn page(address: SocketAddr) -> Page {
    let (code, text) = get(address, "/metrics");
    assert_eq!(code, 200);
    Page::read(&text)
}

fn counted(page: &Page) -> f64 {
    page.sum("taskrun_runs_total", &[])
}

/// A place where a daemon has counted something and ended.
fn place(clouds: &str) -> (Place, f64) {
    let home = tempfile::tempdir().unwrap();
    let (state, kept) = (home.path().join("state"), home.path().join("kept"));
    std::fs::create_dir(&state).unwrap();
    std::fs::create_dir(&kept).unwrap();
    let place = Place { config: config(clouds, &state), home };
    let mut daemon = Daemon::start(exporter().args(["run", "--config"]).arg(place.config.path()));
    let address = daemon.address();
    eventually("something is counted", || counted(&page(address)) > 0.0);
    let before = counted(&page(address));
    daemon.kill();
    std::fs::copy(state.join("state.redb"), kept.join("state.redb")).unwrap();
    (place, before)
}

/// Starts on a disk that takes nothing, mends it, and sees it go on.
fn waits_and_goes_on(clouds: &str, prepared: &str, mend: impl Fn(&Place, &Daemon)) {
    let (place, before) = place(clouds);
    let daemon = place.run(prepared);
    let address = daemon.address();
    let first = counted(&page(address));
    assert!(first >= before, "{first} of {before} runs are shown");
    let failures = || {
        page(address).value("taskrun_exporter_state_commits_total", &[("result", "failed")]).unwrap_or(0.0)
    };
    eventually("a commit fails", || failures() > 1.0);
    assert_eq!(counted(&page(address)), first, "what is not kept is not shown");
    mend(&place, &daemon);
    eventually("it goes on", || counted(&page(address)) > first);
    let failed = failures();
    eventually("it goes on and on", || {
        page(address).value("taskrun_exporter_state_commits_total", &[("result", "ok")]).unwrap_or(0.0) > 3.0
    });
    assert_eq!(failures(), failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_start_stops_counting_until_there_is_room() {
    let clouds = clouds(31, 20.0, 8, "").await;
    let address = clouds.running.addr.to_string();
    let full =
        "dd if=/dev/zero of=\"$state\"/filler bs=4k status=none 2>/dev/null; test -s \"$state\"/filler";
    let mend = |place: &Place, daemon: &Daemon| {
        std::fs::remove_file(place.inside(daemon).join("filler")).unwrap();
    };
    tokio::task::spawn_blocking(move || waits_and_goes_on(&address, full, mend)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_at_the_start_stops_counting_until_it_can_be_written() {
    let clouds = clouds(32, 20.0, 8, "").await;
    let address = clouds.running.addr.to_string();
    let mend = |place: &Place, daemon: &Daemon| {
        let mut writable = Command::new("nsenter");
        writable.args(["--preserve-credentials", "--target", &daemon.id(), "--user", "--mount"]);
        writable.args(["mount", "-o", "remount,rw"]).arg(place.state());
        assert!(writable.status().unwrap().success());
    };
    let read_only = "mount -o remount,ro \"$state\"";
    tokio::task::spawn_blocking(move || waits_and_goes_on(&address, read_only, mend)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_can_be_looked_into() {
    let clouds = clouds(33, 20.0, 8, "").await;
    let address = clouds.running.addr.to_string();
    let look = move || {
        let (place, before) = place(&address);
        let config = place.config.path().to_str().unwrap();
        for command in ["inspect", "verify", "export"] {
            let args = ["state", command, "--config", config];
            let read_only = "mount -o remount,ro \"$state\"";
            let output = on_a_disk(&place.state(), &place.kept(), read_only, &args).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {said}");
            assert!(!output.stdout.is_empty() && before > 0.0, "{command}");
        }
    };
    tokio::task::spawn_blocking(look).await.unwrap();
}
