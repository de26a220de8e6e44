//! Other processes at the same directory: killed, unprivileged, out of space, second.
//!
//! The helper is this test binary, told by its standard input what to do.

use super::scene::{NOW, cell, delta, open, restored, small};
use crate::ledger::Ledger;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{fs, io};

const HELPER: [&str; 4] = ["--ignored", "--exact", "--nocapture", "ledger::embedded::tests::process::helper"];

fn spawn(command: &mut Command, directory: &Path) -> Child {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", directory.display()).unwrap();
    child
}

fn this() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(HELPER);
    command
}

/// What the helper says, line by line, without what the test runner says around it.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once("helper: ").map(|(_, said)| said.to_owned()))
}

/// Counts on from what is kept, one run and one success a commit, and says each number when it is kept.
#[test]
#[ignore = "the helper process of the tests beside it; it waits for a directory on its standard input"]
fn helper() {
    let directory = io::stdin().lines().next().unwrap().unwrap();
    let mut ledger = match open(Path::new(&directory)) {
        Ok(ledger) => ledger,
        Err(error) => return println!("helper: refused: {error}"),
    };
    let first = ledger.restore().unwrap().cells.first().map_or(0, |cell| cell.seen.len() as u64);
    println!("helper: {first}");
    for number in first..first + 100_000 {
        let mut next = delta(cell("s"), 1, number..number + 1, NOW);
        next.tasks[0].1.runs[0] = number + 1;
        next.meta.polls = number + 1;
        // So that the file grows.
        next.items[0].0.1 = format!("{number:0>4000}").into();
        if let Err(error) = ledger.commit(&next) {
            return println!("helper: failed: {error}");
        }
        println!("helper: {}", number + 1);
    }
}

/// How much a directory counts; everything in it tells the same.
fn counted(directory: &Path) -> u64 {
    let found = restored(directory);
    assert_eq!(found.damaged, 0);
    let Some(cell) = found.cells.first() else { return 0 };
    let runs = cell.seen.len() as u64;
    assert_eq!((cell.tasks[0].1.runs[0], cell.meta.polls), (runs, runs), "old or new, never a mix");
    runs
}

#[test]
fn a_kill_at_any_moment_leaves_old_or_new() {
    let directory = tempfile::tempdir().unwrap();
    let mut chance = fastrand::Rng::with_seed(7);
    for _ in 0..12 {
        let mut child = spawn(&mut this(), directory.path());
        let commits = chance.usize(1..60);
        let mut lines = said(&mut child);
        let mut told: u64 = lines.by_ref().take(commits).last().unwrap().parse().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(chance.u64(0..3000)));
        child.kill().unwrap();
        child.wait().unwrap();
        told = lines.filter_map(|line| line.parse().ok()).max().unwrap_or(told);
        let found = counted(directory.path());
        assert!(found == told || found == told + 1, "told {told}, found {found}");
    }
    assert!(counted(directory.path()) > 100);
}

#[test]
fn no_space_left_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    // A limit on the length of files stands for a full disk; it needs no rights and hits nobody else.
    let script = "trap '' XFSZ; ulimit -f 5000; exec \"$0\" \"$@\"";
    let mut limited = Command::new("sh");
    limited.args(["-c", script]).arg(fs::read_link("/proc/self/exe").unwrap()).args(HELPER);
    let mut child = spawn(&mut limited, directory.path());
    let lines: Vec<String> = said(&mut child).collect();
    child.wait().unwrap();
    let [.., told, failed] = &lines[..] else { panic!("{lines:?}") };
    assert!(failed.starts_with("failed: the state cannot be kept: "), "{failed}");
    let (told, found): (u64, u64) = (told.parse().unwrap(), counted(directory.path()));
    assert!(found == told || found == told + 1, "told {told}, found {found}");
    open(directory.path()).unwrap().commit(&delta(cell("s"), 1, 900_000..900_010, NOW)).unwrap();
}

#[test]
fn a_second_process_exits_and_names_the_first() {
    let (directory, _) = small();
    let _first = open(directory.path()).unwrap();
    let mut child = spawn(&mut this(), directory.path());
    let lines: Vec<String> = said(&mut child).collect();
    child.wait().unwrap();
    assert!(lines[0].starts_with("refused: the state in "), "{lines:?}");
    assert!(lines[0].contains(&format!("process {} on ", std::process::id())), "{lines:?}");
}

/// Root may do everything, so there the helper is nobody; elsewhere it is the owner without the right.
fn unprivileged() -> Command {
    let mut command = this();
    if is_root() {
        command.uid(65534).gid(65534);
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_may_not_be_read_is_refused_with_whose_it_is() {
    let (directory, _) = small();
    let state = directory.path().join("state.redb");
    let before = fs::read(&state).unwrap();
    let refused = || {
        let mut child = spawn(&mut unprivileged(), directory.path());
        let line = said(&mut child).next();
        child.kill().unwrap();
        child.wait().unwrap();
        line.unwrap_or_default()
    };
    mode(&state, if is_root() { 0o600 } else { 0o000 });
    mode(directory.path(), 0o755);
    let why = refused();
    let user = if is_root() { 65534 } else { fs::metadata("/proc/self").unwrap().uid() };
    assert!(
        why.contains("cannot open ") && why.contains(&format!("this process runs as user {user}")),
        "{why}"
    );
    mode(&state, 0o600);
    assert!(fs::read(&state).unwrap() == before);
    // An empty directory that may not be written: nothing to show, nothing to wait for.
    let empty = tempfile::tempdir().unwrap();
    mode(empty.path(), 0o555);
    let mut child = spawn(&mut unprivileged(), empty.path());
    let why = said(&mut child).next().unwrap();
    child.wait().unwrap();
    assert!(why.contains("refused: cannot lock ") && why.contains("with mode 555"), "{why}");
}

#[test]
fn what_can_be_read_but_not_written_is_shown_and_kept_later() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state.redb");
    open(directory.path()).unwrap().commit(&delta(cell("s"), 1, 0..10, NOW)).unwrap();
    mode(&state, 0o444);
    mode(&directory.path().join(".lock"), 0o444);
    mode(directory.path(), 0o555);
    let mut child = spawn(&mut unprivileged(), directory.path());
    let mut lines = said(&mut child);
    assert_eq!(lines.next().as_deref(), Some("10"), "what is there is restored");
    let why = lines.next().unwrap();
    child.wait().unwrap();
    assert!(why.starts_with("failed: the state cannot be kept: cannot write "), "{why}");
    assert!(why.contains("with mode 444, this process runs as user "), "{why}");
    assert_eq!(why.matches("os error 13").count(), 1, "{why}");
}
