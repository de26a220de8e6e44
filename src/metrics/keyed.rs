//! Counters and gauges of the own registry whose series are told apart by all their label values.
//!
//! The `prometheus` crate's own `*Vec` types tell children apart by a hash of the label values put end to end, so that
//! `("ab", "c")` and `("a", "bc")` become one series. Account names and regions are free text, so these keep the whole
//! key.

use super::catalog::{Family, Type};
use prometheus::core::{Collector, Desc};
use prometheus::proto;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// One family; cheap to clone, all clones count together.
#[derive(Clone)]
pub(super) struct Keyed<const N: usize> {
    family: Family,
    desc: Desc,
    values: Arc<Mutex<BTreeMap<[String; N], f64>>>,
}

impl<const N: usize> Keyed<N> {
    pub(super) fn new(family: Family) -> prometheus::Result<Self> {
        let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
        let desc = Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())?;
        Ok(Self { family, desc, values: Arc::default() })
    }

    fn change(&self, key: [&str; N], change: impl FnOnce(&mut f64)) {
        // A panic while the lock is held can only have come from an allocation; the map itself is sound.
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        change(values.entry(key.map(str::to_owned)).or_default());
    }

    pub(super) fn add(&self, key: [&str; N], by: f64) {
        self.change(key, |value| *value += by);
    }

    pub(super) fn set(&self, key: [&str; N], to: f64) {
        self.change(key, |value| *value = to);
    }

    /// Sets several at once, so that no scrape sees some of them only; `None` removes.
    pub(super) fn replace<const M: usize>(&self, rows: [([&str; N], Option<f64>); M]) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in rows {
            let key = key.map(str::to_owned);
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
    }

    /// The label values of the series that have this value.
    pub(super) fn keys_of(&self, value: f64) -> Vec<[String; N]> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = values.iter().filter(|(_, at)| at.total_cmp(&value).is_eq());
        alike.map(|(key, _)| key.clone()).collect()
    }

    /// Every series: its label values and its value.
    pub(super) fn rows(&self) -> Vec<([String; N], f64)> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().map(|(key, value)| (key.clone(), *value)).collect()
    }

    pub(super) fn remove(&self, key: [&str; N]) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).remove(&key.map(str::to_owned));
    }
}

impl<const N: usize> Collector for Keyed<N> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.is_empty() {
            // The crate's encoder fails the whole page on a family without a sample.
            return Vec::new();
        }
        let metrics: Vec<proto::Metric> = values
            .iter()
            .map(|(key, value)| {
                let mut metric = proto::Metric::default();
                let pairs: Vec<proto::LabelPair> = self
                    .family
                    .labels
                    .iter()
                    .zip(key)
                    .map(|(name, value)| {
                        let mut pair = proto::LabelPair::default();
                        pair.set_name((*name).to_owned());
                        pair.set_value(value.clone());
                        pair
                    })
                    .collect();
                metric.set_label(pairs);
                if self.family.kind == Type::Counter {
                    let mut counter = proto::Counter::default();
                    counter.set_value(*value);
                    metric.set_counter(counter);
                } else {
                    let mut gauge = proto::Gauge::default();
                    gauge.set_value(*value);
                    metric.set_gauge(gauge);
                }
                metric
            })
            .collect();
        let mut family = proto::MetricFamily::default();
        family.set_name(self.family.name.to_owned());
        family.set_help(self.family.help.to_owned());
        family.set_field_type(if self.family.kind == Type::Counter {
            proto::MetricType::COUNTER
        } else {
            proto::MetricType::GAUGE
        });
        family.set_metric(metrics);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    #[test]
    fn values_that_read_alike_end_to_end_stay_apart() {
        let wait = Keyed::<3>::new(catalog::API_WAIT).unwrap();
        wait.add(["ab", "c", "x"], 1.0);
        wait.add(["a", "bc", "x"], 1.0);
        assert_eq!(wait.collect()[0].get_metric().len(), 2);
    }
}
