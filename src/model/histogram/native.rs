//! Native buckets: exponential ones, only those that hold something, in steps as fine as their number allows.
//!
//! **Source**: prometheus.io/docs/specs/native_histograms. Of schema `s`, bucket `i` holds the values above
//! `2^((i-1)/2^s)` and up to `2^(i/2^s)`, that one included.

/// What is not above this counts as zero: the default of Prometheus' own libraries, so that histograms of both can be added
/// as they are. A unit is a microsecond or a byte, so nothing but zero itself is that small.
pub const ZERO_THRESHOLD: f64 = f64::from_bits((1023 - 128) << 52);

/// The finest steps: each bucket is at most 9 % wider than the one below it.
const FINEST: u8 = 3;

/// Steps are made wider where there would be more buckets than these. With the widest there are at most 85: from a
/// microsecond to 2^64.
const MOST: usize = 100;

/// The eighth roots of two up to 2, that one left out: where the buckets of the finest steps begin within a power of two.
const ROOTS: [f64; 1 << FINEST] = [
    1.0,
    1.090_507_732_665_257_7,
    1.189_207_115_002_721,
    1.296_839_554_651_009_6,
    std::f64::consts::SQRT_2,
    1.542_210_825_407_940_7,
    1.681_792_830_507_429,
    1.834_008_086_409_342_4,
];

/// Native buckets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NativeBuckets {
    /// Into how many parts each power of two is divided, as a power of two; at most 3.
    schema: u8,
    /// Observations of zero.
    zero: u64,
    /// The number of each bucket that holds something, ascending, and how many it holds.
    buckets: Vec<(i32, u64)>,
}

impl Default for NativeBuckets {
    fn default() -> Self {
        Self { schema: FINEST, zero: 0, buckets: Vec::new() }
    }
}

impl NativeBuckets {
    /// The native buckets of these counts; `None` where they cannot be any.
    pub fn of_counts(schema: u8, zero: u64, buckets: Vec<(i32, u64)>) -> Option<Self> {
        /// No number of an `f64` has a bucket beyond, whatever the schema.
        const LAST: i32 = 1 << 14;
        let filled = buckets.iter().all(|(at, count)| *count > 0 && (-LAST..=LAST).contains(at));
        let sound = schema <= FINEST && filled && buckets.is_sorted_by(|a, b| a.0 < b.0);
        sound.then_some(Self { schema, zero, buckets })
    }

    /// Into how many parts each power of two is divided, as a power of two.
    pub fn schema(&self) -> u8 {
        self.schema
    }

    /// Observations of zero.
    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// The number of each bucket that holds something, ascending, and how many it holds.
    pub fn buckets(&self) -> &[(i32, u64)] {
        &self.buckets
    }

    /// How many observations there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(self.zero, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Adds observations of one value. What is no number counts as zero.
    pub(super) fn add(&mut self, value: f64, count: u64) {
        if value.is_nan() || value <= ZERO_THRESHOLD {
            self.zero = self.zero.saturating_add(count);
            return;
        }
        let at = widened(finest(value), FINEST - self.schema);
        match self.buckets.binary_search_by_key(&at, |(known, _)| *known) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(count),
            Err(place) => {
                self.buckets.insert(place, (at, count));
                while self.buckets.len() > MOST && self.schema > 0 {
                    self.widen();
                }
            }
        }
    }

    /// Joins each two neighbouring buckets.
    fn widen(&mut self) {
        self.schema -= 1;
        for (at, _) in &mut self.buckets {
            *at = widened(*at, 1);
        }
        self.buckets.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 = first.1.saturating_add(later.1);
            }
            same
        });
    }
}

/// The number that bucket `at` has in a schema that is lower by `by`: its upper bound is that of the next wider step.
fn widened(at: i32, by: u8) -> i32 {
    (at + ((1 << by) - 1)) >> by
}

/// The number of the bucket of the finest steps that holds `value`, which is above the threshold.
fn finest(value: f64) -> i32 {
    const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = value.min(f64::MAX).to_bits();
    // Eleven bits: always in range. A value above the threshold is no subnormal.
    let power = i32::try_from(bits >> MANTISSA).unwrap_or(0) - (f64::MAX_EXP - 1);
    let fraction = f64::from_bits(bits & ((1 << MANTISSA) - 1) | 1_f64.to_bits());
    let within = ROOTS.iter().filter(|root| **root < fraction).count();
    (power << FINEST) + i32::try_from(within).unwrap_or(0)
}
