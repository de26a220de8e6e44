//! Deltas to commit, and what must come back of them.

pub(in crate::ledger) use crate::ledger::codec::tests::names;
use crate::ledger::{Embedded, Ledger, OpenError};
use crate::model::{
    CellKey, CellMeta, Delta, Facets, Gaps, Histogram, ItemRecord, ItemSet, Outcome, Reason, Restored,
    RestoredCell, RunId, RunKey, Seen, SeenChange, TaskKey, TaskRecord, Timestamp,
};
use std::collections::BTreeMap;
use std::path::Path;

pub(in crate::ledger) const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

pub(in crate::ledger) fn open(directory: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(directory, &names(), NOW)
}

pub(in crate::ledger) fn restored(directory: &Path) -> Restored {
    // Another test may just be starting a process, which holds a copy of every open file until it is another program.
    let forked = |opened: &Result<Embedded, OpenError>| matches!(opened, Err(OpenError::Held { .. }));
    let mut opened = open(directory);
    for _ in 0..100 {
        if !forked(&opened) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        opened = open(directory);
    }
    opened.unwrap().restore().unwrap()
}

pub(in crate::ledger) fn cell(source: &str) -> CellKey {
    CellKey { kind: "tat", source: source.into(), region: "r".into(), project: "".into() }
}

pub(in crate::ledger) fn key(n: u64) -> RunKey {
    RunKey::of(&RunId { instance: n.to_string().into(), round: 0 })
}

pub(in crate::ledger) fn seen(at: Timestamp) -> Seen {
    let secs = Timestamp::from_secs(at.secs());
    Seen { outcome: Some(Outcome::Success), facets: Facets::default(), unknown: 0, at: secs }
}

pub(in crate::ledger) fn meta(watermark: Timestamp) -> CellMeta {
    CellMeta {
        since: NOW,
        watermark: Some(watermark),
        floor: Timestamp::from_secs(0),
        polls: 7,
        up: Some(true),
        last_success: None,
        results: [1; Reason::ALL.len()],
        skipped_ticks: 0,
        rejected: BTreeMap::new(),
        backlog: None,
        poll_durations: Histogram::of_seconds(&[1.0].into()),
        message: "all is well".into(),
        gaps: Gaps::default(),
    }
}

/// A delta of a cell with tasks `t0…` and newly remembered runs of these numbers.
pub(in crate::ledger) fn delta(
    cell: CellKey,
    tasks: u64,
    runs: std::ops::Range<u64>,
    at: Timestamp,
) -> Delta {
    let record = |n: u64| {
        let mut record = TaskRecord::new(NOW);
        record.runs[0] = runs.end - runs.start + n;
        (TaskKey { task: format!("t{n}").as_str().into(), ..TaskKey::default() }, record)
    };
    let item = ItemRecord { status: "RUNNING".into(), at, task: TaskKey::default() };
    Delta {
        cell,
        meta: meta(at),
        tasks: (0..tasks).map(record).collect(),
        seen: runs.map(|n| SeenChange { run: key(n), seen: seen(at), before: None }).collect(),
        items: vec![((ItemSet::TatInvocations, format!("{at}").into()), item)],
        expired_items: Vec::new(),
        idle: Vec::new(),
        folded: 0,
    }
}

/// A directory with a small state of two cells.
pub(in crate::ledger) fn small() -> (tempfile::TempDir, Vec<RestoredCell>) {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    for (source, from) in [("one", 0), ("two", 1000)] {
        for step in 0..3_u64 {
            let at = NOW.minus(std::time::Duration::from_secs(4000 * step));
            ledger.commit(&delta(cell(source), 3, from + step * 10..from + step * 10 + 10, at)).unwrap();
        }
    }
    drop(ledger);
    let cells = sorted(restored(directory.path())).cells;
    assert_eq!(cells.iter().map(|cell| cell.seen.len()).sum::<usize>(), 60);
    (directory, cells)
}

/// The same, in an order that can be compared.
pub(in crate::ledger) fn sorted(mut restored: Restored) -> Restored {
    restored.cells.sort_by(|a, b| a.key.cmp(&b.key));
    for cell in &mut restored.cells {
        cell.tasks.sort_by(|a, b| a.0.cmp(&b.0));
        cell.seen.sort();
        cell.items.sort_by(|a, b| a.0.cmp(&b.0));
    }
    restored
}

pub(in crate::ledger) fn same(a: &[RestoredCell], b: &[RestoredCell]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            (&a.key, &a.meta, &a.tasks, &a.seen, &a.items) == (&b.key, &b.meta, &b.tasks, &b.seen, &b.items)
        })
}
