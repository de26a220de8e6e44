//! A batch of 10,000 finished runs, ten of each of 1,000 tasks, into the state: runs never seen, and all of them again.
//!
//! The usual way beside it: the `prometheus` crate's vectors and a set of the ids already counted. It keeps no order of
//! runs, so what it calls the last run is the one that arrived last.

use crate::fleet;
use divan::Bencher;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts};
use std::collections::HashSet;
use taskrun_exporter::model::{Batch, Observation, Outcome, RunState};
use taskrun_exporter::state::Store;

const TASKS: usize = 1_000;
const EACH: usize = 10;

#[divan::bench_group]
mod count_10k_new_runs {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let (plan, batch) = (fleet::plan(0), fleet::batch(0..TASKS, EACH));
        bencher.with_inputs(begun).bench_local_values(|mut store| {
            fleet::take(&mut store, &plan, &batch);
            store
        });
    }

    #[divan::bench]
    fn prometheus_vectors_and_a_set(bencher: Bencher<'_, '_>) {
        let batch = fleet::batch(0..TASKS, EACH);
        bencher.with_inputs(Vectors::new).bench_local_values(|mut vectors| {
            vectors.count(&batch);
            vectors
        });
    }
}

#[divan::bench_group]
mod count_10k_known_runs {
    use super::*;

    #[divan::bench]
    fn exporter(bencher: Bencher<'_, '_>) {
        let (plan, batch) = (fleet::plan(0), fleet::batch(0..TASKS, EACH));
        let mut store = begun();
        fleet::take(&mut store, &plan, &batch);
        bencher.bench_local(|| fleet::take(&mut store, &plan, &batch));
        assert_eq!(store.remembered_runs(), TASKS * EACH);
    }

    #[divan::bench]
    fn prometheus_vectors_and_a_set(bencher: Bencher<'_, '_>) {
        let batch = fleet::batch(0..TASKS, EACH);
        let mut vectors = Vectors::new();
        vectors.count(&batch);
        bencher.bench_local(|| vectors.count(&batch));
        assert_eq!(vectors.seen.len(), TASKS * EACH);
    }
}

/// A store whose first poll has begun.
fn begun() -> Store {
    let mut store = fleet::store();
    store.begin(&fleet::plan(0), fleet::NOW);
    store
}

struct Vectors {
    seen: HashSet<String>,
    runs: CounterVec,
    durations: HistogramVec,
    success: GaugeVec,
    start: GaugeVec,
    end: GaugeVec,
}

impl Vectors {
    const TASK: [&str; 7] = ["kind", "source", "region", "project", "workflow", "task", "task_id"];

    fn new() -> Self {
        let outcome: Vec<&str> = Self::TASK.into_iter().chain(["outcome"]).collect();
        let buckets = fleet::plan(0).buckets.duration.to_vec();
        let gauge = |name: &str| GaugeVec::new(Opts::new(name, "help"), &Self::TASK).unwrap();
        Self {
            seen: HashSet::new(),
            runs: CounterVec::new(Opts::new("runs_total", "help"), &outcome).unwrap(),
            durations: HistogramVec::new(
                HistogramOpts::new("duration_seconds", "help").buckets(buckets),
                &outcome,
            )
            .unwrap(),
            success: gauge("last_success"),
            start: gauge("last_start"),
            end: gauge("last_end"),
        }
    }

    fn count(&mut self, batch: &Batch) {
        for seen in &batch.observations {
            if let RunState::Finished(outcome) = seen.state
                && self.seen.insert(seen.run.to_string())
            {
                self.add(seen, outcome);
            }
        }
    }

    fn add(&self, seen: &Observation, outcome: Outcome) {
        let task = &seen.task;
        let labels: [&str; 8] = [
            "wedata",
            "dataflows",
            "ap-guangzhou",
            "1460947878944500000",
            &task.workflow,
            &task.task,
            &task.task_id,
            outcome.name(),
        ];
        self.runs.with_label_values(&labels).inc();
        let (started, ended) = (seen.started.unwrap_or_default(), seen.ended.unwrap_or_default());
        let took = ended.since(started).unwrap_or_default().as_secs_f64();
        self.durations.with_label_values(&labels).observe(took);
        let labels = &labels[..7];
        self.success.with_label_values(labels).set(f64::from(u8::from(outcome == Outcome::Success)));
        self.start.with_label_values(labels).set(started.as_seconds());
        self.end.with_label_values(labels).set(ended.as_seconds());
    }
}
