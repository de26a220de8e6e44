//! The daemon killed at each system call that touches the state file while it opens it and commits to it: each time the
//! next start finds the old state or the new one, whole.

use crate::cli::{Daemon, exporter, get};
use crate::clouds::clouds;
use crate::page::Page;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use taskrun_exporter::app::names;
use taskrun_exporter::clock::SystemClock;
use taskrun_exporter::ledger::{Embedded, Ledger as _};
use taskrun_exporter::model::Clock as _;

/// What may change a file.
const WRITES: &str = "pwrite64,write,ftruncate,fallocate,fsync,fdatasync";

pub(crate) fn config(address: &str, state: &Path) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    write!(
        file,
        "[web]\nlisten = [\"127.0.0.1:0\"]\n[state]\npath = \"{}\"\n[accounts.main]\nprovider = \"tencentcloud\"\n\
         credentials = {{ secret_id = {{ env = \"ID\" }}, secret_key = {{ env = \"KEY\" }} }}\nendpoint = \"http://{address}\"\n\
         [sources.tat]\nkind = \"tat\"\naccount = \"main\"\nregions = [\"ap-guangzhou\"]\nschedule = \"1s\"\n\
         settings = {{ lookback = \"10m\" }}\n",
        state.display(),
    )
    .unwrap();
    file
}

/// Writes that are at least tried: the two of opening the file, and those of two or three commits.
const ENOUGH: usize = 24;

/// The daemon under strace, which is told to do `what` with the writes to the state file.
fn traced(config: &Path, state: &Path, log: &Path, what: &[&str]) -> Command {
    let strace = std::env::var("STRACE").expect("STRACE is not set; `make test` sets it");
    let plain = exporter();
    let mut command = Command::new(strace);
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["-f", "-qq", "-o"]).arg(log).arg("-P").arg(state.join("state.redb"));
    command.args(["-e", &format!("trace={WRITES}")]).args(what).arg(plain.get_program());
    command.args(["run", "--config"]).arg(config);
    command
}

fn copy(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).ok();
    std::fs::create_dir(to).unwrap();
    std::fs::copy(from.join("state.redb"), to.join("state.redb")).unwrap();
}

/// The runs that a state directory has counted, and the polls whose first batch it has. Fails where anything in it is damaged.
fn counted(state: &Path) -> (u64, u64) {
    let mut ledger = Embedded::open(state, &names(), SystemClock.now()).unwrap();
    let kept = ledger.restore().unwrap();
    assert_eq!(kept.damaged, 0);
    let runs = kept.cells.iter().flat_map(|cell| &cell.tasks).flat_map(|(_, record)| record.runs).sum();
    (runs, kept.cells.iter().map(|cell| cell.meta.polls).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_write_of_a_commit_leaves_the_old_state_or_the_new() {
    let clouds = clouds(21, 20.0, 8, "").await;
    let address = clouds.running.addr.to_string();
    tokio::task::spawn_blocking(move || at_every_write(&address)).await.unwrap();
}

fn at_every_write(address: &str) {
    let home = tempfile::tempdir().unwrap();
    let (first, state, log) = (home.path().join("first"), home.path().join("state"), home.path().join("log"));
    let file = config(address, &state);
    std::fs::create_dir(&state).unwrap();

    // A state to begin with, and how often it is written until some commits are done.
    let mut daemon = Daemon::start(exporter().args(["run", "--config"]).arg(file.path()));
    let page = daemon.address();
    crate::cli::eventually("a first commit", || {
        Page::read(&get(page, "/metrics").1).sum("taskrun_runs_total", &[]) > 0.0
    });
    daemon.kill();
    copy(&state, &first);
    let before = counted(&first);
    let mut daemon = Daemon::start(&mut traced(file.path(), &state, &log, &[]));
    let syncs = |log: &Path| {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        text.lines()
            .enumerate()
            .filter(|(_, line)| line.contains("sync("))
            .map(|(n, _)| n + 1)
            .collect::<Vec<_>>()
    };
    let done = || syncs(&log).into_iter().find(|writes| *writes >= ENOUGH);
    crate::cli::eventually("commits", || done().is_some());
    daemon.kill_traced();
    let writes = done().unwrap();

    let (mut old, mut new) = (0, 0);
    for write in 1..=writes {
        copy(&first, &state);
        let kill = format!("inject={WRITES}:signal=SIGKILL:when={write}");
        let mut daemon = Daemon::start(&mut traced(file.path(), &state, &log, &["-e", &kill]));
        daemon.wait_for_end(Duration::from_secs(20));
        let after = counted(&state);
        let kept = after.0 >= before.0 && after.1 >= before.1;
        assert!(kept, "write {write} of {writes}: {after:?} runs and polls where there were {before:?}");
        if after == before {
            old += 1
        } else {
            new += 1
        }
        let mut daemon = Daemon::start(exporter().args(["run", "--config"]).arg(file.path()));
        daemon.wait_for("serving metrics");
        daemon.kill();
    }
    assert!(old > 0 && new > 0, "{old} old states and {new} new ones: the kills missed the commit");
}
