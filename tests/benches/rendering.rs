//! 100,000 series of 10 cells: rendered once when they change and copied at a scrape, or encoded at every scrape.

use crate::{fleet, mirror};
use divan::Bencher;
use taskrun_exporter::app::natives;
use taskrun_exporter::expose::{self, Change, Format, Packer, Piece, Rendered, Renderer, Subject};
use taskrun_exporter::metrics::{Own, Sink, Span, View, cell_families};
use taskrun_exporter::model::{CellKey, TaskKey};
use taskrun_exporter::state::{CellState, Store};

const CELLS: usize = 10;
/// Tasks of each cell; they make 100,000 series, which [`store`] holds them to.
const TASKS: usize = 265;

#[divan::bench_group(sample_count = 30)]
mod page_of_100k_series {
    use super::*;

    #[divan::bench]
    fn exporter_renders_all_of_it(bencher: Bencher<'_, '_>) {
        let (store, views) = (store(), views());
        bencher.bench_local(|| page(&store, &views));
    }

    #[divan::bench(args = [Format::Text, Format::OpenMetrics])]
    fn exporter_hands_it_out_packed(bencher: Bencher<'_, '_>, format: Format) {
        let (page, tail) = (page(&store(), &views()), tail(format));
        bencher.bench_local(|| page.document(format).gzip(&tail).map(|chunk| chunk.len()).sum::<usize>());
    }

    #[divan::bench(args = [Format::Text, Format::OpenMetrics])]
    fn exporter_hands_it_out_plain(bencher: Bencher<'_, '_>, format: Format) {
        let (page, tail) = (page(&store(), &views()), tail(format));
        bencher.bench_local(|| page.document(format).plain(&tail).map(|chunk| chunk.len()).sum::<usize>());
    }

    #[divan::bench]
    fn prometheus_crate_encodes_it(bencher: Bencher<'_, '_>) {
        let store = store();
        let registry = mirror::registry(&store);
        let series = page(&store, &views()).series;
        assert_eq!(mirror::series(&mirror::encode(&registry)), series);
        bencher.bench_local(|| mirror::encode(&registry));
    }
}

fn store() -> Store {
    let store = fleet::filled(CELLS, TASKS);
    let series = page(&store, &views()).series;
    assert!((99_000..101_000).contains(&series), "{series} series");
    store
}

fn views() -> Vec<View> {
    cell_families(&natives()).into_iter().map(|(_, view)| view).collect()
}

fn tail(format: Format) -> Piece {
    expose::tail(&expose::own(&Own::new().unwrap(), format), format, &mut Packer::default())
}

struct Shown<'a>(&'a CellKey, &'a CellState, &'a [View]);

impl Subject for Shown<'_> {
    fn tasks(&self, span: &Span) -> Vec<&TaskKey> {
        self.1.tasks().range(span.clone()).map(|(task, _)| task).collect()
    }

    fn is_of_cell(&self, family: usize) -> bool {
        self.2[family].is_of_cell()
    }

    fn draw(&self, family: usize, span: &Span, sink: &mut dyn Sink) {
        self.2[family].draw(self.0, self.1, span, sink);
    }
}

/// The page, rendered from nothing as after a start.
fn page(store: &Store, views: &[View]) -> Rendered {
    let families = cell_families(&natives());
    let mut renderer = Renderer::new(families.iter().map(|(family, _)| *family));
    for (key, cell) in store.cells() {
        renderer.update(key, &Change::All, &Shown(key, cell, views));
    }
    renderer.page()
}
