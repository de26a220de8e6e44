use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::iter;

/// The finest steps.
const FINEST: u8 = 3;

/// A whole number of any length: its digits of 32 bits, the lowest first.
fn product(factors: impl Iterator<Item = u64>) -> Vec<u32> {
    factors.fold(vec![1], |digits, factor| {
        let mut carry = 0_u128;
        let mut next: Vec<u32> = Vec::new();
        let mut push = |sum: u128| {
            next.push(u32::try_from(sum & 0xffff_ffff).unwrap());
            sum >> 32
        };
        for digit in digits {
            carry = push(u128::from(digit) * u128::from(factor) + carry);
        }
        while carry > 0 {
            carry = push(carry);
        }
        next
    })
}

fn is_at_most(a: &[u32], b: &[u32]) -> bool {
    let trimmed = |digits: &[u32]| -> Vec<u32> {
        let length = digits.iter().rposition(|digit| *digit > 0).map_or(0, |last| last + 1);
        digits[..length].iter().rev().copied().collect()
    };
    let (a, b) = (trimmed(a), trimmed(b));
    (a.len(), a) <= (b.len(), b)
}

/// Whether `small / unit <= 2^(at / 2^schema)`, in whole numbers alone.
fn is_within(small: u64, unit: u64, at: i32, schema: u8) -> bool {
    let power = 1_usize << schema;
    let twos = usize::try_from(at.unsigned_abs()).unwrap();
    let (mut left, mut right) = (vec![small; power], vec![unit; power]);
    let side = if at < 0 { &mut left } else { &mut right };
    side.extend(iter::repeat_n(2, twos));
    is_at_most(&product(left.into_iter()), &product(right.into_iter()))
}

/// The bucket of a value by definition, and the slow way: one bound after the other.
fn bucket(small: u64, unit: u64, schema: u8) -> i32 {
    let (mut below, mut within): (i32, i32) = (-64 << schema, 65 << schema);
    while within - below > 1 {
        let middle = below.midpoint(within);
        if is_within(small, unit, middle, schema) { within = middle } else { below = middle }
    }
    within
}

fn small_units() -> impl Strategy<Value = u64> {
    // Evenly over the powers of two, their edges, and what runs really take.
    prop_oneof![
        (0..64_u32, any::<u64>()).prop_map(|(shift, value)| value >> shift),
        (0..64_u32, 0..3_u64).prop_map(|(shift, off)| (1_u64 << shift).saturating_add(off).saturating_sub(1)),
        (0..24_u32, 0..3_u64).prop_map(|(shift, off)| (15_625_u64 << shift) + off - 1),
        0..100_000_000_u64,
    ]
}

fn observed(values: &[u64], scale: f64) -> Histogram {
    let bounds: Arc<[f64]> = [0.5, 60.0, 3600.0].into();
    let mut histogram = Histogram::new(&bounds, scale).with_native();
    values.iter().for_each(|value| histogram.observe(*value));
    histogram
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_is_in_the_bucket_that_the_definition_names(small in small_units(), seconds: bool) {
        let unit = if seconds { 1_000_000 } else { 1 };
        let native = observed(&[small], if seconds { 1e6 } else { 1.0 }).native().unwrap();
        prop_assert_eq!(native.count(), 1);
        if small == 0 {
            prop_assert_eq!((native.zero(), native.buckets()), (1, &[][..]));
        // What a f64 rounds may be in the bucket of the rounded value.
        } else if small < 1 << 53 {
            prop_assert_eq!(native.buckets(), &[(bucket(small, unit, FINEST), 1)]);
        }
    }

    #[test]
    fn both_kinds_of_buckets_hold_all_observations(values in prop::collection::vec(small_units(), 1..400)) {
        let histogram = observed(&values, 1e6);
        let native = histogram.native().unwrap();
        prop_assert_eq!(histogram.count(), values.len() as u64);
        prop_assert_eq!(native.count(), values.len() as u64);
        prop_assert!(native.buckets().len() <= 100);
    }

}

proptest! {
    // Fewer cases: the slow way is slow.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// The steps depend on what was observed alone, and lowering them is as if they had never been finer.
    #[test]
    fn wider_steps_are_as_if_they_had_been_so_from_the_beginning(
        values in prop::collection::vec((1..(1_u64 << 53)).prop_flat_map(|most| 1..=most), 1..20),
        spread in prop::collection::vec((0..53_u32, 1_u64 << 30..1 << 31), 0..220),
    ) {
        let values: Vec<u64> = spread.iter().map(|(shift, value)| (value << 22 >> shift).max(1)).chain(values).collect();
        let at = |schema: u8| {
            let mut buckets: BTreeMap<i32, u64> = BTreeMap::new();
            values.iter().for_each(|value| *buckets.entry(bucket(*value, 1_000_000, schema)).or_default() += 1);
            buckets
        };
        let expected = (0..=FINEST).rev().map(|schema| (schema, at(schema))).find(|(_, buckets)| buckets.len() <= 100);
        let (schema, buckets) = expected.unwrap();
        let native = observed(&values, 1e6).native().unwrap();
        prop_assert_eq!(native.schema(), schema);
        prop_assert_eq!(native.buckets().iter().copied().collect::<BTreeMap<_, _>>(), buckets);
        let backwards: Vec<u64> = values.iter().rev().copied().collect();
        prop_assert_eq!(observed(&backwards, 1e6), observed(&values, 1e6));
    }

    #[test]
    fn counts_return_as_they_were_packed(
        classic in prop::collection::vec(any::<u64>(), 3..6),
        zero: u64, schema in 0..=FINEST,
        buckets in prop::collection::btree_map(-16_384..=16_384, 1..=u64::MAX, 0..9),
    ) {
        let native = NativeBuckets::of_counts(schema, zero, buckets.into_iter().collect()).unwrap();
        for native in [Some(native), None] {
            prop_assert_eq!(Counts::pack(&classic, native.as_ref()).unpack(), (classic.clone(), native));
        }
    }
}

#[test]
fn what_was_counted_without_native_buckets_is_placed_by_the_classic_ones() {
    let bounds: Arc<[f64]> = [1.0, 3.0, 60.0].into();
    let counts = [4, 2, 0, 1];
    let mut histogram = Histogram::of_counts(&bounds, &counts, None, 70_000_000, 1e6).unwrap();
    assert_eq!(histogram.native(), None);
    histogram.begin_native();
    assert_eq!((histogram.counts().collect::<Vec<_>>(), histogram.sum), (counts.to_vec(), 70_000_000));
    let native = histogram.native().unwrap();
    let middle = |small| bucket(small, 1_000_000, FINEST);
    // 0.5, 2, and just above 60.
    assert_eq!(native.buckets(), [(middle(500_000), 4), (middle(2_000_000), 2), (middle(60_000_001), 1)]);
    let again = histogram.clone().with_native();
    assert_eq!(again, histogram, "it is placed once");
    histogram.observe(2_000_000);
    assert_eq!(histogram.native().unwrap().buckets()[1].1, 3);

    let unbounded = Histogram::of_counts(&[].into(), &[4], None, 8_000_000, 1e6).unwrap().with_native();
    assert_eq!(unbounded.native().unwrap().buckets(), [(middle(2_000_000), 4)]);
}

#[test]
fn what_cannot_be_native_buckets_is_refused() {
    assert!(NativeBuckets::of_counts(3, 0, vec![(1, 1), (2, 1)]).is_some());
    for (schema, buckets) in [
        (4, vec![]),
        (3, vec![(1, 0)]),
        (3, vec![(2, 1), (1, 1)]),
        (3, vec![(1, 1), (1, 1)]),
        (3, vec![(1 << 15, 1)]),
    ] {
        assert_eq!(NativeBuckets::of_counts(schema, 0, buckets.clone()), None, "{schema} {buckets:?}");
    }
    for bounds in [vec![f64::NAN], vec![f64::INFINITY], vec![-1.0], vec![-1e308, 1e308], vec![1e-300]] {
        let counts: Vec<u64> = (1..=bounds.len() as u64 + 1).collect();
        let odd = Histogram::of_counts(&bounds.into(), &counts, None, 1, 1.0).unwrap().with_native();
        assert_eq!(odd.native().unwrap().count(), odd.count(), "no bounds are a danger");
    }
}

#[test]
fn a_histogram_of_few_runs_is_small() {
    let bounds: Arc<[f64]> = [1.0; 13].into();
    let mut histogram = Histogram::of_seconds(&bounds).with_native();
    (30..40).for_each(|second| histogram.observe_duration(Duration::from_secs(second)));
    assert!(histogram.counts.size() <= 14 + 2 + 6 * 3, "{} bytes", histogram.counts.size());
}
