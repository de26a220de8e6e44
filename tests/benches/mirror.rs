//! The same series as a store's, in the vectors of the `prometheus` crate.

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};
use std::ops::Bound;
use taskrun_exporter::app::natives;
use taskrun_exporter::metrics::catalog::{Family, Type};
use taskrun_exporter::metrics::{Exemplar, Sink, cell_families};
use taskrun_exporter::model::{CellKey, Histogram, TaskKey, Timestamp};
use taskrun_exporter::state::Store;

/// A registry with every series that `store` is drawn as.
pub(crate) fn registry(store: &Store) -> Registry {
    let registry = Registry::new();
    for (family, view) in cell_families(&natives()) {
        let mut vector = Vector { family, subject: Vec::new(), held: None };
        for (key, cell) in store.cells() {
            view.draw(key, cell, &(Bound::Unbounded, Bound::Unbounded), &mut vector);
        }
        match vector.held {
            Some(Held::Gauges(gauges)) => registry.register(Box::new(gauges)).unwrap(),
            Some(Held::Histograms(histograms)) => registry.register(Box::new(histograms)).unwrap(),
            // A family without a sample fails the crate's encoder.
            None => {}
        }
    }
    registry
}

/// What such an exporter does at every scrape.
pub(crate) fn encode(registry: &Registry) -> String {
    let mut page = String::new();
    TextEncoder::new().encode_utf8(&registry.gather(), &mut page).unwrap();
    page
}

/// How many series a page has.
pub(crate) fn series(page: &str) -> usize {
    page.lines().filter(|line| !line.starts_with('#')).count()
}

struct Vector {
    family: Family,
    subject: Vec<String>,
    held: Option<Held>,
}

enum Held {
    /// Counters too: to gather and to encode one costs the same.
    Gauges(GaugeVec),
    Histograms(HistogramVec),
}

impl Vector {
    fn names(&self) -> Vec<&'static str> {
        self.family.subject.labels().iter().chain(self.family.labels).copied().collect()
    }

    fn values<'a>(&'a self, labels: &'a [(&str, &'a str)]) -> Vec<&'a str> {
        let own = self
            .family
            .labels
            .iter()
            .map(|name| labels.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value));
        self.subject.iter().map(String::as_str).chain(own).collect()
    }

    fn set(&mut self, labels: &[(&str, &str)], value: f64) {
        let (family, names) = (self.family, self.names());
        let held = self.held.get_or_insert_with(|| {
            Held::Gauges(GaugeVec::new(Opts::new(family.name, family.help), &names).unwrap())
        });
        let Held::Gauges(gauges) = held else { panic!("{} has both", family.name) };
        let gauges = gauges.clone();
        gauges.with_label_values(&self.values(labels)).set(value);
    }
}

impl Sink for Vector {
    fn task(&mut self, cell: &CellKey, task: &TaskKey, since: Timestamp) {
        self.cell(cell, since);
        self.subject.extend([&task.workflow, &task.task, &task.task_id].map(ToString::to_string));
    }

    fn cell(&mut self, cell: &CellKey, since: Timestamp) {
        self.exporter(since);
        self.subject.push(cell.kind.to_owned());
        self.subject.extend([&cell.source, &cell.region, &cell.project].map(ToString::to_string));
    }

    fn exporter(&mut self, _: Timestamp) {
        self.subject.clear();
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.set(labels, value);
    }

    fn count_with(&mut self, labels: &[(&str, &str)], value: u64, _: Option<Exemplar<'_>>) {
        self.set(labels, value as f64);
    }

    fn histogram_with(&mut self, labels: &[(&str, &str)], histogram: &Histogram, _: Option<Exemplar<'_>>) {
        assert_eq!(self.family.kind, Type::Histogram);
        let (family, names) = (self.family, self.names());
        let held = self.held.get_or_insert_with(|| {
            let options = HistogramOpts::new(family.name, family.help).buckets(histogram.bounds.to_vec());
            Held::Histograms(HistogramVec::new(options, &names).unwrap())
        });
        let Held::Histograms(histograms) = held else { panic!("{} has both", family.name) };
        let child = histograms.clone().with_label_values(&self.values(labels));
        let beyond = histogram.bounds.last().map_or(1.0, |last| last * 2.0);
        for (bound, count) in histogram.bounds.iter().chain([&beyond]).zip(histogram.counts()) {
            for _ in 0..count {
                child.observe(*bound);
            }
        }
    }
}
