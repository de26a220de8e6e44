//! Histograms: their bucket bounds are most of a record, so they are written short.

use super::{Field, Malformed, Names, Reader};
use crate::model::{Histogram, NativeBuckets};
use serde_json::{Value, json};
use std::sync::Arc;

/// Bounds are decimals with few places: in thousandths nearly all are small whole numbers.
const PLACES: f64 = 1000.0;

/// Whole numbers up to this are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A bound, as an odd number where thousandths say it exactly, else as 0 and its 8 bytes.
fn put_bound(bound: f64, out: &mut Vec<u8>) {
    let thousandths = (bound * PLACES).round();
    if (0.0..EXACT).contains(&thousandths) && (thousandths / PLACES).to_bits() == bound.to_bits() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        let whole = thousandths as u64;
        (whole << 1 | 1).put(out);
    } else {
        out.push(0);
        bound.put(out);
    }
}

fn get_bound(from: &mut Reader<'_, '_>) -> Result<f64, Malformed> {
    match u64::get(from)? {
        0 => f64::get(from),
        even if even % 2 == 0 => Err(Malformed::Not("a bound")),
        #[expect(clippy::cast_precision_loss, reason = "written only where it is exact")]
        odd => Ok((odd >> 1) as f64 / PLACES),
    }
}

/// What a histogram with native buckets begins with, in the place of the number of its bounds: more than the configuration
/// allows. One without is kept as all were before there were any.
const WITH_NATIVE: u64 = 127;

impl Field for Histogram {
    fn put(&self, out: &mut Vec<u8>) {
        let native = self.native();
        if native.is_some() {
            WITH_NATIVE.put(out);
        }
        (self.bounds.len() as u64).put(out);
        for bound in &*self.bounds {
            put_bound(*bound, out);
        }
        for count in self.counts() {
            count.put(out);
        }
        self.sum.put(out);
        put_bound(self.scale, out);
        if let Some(native) = native {
            native.put(out);
        }
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let mut length = u64::get(from)?;
        let has_native = length == WITH_NATIVE;
        if has_native {
            length = u64::get(from)?;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bounds = Vec::with_capacity(length.min(from.left()));
        for _ in 0..length {
            bounds.push(get_bound(from)?);
        }
        let counts = (0..=length).map(|_| u64::get(from)).collect::<Result<Vec<u64>, _>>()?;
        let bounds = from.context.share(&bounds);
        let (sum, scale) = (u64::get(from)?, get_bound(from)?);
        let native: Option<NativeBuckets> = if has_native { Some(Field::get(from)?) } else { None };
        Self::of_counts(&bounds, &counts, native.as_ref(), sum, scale).ok_or(COUNTS)
    }

    fn show(&self) -> Value {
        json!({
            "bounds": self.bounds.iter().map(f64::show).collect::<Value>(),
            "counts": self.counts().map(|count| count.show()).collect::<Value>(),
            "sum": self.sum,
            "scale": self.scale.show(),
            "native": self.native().show(),
        })
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        let bounds: Arc<[f64]> = Vec::read(&value["bounds"], names)?.into();
        let counts = Vec::<u64>::read(&value["counts"], names)?;
        let (sum, scale) = (u64::read(&value["sum"], names)?, f64::read(&value["scale"], names)?);
        let native = Option::<NativeBuckets>::read(&value["native"], names)?;
        Self::of_counts(&bounds, &counts, native.as_ref(), sum, scale).ok_or(COUNTS)
    }
}

const COUNTS: Malformed = Malformed::Not("one count more than bounds");

const NATIVE: Malformed = Malformed::Not("native buckets");

/// Each bucket's number is kept as the distance from the one before.
impl Field for NativeBuckets {
    fn put(&self, out: &mut Vec<u8>) {
        self.schema().put(out);
        self.zero().put(out);
        (self.buckets().len() as u64).put(out);
        let mut before = 0;
        for (at, count) in self.buckets() {
            i64::from(at - before).put(out);
            count.put(out);
            before = *at;
        }
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let (schema, zero) = (u8::get(from)?, u64::get(from)?);
        let steps: Vec<(i64, u64)> = Field::get(from)?;
        let mut at = 0_i64;
        let buckets = steps.into_iter().map(|(step, count)| {
            at = at.checked_add(step)?;
            Some((i32::try_from(at).ok()?, count))
        });
        let buckets = buckets.collect::<Option<_>>().ok_or(NATIVE)?;
        Self::of_counts(schema, zero, buckets).ok_or(NATIVE)
    }

    fn show(&self) -> Value {
        json!({ "schema": self.schema(), "zero": self.zero(), "buckets": self.buckets() })
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        let buckets: Vec<(i64, u64)> = Vec::read(&value["buckets"], names)?;
        let narrow = |(at, count)| Some((i32::try_from(at).ok()?, count));
        let buckets = buckets.into_iter().map(narrow).collect::<Option<_>>().ok_or(NATIVE)?;
        Self::of_counts(u8::read(&value["schema"], names)?, u64::read(&value["zero"], names)?, buckets)
            .ok_or(NATIVE)
    }
}
