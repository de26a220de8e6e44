//! The corpus as regression: every input that was worth keeping, through its target.

use super::TARGETS;
use std::collections::BTreeSet;
use std::fs::read_dir;
use std::path::{Path, PathBuf};

/// Many small files tell more than few large ones, and nobody looks through either.
const MOST_FILES: usize = 200;
const MOST_BYTES: usize = 32 * 1024;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Where a target's inputs come from beside its corpus, as `tests/fuzz/run.sh` has it.
fn seeds(target: &str) -> Vec<PathBuf> {
    let script = std::fs::read_to_string(at("tests/fuzz/run.sh")).unwrap();
    let line = script.lines().find_map(|line| line.trim().strip_prefix(&format!("{target}) seeds=(")));
    let line = line.unwrap_or_else(|| panic!("tests/fuzz/run.sh does not know {target}"));
    line.split(')').next().unwrap().split_whitespace().map(at).collect()
}

#[test]
fn every_input_of_the_corpus_goes_through_its_target() {
    let mut kept = 0;
    for (name, target) in TARGETS {
        let corpus = files(&at(&format!("tests/fuzz/corpus/{name}")));
        let seeds: Vec<PathBuf> = seeds(name).iter().flat_map(|folder| files(folder)).collect();
        assert!(!corpus.is_empty(), "tests/fuzz/corpus/{name} is empty");
        kept += corpus.len();
        for input in corpus.iter().chain(&seeds) {
            let bytes = std::fs::read(input).unwrap();
            assert!(bytes.len() <= MOST_BYTES, "{} is {} bytes long", input.display(), bytes.len());
            let run = std::panic::catch_unwind(|| target(&bytes));
            assert!(run.is_ok(), "{name} fails on {}", input.display());
        }
    }
    assert!(kept <= MOST_FILES, "{kept} files are more than anybody looks through");
}

#[test]
fn every_target_is_one_of_cargo_fuzz() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let named = |folder: &str| -> BTreeSet<String> {
        let stems = read_dir(at(folder)).unwrap().map(|entry| entry.unwrap().path());
        stems.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named("tests/fuzz/targets"), known);
    assert_eq!(named("tests/fuzz/corpus"), known);
    let manifest = std::fs::read_to_string(at("tests/fuzz/Cargo.toml")).unwrap();
    for name in &known {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "tests/fuzz/Cargo.toml lacks {name}");
        let file = std::fs::read_to_string(at(&format!("tests/fuzz/targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("run(\"{name}\", ")), "targets/{name}.rs runs another");
    }
}
