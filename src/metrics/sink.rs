//! Where samples go, whatever they are written as.

use crate::model::{CellKey, Histogram, OrderKey, TaskKey, Timestamp};

/// Where the samples of one family go.
pub trait Sink {
    /// From here on samples are about this task, which is counted since `since`.
    fn task(&mut self, cell: &CellKey, task: &TaskKey, since: Timestamp);
    /// From here on samples are about the cell as a whole, which is counted since `since`.
    fn cell(&mut self, cell: &CellKey, since: Timestamp);
    /// From here on samples are about the exporter, which counts since `since`.
    fn exporter(&mut self, since: Timestamp);
    /// One sample.
    fn sample(&mut self, labels: &[(&str, &str)], value: f64);
    /// One sample that is a whole number, with one of what it counts.
    fn count_with(&mut self, labels: &[(&str, &str)], value: u64, example: Option<Exemplar<'_>>);
    /// One histogram, with one of its observations.
    fn histogram_with(
        &mut self,
        labels: &[(&str, &str)],
        histogram: &Histogram,
        example: Option<Exemplar<'_>>,
    );
    /// One sample that is a whole number.
    fn count(&mut self, labels: &[(&str, &str)], value: u64) {
        self.count_with(labels, value, None);
    }
    /// One histogram.
    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        self.histogram_with(labels, histogram, None);
    }
}

/// The most characters that the labels of an exemplar may have, names and values together.
///
/// **Source**: OpenMetrics 1.0; servers refuse a page with a longer one.
const EXEMPLAR_CHARS: usize = 128;

/// One run of those that a sample stands for.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar<'a> {
    /// Which run.
    pub run: &'a OrderKey,
    /// What it added, in base units.
    pub value: f64,
    /// When it ended.
    pub at: Timestamp,
}

impl Exemplar<'_> {
    /// The label that names the run.
    pub const LABEL: &'static str = "run_id";

    /// Its value; `None` where it is too long to be one.
    pub fn run_id(&self) -> Option<String> {
        let run = self.run.run.to_string();
        let fits = Self::LABEL.len() + run.chars().count() <= EXEMPLAR_CHARS;
        fits.then_some(run)
    }
}
