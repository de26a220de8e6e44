//! Durations with units, as people write them.

use super::quoted::quoted;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt;

/// A duration written as whole numbers with units: `30s`, `1h30m`, `7d`, `500ms`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(std::time::Duration::from_secs(secs))
    }

    /// Reads `30s`, `1h30m`, `7d`, `500ms`, `2w`. `None` without a unit, for fractions and for nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let number: u64 = number.parse().ok()?;
            let millis = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 604_800_000,
                _ => return None,
            };
            total = total.checked_add(number.checked_mul(millis)?)?;
            rest = tail;
        }
        Some(Self(std::time::Duration::from_millis(total)))
    }
}

impl fmt::Display for Duration {
    /// The shortest text that reads back as the same duration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units =
            [(604_800_000, "w"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let (size, unit) = units
            .into_iter()
            .find(|(size, _)| millis > 0 && millis.is_multiple_of(*size))
            .unwrap_or((1000, "s"));
        write!(f, "{}{unit}", millis / size)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{} is not a duration; write a number with a unit, like \"30s\", \"5m\" or \"24h\"",
                quoted(&text)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_shown_again() {
        for (text, secs, shown) in
            [("30s", 30, "30s"), ("1h30m", 5400, "90m"), ("7d", 604_800, "1w"), (" 24h ", 86_400, "1d")]
        {
            let read = Duration::parse(text).unwrap();
            assert_eq!(read, Duration::from_secs(secs), "{text}");
            assert_eq!(read.to_string(), shown);
        }
        for bad in [
            "",
            "30",
            "s",
            "1.5h",
            "-1s",
            "1y",
            "99999999999999999999s",
            "1h 30m",
            "18446744073709551615ms1ms",
        ] {
            assert_eq!(Duration::parse(bad), None, "{bad}");
        }
    }
}
