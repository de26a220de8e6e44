//! Histograms: classic buckets with configured bounds, and beside them native ones, which follow the values.

mod native;
mod packed;

pub use native::{NativeBuckets, ZERO_THRESHOLD};

use packed::Counts;
use std::sync::Arc;
use std::time::Duration;

/// A histogram whose sum is a whole number of small units, so that adding is exact in any order.
///
/// Its counts are packed, most of them into a byte each: there are some of a task, and tens of thousands of tasks.
#[derive(Clone, PartialEq, Debug)]
pub struct Histogram {
    /// Upper bounds in base units, ascending, `+Inf` left out.
    pub bounds: Arc<[f64]>,
    counts: Counts,
    /// The sum, in small units (microseconds, bytes).
    pub sum: u64,
    /// Small units in one base unit: 1e6 for seconds, 1 for bytes.
    pub scale: f64,
}

impl Histogram {
    /// An empty histogram with classic buckets alone.
    pub fn new(bounds: &Arc<[f64]>, scale: f64) -> Self {
        let counts = Counts::pack(&vec![0; bounds.len() + 1], None);
        Self { bounds: Arc::clone(bounds), counts, sum: 0, scale }
    }

    /// An empty histogram of seconds with classic buckets alone.
    pub fn of_seconds(bounds: &Arc<[f64]>) -> Self {
        Self::new(bounds, 1e6)
    }

    /// A histogram of these counts, not cumulated; `None` where they are not one more than `bounds`, or where `scale` is
    /// no number of units.
    pub fn of_counts(
        bounds: &Arc<[f64]>,
        counts: &[u64],
        native: Option<&NativeBuckets>,
        sum: u64,
        scale: f64,
    ) -> Option<Self> {
        let fits = counts.len() == bounds.len() + 1 && scale.is_finite() && scale > 0.0;
        fits.then(|| Self { bounds: Arc::clone(bounds), counts: Counts::pack(counts, native), sum, scale })
    }

    /// This histogram with native buckets too; see [`Histogram::begin_native`].
    #[must_use]
    pub fn with_native(mut self) -> Self {
        self.begin_native();
        self
    }

    /// Counts into native buckets too from now on, if it does not yet.
    ///
    /// What was counted without them is placed by the classic buckets: each one's observations in the middle, where
    /// `histogram_quantile` too has its median, and those of the last bucket, which has no end, right after its
    /// beginning. Only their number is sure.
    pub fn begin_native(&mut self) {
        let (counts, native) = self.counts.unpack();
        if native.is_some() {
            return;
        }
        let mut native = NativeBuckets::default();
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = at.checked_sub(1).map_or(0.0, |before| self.bounds[before]);
            match self.bounds.get(at) {
                Some(to) => native.add(f64::midpoint(from, *to), *count),
                // Without bounds the mean is all that is known.
                None if self.bounds.is_empty() => native.add(self.mean(), *count),
                None => native.add(from.next_up(), *count),
            }
        }
        self.counts = Counts::pack(&counts, Some(&native));
    }

    /// Adds one observation, given in small units.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bucket of a value beyond 2^53 is the last one anyway, and a native one is wider than the error"
    )]
    pub fn observe(&mut self, small_units: u64) {
        let value = small_units as f64 / self.scale;
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts.add(bucket, value);
        self.sum = self.sum.saturating_add(small_units);
    }

    /// Adds one duration to a histogram of seconds.
    pub fn observe_duration(&mut self, took: Duration) {
        self.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Observations per classic bucket, not cumulated; one more than `bounds`.
    pub fn counts(&self) -> impl Iterator<Item = u64> {
        self.counts.classic()
    }

    /// The native buckets, where there are any.
    pub fn native(&self) -> Option<NativeBuckets> {
        self.counts.unpack().1
    }

    /// How many observations there are.
    pub fn count(&self) -> u64 {
        self.counts().fold(0, u64::saturating_add)
    }

    /// The sum in base units.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' own sums are f64")]
    pub fn sum_base(&self) -> f64 {
        self.sum as f64 / self.scale
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean of this many is not better known")]
    fn mean(&self) -> f64 {
        self.sum_base() / self.count().max(1) as f64
    }
}

#[cfg(test)]
mod tests;
