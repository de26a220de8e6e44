//! Inputs to begin with that only this program can write.

use super::*;
use crate::ledger::codec::tests::{meta, task_record};
use crate::ledger::embedded::tests::scene;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

#[expect(clippy::disallowed_methods, reason = "whether to write them anew is told as for golden files")]
fn is_wanted() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Records of every kind, as bytes.
fn records() -> Vec<Vec<u8>> {
    let mut runner = TestRunner::deterministic();
    let mut records = vec![encode(&scene::cell("source"))];
    for _ in 0..4 {
        let mut task = task_record().new_tree(&mut runner).unwrap().current();
        task.native = None;
        records.push(encode(&task));
        records.push(encode(&meta().new_tree(&mut runner).unwrap().current()));
    }
    records.retain(|record| record.len() < 8192);
    records
}

/// The leaves of a small state file that hold anything.
fn leaves() -> Vec<u8> {
    let (directory, _) = scene::small();
    let mut leaves = Vec::new();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let filled = |page: &&[u8]| page[0] == 1 && page[2] > 0 && page[4..].iter().any(|byte| *byte != 0);
        leaves.extend(bytes.chunks_exact(4096).filter(filled).take(6).flatten());
    }
    leaves
}

#[test]
fn the_corpus_begins_with_what_this_version_writes() {
    if is_wanted() {
        for (nth, record) in records().iter().enumerate() {
            std::fs::write(corpus("records").join(format!("written_{nth}")), record).unwrap();
        }
        std::fs::write(corpus("salvage").join("leaves"), leaves()).unwrap();
    }
    let names = scene::names();
    let read = |bytes: &[u8]| {
        let mut context = Context::new(&names);
        decode::<TaskRecord>(bytes, &mut context).is_ok()
            || decode::<CellMeta>(bytes, &mut context).is_ok()
            || decode::<CellKey>(bytes, &mut context).is_ok()
    };
    let written = std::fs::read_dir(corpus("records")).unwrap().map(|entry| entry.unwrap().path());
    let written: Vec<_> = written.filter(|path| path.to_string_lossy().contains("written_")).collect();
    assert!(written.len() >= 5);
    for path in written {
        assert!(
            read(&std::fs::read(&path).unwrap()),
            "{} is of another format; UPDATE_GOLDEN=1",
            path.display()
        );
    }
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&std::fs::read(corpus("salvage").join("leaves")).unwrap(), 0).unwrap();
    assert!(embedded::salvage(&file, &names, scene::NOW) > 0, "leaves hold nothing; UPDATE_GOLDEN=1");
}
