//! Prometheus' delimited protobuf: one `MetricFamily` message after its length, for each family.
//!
//! Servers ask for it when they keep native histograms or the times at which counters began.
//!
//! **Source**: `io/prometheus/client/metrics.proto` of prometheus/client_model. Fields of a message may come in any
//! order, and a repeated one piece by piece, so a family's metrics need not be known when its name is written; only their
//! length.

mod wire;

use crate::metrics::catalog::{Family, Type};
use crate::metrics::{Exemplar, Sink};
use crate::model::{CellKey, Histogram, NativeBuckets, TaskKey, Timestamp, ZERO_THRESHOLD};
use wire::Message;

/// `MetricFamily`.
mod family {
    pub(super) const NAME: u32 = 1;
    pub(super) const HELP: u32 = 2;
    pub(super) const TYPE: u32 = 3;
    pub(super) const METRIC: u32 = 4;
    pub(super) const UNIT: u32 = 5;
}

/// `Metric`.
mod metric {
    pub(super) const LABEL: u32 = 1;
    pub(super) const GAUGE: u32 = 2;
    pub(super) const COUNTER: u32 = 3;
    pub(super) const HISTOGRAM: u32 = 7;
}

/// `Gauge` and `Counter`.
mod value {
    pub(super) const VALUE: u32 = 1;
    pub(super) const EXEMPLAR: u32 = 2;
    pub(super) const CREATED: u32 = 3;
}

/// `Histogram`.
mod histogram {
    pub(super) const COUNT: u32 = 1;
    pub(super) const SUM: u32 = 2;
    pub(super) const BUCKET: u32 = 3;
    pub(super) const SCHEMA: u32 = 5;
    pub(super) const ZERO_THRESHOLD: u32 = 6;
    pub(super) const ZERO_COUNT: u32 = 7;
    pub(super) const POSITIVE_SPAN: u32 = 12;
    pub(super) const POSITIVE_DELTA: u32 = 13;
    pub(super) const CREATED: u32 = 15;
}

/// `BucketSpan`.
mod span {
    pub(super) const OFFSET: u32 = 1;
    pub(super) const LENGTH: u32 = 2;
}

/// `Bucket`.
mod bucket {
    pub(super) const CUMULATIVE_COUNT: u32 = 1;
    pub(super) const UPPER_BOUND: u32 = 2;
    pub(super) const EXEMPLAR: u32 = 3;
}

/// `Exemplar`.
mod exemplar {
    pub(super) const LABEL: u32 = 1;
    pub(super) const VALUE: u32 = 2;
    pub(super) const TIMESTAMP: u32 = 3;
}

/// The length of a family's message and everything in it but the metrics, which take `samples` bytes.
pub(super) fn header(family: &Family, samples: usize) -> Vec<u8> {
    let mut message = Message::default();
    message.text(family::NAME, family.name);
    message.text(family::HELP, family.help);
    message.number(
        family::TYPE,
        match family.kind {
            Type::Counter => 0,
            Type::Gauge => 1,
            Type::Histogram => 4,
        },
    );
    if !family.unit.is_empty() {
        message.text(family::UNIT, family.unit);
    }
    let mut delimited = Message::default();
    delimited.varint((message.len() + samples) as u64);
    delimited.extend(&message);
    delimited.into_bytes()
}

/// Writes the metrics of one family.
pub(super) struct Protobuf<'a> {
    family: &'a Family,
    out: Message,
    /// The labels of the subject that metrics are about now.
    subject: Message,
    since: Timestamp,
}

impl<'a> Protobuf<'a> {
    /// A writer of `family`.
    pub(super) fn new(family: &'a Family) -> Self {
        let since = Timestamp::from_secs(0);
        Self { family, out: Message::default(), subject: Message::default(), since }
    }

    /// What was written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    fn metric(&mut self, labels: &[(&str, &str)], field: u32, value: &Message) {
        let mut metric = Message::default();
        metric.extend(&self.subject);
        for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            pair(&mut metric, metric::LABEL, name, value);
        }
        metric.message(field, value);
        self.out.message(family::METRIC, &metric);
    }

    fn value(&mut self, labels: &[(&str, &str)], value: f64, example: Option<Exemplar<'_>>) {
        let mut message = Message::default();
        message.double(value::VALUE, value);
        if self.family.kind == Type::Counter {
            if let Some(example) = example.and_then(written) {
                message.message(value::EXEMPLAR, &example);
            }
            message.message(value::CREATED, &time(self.since));
            self.metric(labels, metric::COUNTER, &message);
        } else {
            self.metric(labels, metric::GAUGE, &message);
        }
    }
}

impl Sink for Protobuf<'_> {
    fn task(&mut self, cell: &CellKey, task: &TaskKey, since: Timestamp) {
        self.cell(cell, since);
        for (name, value) in [("workflow", &task.workflow), ("task", &task.task), ("task_id", &task.task_id)]
        {
            if !value.is_empty() {
                pair(&mut self.subject, metric::LABEL, name, value);
            }
        }
    }

    fn cell(&mut self, cell: &CellKey, since: Timestamp) {
        self.exporter(since);
        let labels: [(&str, &str); 4] = [
            ("kind", cell.kind),
            ("source", &cell.source),
            ("region", &cell.region),
            ("project", &cell.project),
        ];
        for (name, value) in labels {
            if !value.is_empty() {
                pair(&mut self.subject, metric::LABEL, name, value);
            }
        }
    }

    fn exporter(&mut self, since: Timestamp) {
        self.subject = Message::default();
        self.since = since;
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.value(labels, value, None);
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    fn count_with(&mut self, labels: &[(&str, &str)], value: u64, example: Option<Exemplar<'_>>) {
        self.value(labels, value as f64, example);
    }

    fn histogram_with(
        &mut self,
        labels: &[(&str, &str)],
        histogram: &Histogram,
        example: Option<Exemplar<'_>>,
    ) {
        let mut message = Message::default();
        message.number(histogram::COUNT, histogram.count());
        message.double(histogram::SUM, histogram.sum_base());
        let mut example = example;
        let mut below = 0;
        for (bound, count) in histogram.bounds.iter().chain([&f64::INFINITY]).zip(histogram.counts()) {
            below += count;
            let mut bucket = Message::default();
            bucket.number(bucket::CUMULATIVE_COUNT, below);
            bucket.double(bucket::UPPER_BOUND, *bound);
            if example.is_some_and(|example| example.value <= *bound) {
                // A bucket that counted nothing of its own has no example either.
                if let Some(example) = example.take().filter(|_| count > 0).and_then(written) {
                    bucket.message(bucket::EXEMPLAR, &example);
                }
            }
            message.message(histogram::BUCKET, &bucket);
        }
        if let Some(native) = histogram.native() {
            native_buckets(&mut message, &native);
        }
        message.message(histogram::CREATED, &time(self.since));
        self.metric(labels, metric::HISTOGRAM, &message);
    }
}

/// The native buckets of a histogram: stretches of them, and how much more each holds than the one before. The examples are
/// those of the classic buckets: servers take them from there.
fn native_buckets(message: &mut Message, native: &NativeBuckets) {
    message.signed_number(histogram::SCHEMA, i64::from(native.schema()));
    message.double(histogram::ZERO_THRESHOLD, ZERO_THRESHOLD);
    message.number(histogram::ZERO_COUNT, native.zero());
    // Where each stretch is from the end of the one before, and how long it is.
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let (mut deltas, mut next, mut before) = (Vec::new(), 0, 0);
    for (at, count) in native.buckets() {
        let empty = at - next;
        match spans.last_mut() {
            // One or two empty buckets are shorter than a new stretch.
            Some((_, length)) if empty <= 2 => {
                for _ in 0..empty {
                    deltas.push(-std::mem::take(&mut before));
                    *length += 1;
                }
                *length += 1;
            }
            _ => spans.push((empty, 1)),
        }
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        (before, next) = (count, at + 1);
    }
    for (offset, length) in spans {
        let mut span = Message::default();
        span.signed_number(span::OFFSET, i64::from(offset));
        span.number(span::LENGTH, u64::from(length));
        message.message(histogram::POSITIVE_SPAN, &span);
    }
    if !deltas.is_empty() {
        message.signed_numbers(histogram::POSITIVE_DELTA, &deltas);
    }
}

/// `LabelPair`.
fn pair(message: &mut Message, field: u32, name: &str, value: &str) {
    let mut pair = Message::default();
    pair.text(1, name);
    pair.text(2, value);
    message.message(field, &pair);
}

/// `google.protobuf.Timestamp`.
fn time(at: Timestamp) -> Message {
    let mut message = Message::default();
    let (secs, millis) = (at.millis().div_euclid(1000), at.millis().rem_euclid(1000));
    message.number(1, secs.cast_unsigned());
    message.number(2, millis.cast_unsigned() * 1_000_000);
    message
}

/// An exemplar, where it fits.
fn written(example: Exemplar<'_>) -> Option<Message> {
    let run = example.run_id()?;
    let mut message = Message::default();
    pair(&mut message, exemplar::LABEL, Exemplar::LABEL, &run);
    message.double(exemplar::VALUE, example.value);
    message.message(exemplar::TIMESTAMP, &time(example.at));
    Some(message)
}

#[cfg(test)]
mod tests;
