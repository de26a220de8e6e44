//! Histograms: their bucket bounds are most of a record, so they are written short.

use super::{Field, Malformed, Names, Reader};
use crate::model::Histogram;
use serde_json::{Value, json};

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

impl Field for Histogram {
    fn put(&self, out: &mut Vec<u8>) {
        (self.bounds.len() as u64).put(out);
        for bound in &*self.bounds {
            put_bound(*bound, out);
        }
        for count in &self.counts {
            count.put(out);
        }
        self.sum.put(out);
        put_bound(self.scale, out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let length = usize::try_from(u64::get(from)?).unwrap_or(usize::MAX);
        let mut bounds = Vec::with_capacity(length.min(from.left()));
        for _ in 0..length {
            bounds.push(get_bound(from)?);
        }
        let counts = (0..=length).map(|_| u64::get(from)).collect::<Result<_, _>>()?;
        let bounds = from.context.share(&bounds);
        Ok(Self { bounds, counts, sum: u64::get(from)?, scale: get_bound(from)? })
    }

    fn show(&self) -> Value {
        json!({
            "bounds": self.bounds.iter().map(f64::show).collect::<Value>(),
            "counts": self.counts.iter().map(u64::show).collect::<Value>(),
            "sum": self.sum,
            "scale": self.scale.show(),
        })
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        let bounds = Vec::<f64>::read(&value["bounds"], names)?;
        let counts = Vec::<u64>::read(&value["counts"], names)?;
        if counts.len() != bounds.len() + 1 {
            return Err(Malformed::Not("one count more than bounds"));
        }
        let (sum, scale) = (u64::read(&value["sum"], names)?, f64::read(&value["scale"], names)?);
        Ok(Self { bounds: bounds.into(), counts: counts.into(), sum, scale })
    }
}
