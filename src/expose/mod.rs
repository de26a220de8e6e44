//! The page that scrapes get: rendered when the state changes, copied when it is asked for.

mod text;

pub use text::{Text, header};

use crate::metrics::catalog::Family;
use crate::model::CellKey;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One page of run families, whole and immutable. Cloning it copies no text.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The page's parts, in order.
    pub chunks: Vec<Bytes>,
    /// How many series it has.
    pub series: usize,
}

/// One family's samples of one cell.
#[derive(Clone, Debug, Default)]
struct Chunk {
    text: Bytes,
    series: usize,
}

/// Keeps every cell's chunks, so that a change in one cell renders that cell alone.
pub struct Renderer {
    families: Vec<(Family, Bytes)>,
    cells: BTreeMap<CellKey, Vec<Chunk>>,
}

impl Renderer {
    /// A renderer of `families`, in this order.
    pub fn new(families: impl Iterator<Item = Family>) -> Self {
        let families = families.map(|family| (family, header(&family).into())).collect();
        Self { families, cells: BTreeMap::new() }
    }

    /// Renders the families of a cell that `stale` names by their index, all of them if the cell is new; `draw` writes
    /// the samples of one.
    pub fn update(
        &mut self,
        cell: &CellKey,
        stale: impl Fn(usize) -> bool,
        draw: impl Fn(usize, &mut Text<'_>) + Sync,
    ) {
        let families = &self.families;
        let render = |index: usize| {
            let mut text = Text::new(&families[index].0);
            draw(index, &mut text);
            let (text, series) = text.finish();
            Chunk { text: text.into(), series }
        };
        match self.cells.get_mut(cell) {
            Some(chunks) => {
                for (index, chunk) in chunks.iter_mut().enumerate().filter(|(index, _)| stale(*index)) {
                    *chunk = render(index);
                }
            }
            None => {
                let chunks = on_every_core(families.len(), &render);
                self.cells.insert(cell.clone(), chunks);
            }
        }
    }

    /// Drops a cell.
    pub fn remove(&mut self, cell: &CellKey) {
        self.cells.remove(cell);
    }

    /// The page as it stands. A family without a sample has no header either.
    pub fn page(&self) -> Rendered {
        let mut page = Rendered::default();
        for (index, (_, header)) in self.families.iter().enumerate() {
            let mut chunks = self
                .cells
                .values()
                .filter_map(|chunks| chunks.get(index))
                .filter(|chunk| !chunk.text.is_empty())
                .peekable();
            if chunks.peek().is_some() {
                page.chunks.push(header.clone());
            }
            for chunk in chunks {
                page.series += chunk.series;
                page.chunks.push(chunk.text.clone());
            }
        }
        page
    }
}

/// Makes `count` things, each by its index, on as many threads as there are cores. A cell is new when the exporter starts,
/// and then there is nothing else to do, and somebody waits for the first page.
fn on_every_core<T: Send>(count: usize, make: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return made;
            }
            made.push((index, make(index)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut made: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            match other.join() {
                Ok(more) => made.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    });
    made.sort_unstable_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, thing)| thing).collect()
}
