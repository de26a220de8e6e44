//! Whatever an answer holds, its runs can be counted and shown, and count once.

use super::NOW;
use crate::app::natives;
use crate::expose::{Format, Text};
use crate::metrics::cell_families;
use crate::model::{Batch, CellKey, CellPlan, Label, Reach};
use crate::sources;
use crate::state::{Limits, Store};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;

/// Counts `found` twice over, as two polls that show the same would, and draws the page.
pub(super) fn once(kind: &str, found: Batch) {
    let Some(kind) = sources::kind(kind) else { return };
    let key = CellKey {
        kind: kind.name,
        source: Label::new("s"),
        region: Label::new("r"),
        project: Label::new("p"),
    };
    let reach = Reach { lookback: Duration::from_secs(86_400), overlap: Duration::from_secs(300) };
    let plan = CellPlan { key, reach, buckets: (kind.buckets)(), expected_interval: None, interval: None };
    let mut store =
        Store::new(Limits { series: 10_000, tasks_per_source: 100, runs: u64::MAX }, reach.lookback * 7);
    let mut remembered = None;
    for _ in 0..2 {
        let window = store.begin(&plan, NOW);
        let batch = Batch { poll: window.poll, watermark: Some(window.to), complete: true, ..found.clone() };
        if let Some(delta) = store.apply(&plan.key, &batch, NOW) {
            store.adopt(delta);
        }
        let runs = store.remembered_runs();
        assert_eq!(runs, *remembered.get_or_insert(runs), "a run that is shown twice counts once");
        draw(&store);
    }
}

/// Draws every family of every cell: whole lines, and none of two lines for one series.
fn draw(store: &Store) {
    let mut series = BTreeSet::new();
    for (family, view) in cell_families(&natives()) {
        for (key, cell) in store.cells() {
            let mut text = Text::new(&family, Format::Text);
            view.draw(key, cell, &(Bound::Unbounded, Bound::Unbounded), &mut text);
            let (text, count) = text.finish();
            let text = String::from_utf8(text).unwrap_or_default();
            let lines: Vec<&str> = text.split_terminator('\n').collect();
            assert_eq!(lines.len(), count, "{text}");
            for line in lines {
                let (name, _value) = line.rsplit_once(' ').unwrap_or((line, ""));
                assert!(series.insert(name.to_owned()), "twice: {line}");
            }
        }
    }
}
