//! Renders what changed, and nothing else.

use super::cores;
use super::document::Document;
use super::format::{Each, Format, header};
use super::piece::{Packer, Piece};
use super::shelf::{Sheet, Shelves};
use crate::metrics::catalog::Family;
use crate::metrics::{Sink, Span};
use crate::model::{CellKey, TaskKey};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What a cell has to show.
pub trait Subject: Sync {
    /// The keys of its tasks in `span`, in order.
    fn tasks(&self, span: &Span) -> Vec<&TaskKey>;
    /// Whether a family, by its index, is about the cell as a whole and not about its tasks.
    fn is_of_cell(&self, family: usize) -> bool;
    /// Hands over the samples of a family: those of the tasks in `span`, or of the cell as a whole.
    fn draw(&self, family: usize, span: &Span, sink: &mut dyn Sink);
}

/// What of a cell changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Its health and what else is told of it as a whole, and these tasks.
    Tasks(BTreeSet<TaskKey>),
    /// Everything.
    All,
}

impl Change {
    /// A change of the cell's health alone: a poll that found nothing new, which is cheap to draw.
    pub const HEALTH: Self = Self::Tasks(BTreeSet::new());

    /// Adds another change to this.
    pub fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Tasks(tasks), Self::Tasks(more)) => tasks.extend(more),
            _ => *self = Self::All,
        }
    }
}

/// One page of run families, whole and immutable. Cloning it copies no text.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    documents: Each<Document>,
    /// How many series it has.
    pub series: usize,
}

impl Rendered {
    /// The page in a format.
    pub fn document(&self, format: Format) -> &Document {
        &self.documents[format.index()]
    }
}

/// The pieces of one cell.
struct Cell {
    shelves: Shelves,
    /// What is told of the cell as a whole; one for each family.
    whole: Vec<Sheet>,
}

/// Keeps every cell's pieces.
pub struct Renderer {
    families: Vec<Family>,
    cells: BTreeMap<CellKey, Cell>,
    packer: Packer,
}

/// A sheet to be drawn: where it stands, and which family it is.
struct Task<'a> {
    sheet: &'a mut Sheet,
    family: usize,
    span: Span,
}

impl Renderer {
    /// A renderer of `families`, in this order.
    pub fn new(families: impl Iterator<Item = Family>) -> Self {
        Self { families: families.collect(), cells: BTreeMap::new(), packer: Packer::default() }
    }

    /// Draws what of a cell has changed, all of it if the cell is new.
    pub fn update(&mut self, key: &CellKey, change: &Change, subject: &dyn Subject) {
        let families = self.families.len();
        let all = (Bound::Unbounded, Bound::Unbounded);
        let cell = self
            .cells
            .entry(key.clone())
            .or_insert_with(|| Cell { shelves: Shelves::default(), whole: vec![Sheet::default(); families] });
        let stale = match change {
            Change::Tasks(tasks) if !cell.shelves.is_empty() => cell.shelves.touch(subject, tasks, families),
            _ => cell.shelves.build(subject, families),
        };
        let mut work: Vec<Task<'_>> = Vec::new();
        for (family, sheet) in cell.whole.iter_mut().enumerate().filter(|(at, _)| subject.is_of_cell(*at)) {
            work.push(Task { sheet, family, span: all.clone() });
        }
        let spans: Vec<Span> = stale.iter().map(|at| cell.shelves.span(*at)).collect();
        for (shelf, span) in cell.shelves.some_mut(&stale).zip(spans) {
            for (family, sheet) in shelf.sheets.iter_mut().enumerate() {
                if !subject.is_of_cell(family) {
                    work.push(Task { sheet, family, span: span.clone() });
                }
            }
        }
        let families = &self.families;
        cores::each(work, &mut self.packer, |task, packer| {
            task.sheet.draw((task.family, &families[task.family]), subject, &task.span, packer);
        });
    }

    /// Drops a cell.
    pub fn remove(&mut self, cell: &CellKey) {
        self.cells.remove(cell);
    }

    /// The page as it stands. A family without a sample has no header either.
    pub fn page(&self) -> Rendered {
        let sheets = |family: usize| {
            self.cells.values().flat_map(move |cell| {
                let shelves = cell.shelves.iter().map(move |shelf| &shelf.sheets[family]);
                shelves.chain([&cell.whole[family]]).filter(|sheet| sheet.series > 0)
            })
        };
        let series = (0..self.families.len()).flat_map(sheets).map(|sheet| sheet.series).sum();
        let document = |format: Format| {
            let at = format.index();
            let mut pieces = Vec::new();
            for (index, family) in self.families.iter().enumerate() {
                let samples: Vec<&Piece> = sheets(index).map(|sheet| &sheet.pieces[at]).collect();
                if !samples.is_empty() {
                    let length = samples.iter().map(|piece| piece.length()).sum();
                    pieces.push(Cow::Owned(Piece::stored(&header(family, format, length))));
                    pieces.extend(samples.into_iter().map(Cow::Borrowed));
                }
            }
            Document::of(pieces.iter().map(Cow::as_ref))
        };
        Rendered { documents: Format::ALL.map(document), series }
    }
}
