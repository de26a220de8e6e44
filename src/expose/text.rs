//! Text exposition, format 0.0.4.

use crate::metrics::Sink;
use crate::metrics::catalog::Family;
use crate::model::{CellKey, Histogram, TaskKey};

/// The `# HELP` and `# TYPE` lines of a family.
pub fn header(family: &Family) -> Vec<u8> {
    let mut out = Vec::with_capacity(family.name.len() * 2 + family.help.len() + 24);
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    escape(&mut out, family.help, false);
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(family.name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(family.kind.name().as_bytes());
    out.push(b'\n');
    out
}

/// Writes the samples of one family.
pub struct Text<'a> {
    name: &'a str,
    out: Vec<u8>,
    /// The escaped labels of the subject that samples are about now, without braces.
    subject: Vec<u8>,
    /// The cell whose labels begin the subject, and where they end: thousands of tasks in a row are of one cell.
    cell: Option<(CellKey, usize)>,
    lines: usize,
}

impl<'a> Text<'a> {
    /// A writer of `family`.
    pub fn new(family: &'a Family) -> Self {
        Self { name: family.name, out: Vec::new(), subject: Vec::new(), cell: None, lines: 0 }
    }

    /// What was written, and in how many lines.
    pub fn finish(self) -> (Vec<u8>, usize) {
        (self.out, self.lines)
    }

    fn start(&mut self, suffix: &str, labels: &[(&'static str, &str)], bound: Option<f64>) {
        self.lines += 1;
        self.out.extend_from_slice(self.name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
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
            float(&mut self.out, bound);
            self.out.push(b'"');
        }
        self.out.extend_from_slice(b"} ");
    }

    fn whole(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.out.push(b'\n');
    }

    fn real(&mut self, value: f64) {
        float(&mut self.out, value);
        self.out.push(b'\n');
    }
}

impl Sink for Text<'_> {
    fn task(&mut self, cell: &CellKey, task: &TaskKey) {
        self.cell(cell);
        for (name, value) in [("workflow", &task.workflow), ("task", &task.task), ("task_id", &task.task_id)]
        {
            if !value.is_empty() {
                label(&mut self.subject, name, value);
            }
        }
    }

    fn cell(&mut self, cell: &CellKey) {
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

    fn sample(&mut self, labels: &[(&'static str, &str)], value: f64) {
        self.start("", labels, None);
        self.real(value);
    }

    fn count(&mut self, labels: &[(&'static str, &str)], value: u64) {
        self.start("", labels, None);
        self.whole(value);
    }

    fn histogram(&mut self, labels: &[(&'static str, &str)], histogram: &Histogram) {
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let mut below = 0;
        for (bound, count) in bounds.zip(&histogram.counts) {
            below += count;
            self.start("_bucket", labels, Some(bound));
            self.whole(below);
        }
        self.start("_sum", labels, None);
        self.real(histogram.sum_base());
        self.start("_count", labels, None);
        self.whole(below);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalog;
    use crate::model::Label;

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
        let mut text = Text::new(&catalog::RUNS);
        text.task(&cell(), &TaskKey { task: Label::new("t"), ..TaskKey::default() });
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
        let mut text = Text::new(&catalog::SOURCE_POLL_DURATION);
        text.cell(&cell());
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
