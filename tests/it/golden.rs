//! The golden expositions: what a seeded world looks like through each kind, whole. They are the compatibility contract:
//! a change in them is a change for users. `make golden` accepts one.

use crate::rig::{Rig, source};
use std::path::PathBuf;
use taskrun_exporter::sources::KINDS;

/// Takes real time, so it differs from run to run.
const VOLATILE: &str = "taskrun_source_poll_duration_seconds";

/// The page after a first poll, one soon after and one much later.
pub(crate) async fn page(kind: &str) -> String {
    let rig = Rig::start(&source(kind), 7).await;
    for step in [0, 60, 1800] {
        rig.advance(step);
        assert!(rig.poll().await, "{:?}", rig.keeper.published().cells);
    }
    let text = rig.text();
    text.lines().filter(|line| !line.contains(VOLATILE)).map(|line| format!("{line}\n")).collect()
}

pub(crate) fn path(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{kind}.prom"))
}

fn accepting() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_looks_as_it_is_promised() {
    let mut changed = Vec::new();
    for kind in KINDS {
        let (now, path) = (page(kind.name).await, path(kind.name));
        if accepting() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &now).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        let differ = golden.lines().zip(now.lines()).find(|(was, is)| was != is);
        if golden != now {
            changed.push(format!(
                "{}: {differ:?}, {} lines for {}",
                kind.name,
                now.lines().count(),
                golden.lines().count()
            ));
        }
    }
    assert!(
        changed.is_empty(),
        "look at the change, then accept it with `make golden`:\n{}",
        changed.join("\n")
    );
}
