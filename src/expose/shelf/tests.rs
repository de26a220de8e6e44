use super::*;
use crate::expose::{Change, Renderer};
use crate::metrics::{Sink, catalog};
use crate::model::{CellKey, Label, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A cell of tasks that have a number each, and a number of its own.
#[derive(Default)]
struct Numbers {
    tasks: BTreeMap<TaskKey, u64>,
    whole: u64,
}

fn cell() -> CellKey {
    CellKey { kind: "tat", source: "s".into(), region: Label::empty(), project: Label::empty() }
}

fn key(n: u32) -> TaskKey {
    TaskKey { task: Label::new(&format!("t{n:05}")), ..TaskKey::default() }
}

const SINCE: Timestamp = Timestamp::from_secs(1_700_000_000);

impl Subject for Numbers {
    fn tasks(&self, span: &Span) -> Vec<&TaskKey> {
        self.tasks.range(span.clone()).map(|(task, _)| task).collect()
    }

    fn is_of_cell(&self, family: usize) -> bool {
        family == 1
    }

    fn draw(&self, family: usize, span: &Span, sink: &mut dyn Sink) {
        if family == 1 {
            sink.cell(&cell(), SINCE);
            sink.count(&[], self.whole);
        }
        for (task, number) in self.tasks.range(span.clone()).filter(|_| family != 1) {
            sink.task(&cell(), task, SINCE);
            sink.count(&[], *number);
        }
    }
}

fn renderer() -> Renderer {
    Renderer::new([catalog::REVISED, catalog::SOURCE_SKIPPED_TICKS, catalog::RETRIES].into_iter())
}

/// The page in a format, and how many series it says that it has.
fn page(renderer: &Renderer, format: Format) -> (String, usize) {
    let page = renderer.page();
    (String::from_utf8(page.document(format).text()).unwrap(), page.series)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever comes, changes and goes: what was drawn piece by piece is what is drawn from nothing.
    #[test]
    fn pieces_make_the_same_page_as_the_whole(
        start in 0..900_u32,
        steps in prop::collection::vec(
            prop::collection::vec((0..1200_u32, prop::option::weighted(0.6, 0..5_u64)), 0..120), 1..12),
        crowd in prop::option::of(2000..3000_u32),
    ) {
        let mut numbers = Numbers::default();
        numbers.tasks.extend((0..start).map(|n| (key(n), 0)));
        let mut drawn = renderer();
        drawn.update(&cell(), &Change::All, &numbers);
        let mut steps: Vec<Vec<(u32, Option<u64>)>> = steps;
        if let Some(crowd) = crowd {
            // Many at once in one place, and gone again.
            steps.push((1000..crowd).map(|n| (n, Some(1))).collect());
            steps.push((900..crowd - 100).map(|n| (n, None)).collect());
        }
        for step in steps {
            let mut changed = BTreeSet::new();
            for (n, number) in step {
                match number {
                    Some(number) => drop(numbers.tasks.insert(key(n), number)),
                    None => drop(numbers.tasks.remove(&key(n))),
                }
                changed.insert(key(n));
            }
            numbers.whole += 1;
            drawn.update(&cell(), &Change::Tasks(changed), &numbers);
            let mut anew = renderer();
            anew.update(&cell(), &Change::All, &numbers);
            prop_assert_eq!(page(&drawn, Format::Text), page(&anew, Format::Text));
        }
        let mut anew = renderer();
        anew.update(&cell(), &Change::All, &numbers);
        prop_assert_eq!(page(&drawn, Format::OpenMetrics), page(&anew, Format::OpenMetrics));
    }
}

#[test]
fn one_change_packs_its_own_stretch_alone() {
    let mut numbers = Numbers::default();
    numbers.tasks.extend((0..1000).map(|n| (key(n), 0)));
    let mut drawn = renderer();
    drawn.update(&cell(), &Change::All, &numbers);
    let before = drawn.page();
    numbers.tasks.insert(key(500), 9);
    drawn.update(&cell(), &Change::Tasks([key(500)].into()), &numbers);
    let after = drawn.page();
    // All of them are held, so that none stands where another has been.
    let packed = |page: &crate::expose::Rendered| -> Vec<bytes::Bytes> {
        page.document(Format::Text).gzip(&Piece::default()).collect()
    };
    let (before, after) = (packed(&before), packed(&after));
    let known = |piece: &&bytes::Bytes| before.iter().any(|other| other.as_ptr() == piece.as_ptr());
    let kept = after.iter().filter(known).count();
    // Of 2 × 8 stretches, one of the cell, 3 headers and gzip's own two ends: the two of task 500 are new, and what is
    // written for each page, the headers and the trailer.
    assert_eq!((before.len(), after.len() - kept), (2 * 8 + 1 + 3 + 2, 2 + 3 + 1));
}

#[test]
fn what_was_drawn_and_is_the_same_is_not_packed_again() {
    let mut numbers = Numbers::default();
    numbers.tasks.extend((0..10).map(|n| (key(n), 0)));
    let mut drawn = renderer();
    drawn.update(&cell(), &Change::All, &numbers);
    let piece =
        |page: crate::expose::Rendered| page.document(Format::Text).gzip(&Piece::default()).nth(2).unwrap();
    let before = piece(drawn.page());
    drawn.update(&cell(), &Change::Tasks([key(3)].into()), &numbers);
    assert_eq!(piece(drawn.page()).as_ptr(), before.as_ptr());
}
