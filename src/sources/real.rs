//! Numbers with a fraction, however an answer writes them.

use super::lenient::Shape;

impl Shape for f64 {
    fn of_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|number: &Self| number.is_finite())
    }
    #[expect(clippy::cast_precision_loss, reason = "figures beyond 2^53 are refused by whoever reads them")]
    fn of_int(number: i64) -> Option<Self> {
        Some(number as Self)
    }
}

#[cfg(test)]
mod tests {
    use crate::sources::lenient::Field;

    #[test]
    fn only_finite_numbers_are_numbers() {
        let read = |json: &str| serde_json::from_str::<Field<f64>>(json).unwrap();
        for (json, number) in [("0.532", 0.532), ("\"0.532\"", 0.532), ("3", 3.0), ("-1", -1.0)] {
            assert_eq!(read(json), Field::Value(number), "{json}");
        }
        for json in ["\"NaN\"", "\"inf\"", "\"x\"", "true", "[1.5]"] {
            assert_eq!(read(json), Field::Malformed, "{json}");
        }
        assert_eq!(read("null"), Field::Absent);
    }
}
