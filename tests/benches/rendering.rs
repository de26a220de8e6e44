//! 100,000 series of 10 cells: rendered once when they change and copied at a scrape, or encoded at every scrape.

use crate::{fleet, mirror};
use bytes::Bytes;
use divan::Bencher;
use taskrun_exporter::app::natives;
use taskrun_exporter::expose::{Rendered, Renderer};
use taskrun_exporter::http::Exposition;
use taskrun_exporter::metrics::{Own, View, cell_families};
use taskrun_exporter::state::Store;

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

    #[divan::bench]
    fn exporter_hands_it_out(bencher: Bencher<'_, '_>) {
        let (page, own) = (page(&store(), &views()), Own::new().unwrap());
        bencher.bench_local(|| {
            let mut chunks = page.chunks.clone();
            chunks.push(Bytes::from(own.render()));
            Exposition::new(chunks)
        });
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

/// The page, rendered from nothing as after a start.
fn page(store: &Store, views: &[View]) -> Rendered {
    let families = cell_families(&natives());
    let mut renderer = Renderer::new(families.iter().map(|(family, _)| *family));
    for (key, cell) in store.cells() {
        renderer.update(key, |_| true, |index, text| views[index].draw(key, cell, text));
    }
    renderer.page()
}
