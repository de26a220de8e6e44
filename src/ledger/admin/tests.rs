//! What is exported is imported as it was; what is wrong is found.

use super::{AdminError, Filter, Moved, export, import, inspect, verify};
use crate::ledger::codec::tests::{meta, names, task_record};
use crate::ledger::embedded::tests::scene::{
    NOW, cell, delta, key, open, restored, same, seen, small, sorted,
};
use crate::ledger::{Ledger, OpenError};
use crate::model::{Delta, Gap, Gaps, SeenChange, TaskKey, Timestamp};
use proptest::prelude::*;
use std::path::Path;

fn exported(directory: &Path) -> String {
    let mut text = Vec::new();
    export(directory, &names(), NOW, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn imported(directory: &Path, text: &str) -> Result<Moved, AdminError> {
    import(directory, &names(), NOW, &mut text.as_bytes())
}

#[test]
fn a_state_moves_to_another_machine() {
    let (directory, before) = small();
    let text = exported(directory.path());
    let other = tempfile::tempdir().unwrap();
    assert_eq!(imported(other.path(), &text).unwrap(), Moved { cells: 2, tasks: 6, runs: 60, items: 6 });
    assert!(same(&sorted(restored(other.path())).cells, &before));
    assert_eq!(exported(other.path()), text);
    assert!(verify(other.path(), &names(), NOW).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_remembered_moves(
        records in prop::collection::vec(task_record(), 0..4), meta in meta(), times in prop::collection::vec(any::<i32>(), 0..9)
    ) {
        let name = |n: usize| TaskKey { task: format!("{n}\n\"").as_str().into(), ..TaskKey::default() };
        let run = |(n, secs): (usize, i32)| {
            let at = Timestamp::from_secs(i64::from(secs.unsigned_abs()));
            SeenChange { run: key(n as u64), seen: seen(at), before: None }
        };
        let all = Delta {
            meta: crate::model::CellMeta { floor: Timestamp::from_secs(0), ..meta },
            tasks: records.into_iter().enumerate().map(|(n, record)| (name(n), record)).collect(),
            seen: times.into_iter().enumerate().map(run).collect(),
            ..delta(cell("s"), 0, 0..0, NOW)
        };
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        open(from.path()).unwrap().commit(&all).unwrap();
        imported(to.path(), &exported(from.path())).unwrap();
        prop_assert!(same(&sorted(restored(to.path())).cells, &sorted(restored(from.path())).cells));
    }
}

#[test]
fn nothing_is_overwritten() {
    let (directory, before) = small();
    let text = exported(directory.path());
    assert!(matches!(imported(directory.path(), &text), Err(AdminError::Occupied(_))));
    assert!(same(&sorted(restored(directory.path())).cells, &before));
}

#[test]
fn a_text_that_is_not_whole_makes_no_state() {
    let (directory, _) = small();
    let text = exported(directory.path());
    let lines: Vec<&str> = text.lines().collect();
    let mut broken: Vec<String> = (0..lines.len()).map(|count| lines[..count].join("\n")).collect();
    broken.push(text.replace("\"version\":1", "\"version\":2"));
    broken.push(text.replace("{\"run\"", "{\"walk\""));
    broken.push(text.replace("\"tat\"", "\"tap\""));
    broken.push(format!("{text}{{}}"));
    broken.push(lines[1..].join("\n"));
    for text in broken {
        let other = tempfile::tempdir().unwrap();
        let refused = imported(other.path(), &text).unwrap_err();
        assert!(matches!(refused, AdminError::Text { .. }), "{refused}");
        assert!(!other.path().join("state.redb").exists());
    }
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let (directory, _) = small();
    let _daemon = open(directory.path()).unwrap();
    let refused = verify(directory.path(), &names(), NOW).unwrap_err();
    assert!(matches!(refused, AdminError::Open(OpenError::Held { .. })), "{refused}");
}

#[test]
fn looking_leaves_no_trace() {
    let (directory, _) = small();
    let path = directory.path();
    std::fs::remove_file(path.join(".lock")).unwrap();
    let entries = || {
        let mut names: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        (names, std::fs::read(path.join("state.redb")).unwrap())
    };
    let before = entries();
    assert!(verify(path, &names(), NOW).unwrap().is_empty());
    exported(path);
    inspect(path, &names(), NOW, &Filter::default(), &mut Vec::new()).unwrap();
    assert!(entries() == before, "{:?}", entries().0);
    // With a lock there, lookers keep a daemon out but not each other, and the lock's text stays.
    std::fs::write(path.join(".lock"), "process 1 on here\n").unwrap();
    let _looks = crate::ledger::embedded::Closed::look(path).unwrap();
    exported(path);
    assert!(matches!(open(path).err().unwrap(), OpenError::Held { .. }));
    assert_eq!(std::fs::read_to_string(path.join(".lock")).unwrap(), "process 1 on here\n");
}

#[test]
fn what_root_imports_belongs_to_the_owner_of_the_directory() {
    use std::os::unix::fs::{MetadataExt, chown};
    let (directory, _) = small();
    let text = exported(directory.path());
    let other = tempfile::tempdir().unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if root {
        chown(other.path(), Some(65534), Some(65534)).unwrap();
    }
    imported(other.path(), &text).unwrap();
    let owner = std::fs::metadata(other.path()).unwrap().uid();
    for file in [".lock", "state.redb"] {
        assert_eq!(std::fs::metadata(other.path().join(file)).unwrap().uid(), owner, "{file}");
    }
}

#[test]
fn times_in_the_future_are_found() {
    let (directory, _) = small();
    let earlier = NOW.minus(std::time::Duration::from_secs(86_400));
    let problems = verify(directory.path(), &names(), earlier).unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].contains("read up to 2025-06-15T12:53:20.000Z, which is in the future"),
        "{problems:?}"
    );
}

#[test]
fn looking_at_nothing_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    for path in [&missing, directory.path()] {
        assert!(matches!(verify(path, &names(), NOW), Err(AdminError::Nothing(_))));
    }
    assert!(!missing.exists());
}

#[test]
fn what_cannot_be_true_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    let mut wrong = delta(cell("s"), 1, 0..10, NOW);
    wrong.tasks[0].1.runs = [3, 0, 0, 0, 0];
    wrong.tasks[0].1.codes.insert(0, 9);
    ledger.commit(&wrong).unwrap();
    drop(ledger);
    let problems = verify(directory.path(), &names(), NOW).unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("return codes tells of 9 runs, only 3"), "{problems:?}");
    assert!(problems[1].contains("10 finished runs are remembered, only 3"), "{problems:?}");
}

#[test]
fn damage_is_found_and_the_file_left_as_it_is() {
    let (directory, _) = small();
    let path = directory.path().join("state.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.windows(11).position(|window| window == b"all is well").unwrap();
    for at in place..bytes.len() - 11 {
        if &bytes[at..at + 11] == b"all is well" {
            bytes[at] = b'A';
        }
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(verify(directory.path(), &names(), NOW).unwrap().iter().any(|line| line.contains("damaged")));
    assert!(matches!(export(directory.path(), &names(), NOW, &mut Vec::new()), Err(AdminError::Damaged(_))));
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_person_sees_what_is_remembered() {
    let (directory, _) = small();
    let seen = |source: Option<&str>, task: Option<&str>| {
        let filter = Filter { source: source.map(Into::into), task: task.map(Into::into) };
        let mut text = Vec::new();
        inspect(directory.path(), &names(), NOW, &filter, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let all = seen(None, None);
    assert!(
        all.contains("one/r (tat)\n") && all.contains("two/r (tat)\n") && !all.contains("task t0"),
        "{all}"
    );
    assert!(
        all.contains("  remembered runs     30 from 2025-06-15T12:53:20.000Z to 2025-06-15T15:06:40.000Z\n"),
        "{all}"
    );
    assert!(!all.contains("but for"), "{all}");
    let one = seen(Some("one"), Some("t1"));
    assert!(one.contains("  task t1\n    since 2025-06-15T15:06:40.000Z: 11 success, 0 revised\n"), "{one}");
    assert!(!one.contains("two") && !one.contains("task t2"), "{one}");
    assert!(seen(None, Some("no such task")).is_empty());
}

#[test]
fn what_is_left_to_be_read_is_shown_and_moves() {
    let at = Timestamp::from_secs;
    let gap = |n: i64| Gap { part: format!("f{n}").as_str().into(), from: at(1000 + n), to: at(2000 + n) };
    let gaps: Gaps = (0..25).map(gap).collect();
    let mut behind = delta(cell("s"), 1, 0..1, NOW);
    behind.meta.gaps = gaps.clone();
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).unwrap().commit(&behind).unwrap();
    let mut text = Vec::new();
    inspect(directory.path(), &names(), NOW, &Filter::default(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let first = "  but for             1970-01-01T00:16:40.000Z to 1970-01-01T00:33:20.000Z of f0\n";
    assert!(text.contains(first) && text.contains("  and                 5 more\n"), "{text}");
    let other = tempfile::tempdir().unwrap();
    imported(other.path(), &exported(directory.path())).unwrap();
    assert_eq!(restored(other.path()).cells[0].meta.gaps, gaps);
}
