//! The text formats: Prometheus' own, 0.0.4, and OpenMetrics 1.0.
//!
//! **Source**: prometheus.io/docs/instrumenting/exposition_formats and the OpenMetrics 1.0 specification.

use super::format::Format;
use crate::metrics::catalog::{Family, Type};
use crate::metrics::{Exemplar, Sink};
use crate::model::{CellKey, Histogram, TaskKey, Timestamp};

/// The name of a family as its metadata gives it: OpenMetrics leaves out what its counters' samples end in.
fn metadata_name(family: &Family, format: Format) -> &'static str {
    match (format, family.kind) {
        (Format::OpenMetrics, Type::Counter) => family.name.strip_suffix("_total").unwrap_or(family.name),
        _ => family.name,
    }
}

/// The metadata lines of a family.
pub(super) fn header(family: &Family, format: Format) -> Vec<u8> {
    let name = metadata_name(family, format);
    let mut out = Vec::with_capacity(name.len() * 3 + family.help.len() + 40);
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    // OpenMetrics has quotes escaped here too.
    escape(&mut out, family.help, format == Format::OpenMetrics);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(family.kind.name().as_bytes());
    out.push(b'\n');
    // A unit that the name does not end in would be an error.
    let ends_in_unit = name.strip_suffix(family.unit).is_some_and(|rest| rest.ends_with('_'));
    if format == Format::OpenMetrics && !family.unit.is_empty() && ends_in_unit {
        out.extend_from_slice(format!("# UNIT {name} {}\n", family.unit).as_bytes());
    }
    out
}

/// Writes the samples of one family.
pub struct Text<'a> {
    family: &'a Family,
    format: Format,
    out: Vec<u8>,
    /// The escaped labels of the subject that samples are about now, without braces.
    subject: Vec<u8>,
    /// The cell whose labels begin the subject, and where they end: thousands of tasks in a row are of one cell.
    cell: Option<(CellKey, usize)>,
    /// Since when it is counted.
    since: Timestamp,
    series: usize,
}

impl<'a> Text<'a> {
    /// A writer of `family`.
    pub fn new(family: &'a Family, format: Format) -> Self {
        let since = Timestamp::from_secs(0);
        Self { family, format, out: Vec::new(), subject: Vec::new(), cell: None, since, series: 0 }
    }

    /// What was written, and how many series that are.
    pub fn finish(self) -> (Vec<u8>, usize) {
        (self.out, self.series)
    }

    fn start(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<f64>) {
        self.out.extend_from_slice(self.family.name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        self.labels(labels, bound);
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<f64>) {
        let before = self.out.len();
        self.out.push(b'{');
        self.out.extend_from_slice(&self.subject);
        for (name, value) in labels {
            // An empty label value is the same as no label, and is left out.
            if !value.is_empty() {
                label(&mut self.out, name, value);
            }
        }
        if let Some(bound) = bound {
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            self.out.extend_from_slice(b"le=\"");
            if self.format == Format::OpenMetrics {
                canonical(&mut self.out, bound);
            } else {
                float(&mut self.out, bound);
            }
            self.out.push(b'"');
        }
        if self.out.len() == before + 1 {
            self.out.truncate(before);
            self.out.push(b' ');
        } else {
            self.out.extend_from_slice(b"} ");
        }
        self.series += 1;
    }

    fn whole(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn end(&mut self) {
        self.out.push(b'\n');
    }

    /// Tells since when the series with these labels counts, where the format has a line for it. It is no series of the
    /// exporter's own making, and is not counted as one.
    fn created(&mut self, labels: &[(&str, &str)]) {
        if self.format != Format::OpenMetrics || self.family.kind == Type::Gauge {
            return;
        }
        self.out.extend_from_slice(metadata_name(self.family, self.format).as_bytes());
        self.out.extend_from_slice(b"_created");
        self.labels(labels, None);
        self.series -= 1;
        float(&mut self.out, self.since.as_seconds());
        self.end();
    }

    /// Appends an exemplar to the line, where the format has them and it fits.
    fn exemplar(&mut self, example: Option<Exemplar<'_>>) {
        let Some(example) = example.filter(|_| self.format == Format::OpenMetrics) else { return };
        let Some(run) = example.run_id() else { return };
        self.out.extend_from_slice(b" # {");
        label(&mut self.out, Exemplar::LABEL, &run);
        self.out.extend_from_slice(b"} ");
        float(&mut self.out, example.value);
        self.out.push(b' ');
        float(&mut self.out, example.at.as_seconds());
    }
}

impl Sink for Text<'_> {
    fn task(&mut self, cell: &CellKey, task: &TaskKey, since: Timestamp) {
        self.cell(cell, since);
        for (name, value) in [("workflow", &task.workflow), ("task", &task.task), ("task_id", &task.task_id)]
        {
            if !value.is_empty() {
                label(&mut self.subject, name, value);
            }
        }
    }

    fn cell(&mut self, cell: &CellKey, since: Timestamp) {
        self.since = since;
        if let Some((known, end)) = &self.cell
            && known == cell
        {
            self.subject.truncate(*end);
            return;
        }
        self.subject.clear();
        let labels: [(&str, &str); 4] = [
            ("kind", cell.kind),
            ("source", &cell.source),
            ("region", &cell.region),
            ("project", &cell.project),
        ];
        for (name, value) in labels {
            if !value.is_empty() {
                label(&mut self.subject, name, value);
            }
        }
        self.cell = Some((cell.clone(), self.subject.len()));
    }

    fn exporter(&mut self, since: Timestamp) {
        self.subject.clear();
        self.cell = None;
        self.since = since;
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.start("", labels, None);
        float(&mut self.out, value);
        self.end();
        self.created(labels);
    }

    fn count_with(&mut self, labels: &[(&str, &str)], value: u64, example: Option<Exemplar<'_>>) {
        self.start("", labels, None);
        self.whole(value);
        // Only counters may have them; a count of things that are there now is a gauge.
        self.exemplar(example.filter(|_| self.family.kind == Type::Counter));
        self.end();
        self.created(labels);
    }

    fn histogram_with(
        &mut self,
        labels: &[(&str, &str)],
        histogram: &Histogram,
        example: Option<Exemplar<'_>>,
    ) {
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let mut below = 0;
        let mut example = example;
        for (bound, count) in bounds.zip(histogram.counts()) {
            below += count;
            self.start("_bucket", labels, Some(bound));
            self.whole(below);
            if example.is_some_and(|example| example.value <= bound) {
                // A bucket that counted nothing of its own has no example either.
                let fits = example.take().filter(|_| count > 0);
                self.exemplar(fits);
            }
            self.end();
        }
        self.start("_sum", labels, None);
        float(&mut self.out, histogram.sum_base());
        self.end();
        self.start("_count", labels, None);
        self.whole(below);
        self.end();
        self.created(labels);
    }
}

/// Appends `name="value"`, with a comma before it where another label stands there.
fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    if out.last().is_some_and(|last| *last != b'{') {
        out.push(b',');
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    escape(out, value, true);
    out.push(b'"');
}

/// Escapes backslash and newline, and the quote in label values.
fn escape(out: &mut Vec<u8>, text: &str, quote: bool) {
    // Nearly every text has nothing to escape, and a page has millions of them.
    let special = |found, byte| found | matches!(byte, b'\\' | b'\n' | b'"');
    if !text.bytes().fold(false, special) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quote => out.extend_from_slice(b"\\\""),
            other => out.push(other),
        }
    }
}

/// Appends a sample value: whole numbers without a fraction, the rest in the shortest form that reads back the same.
fn float(out: &mut Vec<u8>, value: f64) {
    /// Whole numbers up to here are exact, and shorter without an exponent.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range just tested")]
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Appends a bucket's bound as OpenMetrics wants it: a float even where it is whole.
fn canonical(out: &mut Vec<u8>, bound: f64) {
    let from = out.len();
    float(out, bound);
    if out[from..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        out.extend_from_slice(b".0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalog;
    use crate::model::Label;

    const SINCE: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn cell() -> CellKey {
        CellKey {
            kind: "scf",
            source: Label::new("s"),
            region: Label::empty(),
            project: Label::new("p\"\\\n"),
        }
    }

    #[test]
    fn labels_are_escaped_and_empty_ones_left_out() {
        let mut text = Text::new(&catalog::RUNS, Format::Text);
        text.task(&cell(), &TaskKey { task: Label::new("t"), ..TaskKey::default() }, SINCE);
        text.count(&[("outcome", "success"), ("empty", "")], 3);
        let (out, lines) = text.finish();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "taskrun_runs_total{kind=\"scf\",source=\"s\",project=\"p\\\"\\\\\\n\",task=\"t\",outcome=\"success\"} 3\n"
        );
        assert_eq!(lines, 1);
    }

    #[test]
    fn buckets_are_cumulated_and_end_with_the_count() {
        let mut histogram = Histogram::of_seconds(&[0.5, 1.0].into());
        for millis in [100, 500, 900, 5000] {
            histogram.observe_duration(std::time::Duration::from_millis(millis));
        }
        let mut text = Text::new(&catalog::SOURCE_POLL_DURATION, Format::Text);
        text.cell(&cell(), SINCE);
        text.histogram(&[], &histogram);
        let (out, lines) = text.finish();
        let values: Vec<String> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| {
                let bound = line.split_once("le=\"").map_or("", |(_, rest)| rest.split_once('"').unwrap().0);
                format!("{bound}:{}", line.rsplit_once(' ').unwrap().1)
            })
            .collect();
        assert_eq!(values, ["0.5:2", "1:3", "+Inf:4", ":6.5", ":4"]);
        assert_eq!(lines, 5);
    }

    #[test]
    fn values_are_written_short_and_read_back_the_same() {
        for (value, text) in [
            (0.0, "0"),
            (-1.0, "-1"),
            (1_743_092_323.0, "1743092323"),
            (0.1, "0.1"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            let mut out = Vec::new();
            float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        for value in [1e300, 1.5e-7, 123_456.789, f64::MAX, 5e-324] {
            let mut out = Vec::new();
            float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap().parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
