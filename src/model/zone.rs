//! Time zones of upstream texts that carry none themselves.

use super::Timestamp;
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeZone};

/// How a zone-less upstream time text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A fixed offset from UTC.
    Fixed(FixedOffset),
    /// A zone of the IANA database, daylight saving included.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// UTC itself.
    pub fn utc() -> Self {
        Self::Fixed(chrono::Utc.fix())
    }

    /// China's UTC+8, in which Tencent Cloud writes most of its zone-less times.
    pub fn east8() -> Self {
        Self::Fixed(FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| chrono::Utc.fix()))
    }

    /// Reads `UTC`, `UTC+8`, `GMT-3:30`, `+08:00` or an IANA name such as `Asia/Shanghai`.
    /// `None` for anything else, and for offsets of 24 hours or more.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let rest = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
        if rest.is_empty() {
            return (!text.is_empty()).then(Self::utc);
        }
        let (sign, digits) = match rest.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return text.parse().ok().map(Self::Named),
        };
        let (hours, minutes) = match digits.split_once(':') {
            Some((h, m)) => (h, m),
            None if digits.len() == 4 => digits.split_at_checked(2)?,
            None => (digits, "0"),
        };
        let all_digits = |s: &str| !s.is_empty() && s.len() <= 2 && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(hours) || !all_digits(minutes) {
            return None;
        }
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if minutes > 59 {
            return None;
        }
        FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)).map(Self::Fixed)
    }

    /// Reads `yyyy-MM-dd HH:mm:ss`, with or without a fraction and with a `T` allowed for the space.
    /// Where a clock was set back the earlier of the two instants is taken; a time that never was is `None`.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"))
            .ok()?;
        match self {
            Self::Fixed(zone) => pick(zone.from_local_datetime(&naive)),
            Self::Named(zone) => pick(zone.from_local_datetime(&naive)),
        }
    }

    /// Writes `yyyy-MM-dd HH:mm:ss` (fractions of a second are cut off).
    pub fn write(&self, at: Timestamp) -> String {
        let Some(utc) = DateTime::from_timestamp_millis(at.millis()) else { return String::new() };
        const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
        match self {
            Self::Fixed(zone) => utc.with_timezone(zone).format(FORMAT).to_string(),
            Self::Named(zone) => utc.with_timezone(zone).format(FORMAT).to_string(),
        }
    }

    /// Reads an RFC 3339 time, which brings its own offset.
    pub fn read_rfc3339(text: &str) -> Option<Timestamp> {
        DateTime::parse_from_rfc3339(text.trim()).ok().map(|t| Timestamp::from_millis(t.timestamp_millis()))
    }
}

fn pick<T: TimeZone>(found: LocalResult<DateTime<T>>) -> Option<Timestamp> {
    found.earliest().map(|t| Timestamp::from_millis(t.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_in_every_documented_spelling() {
        let at =
            |zone: &str| Zone::parse(zone).and_then(|z| z.read("2025-03-28 00:18:43")).map(Timestamp::secs);
        let utc = at("UTC").unwrap();
        for (zone, hours) in
            [("UTC+8", 8), ("GMT+8", 8), ("+08:00", 8), ("UTC+0800", 8), ("UTC-3", -3), ("GMT", 0)]
        {
            assert_eq!(at(zone), Some(utc - hours * 3600), "{zone}");
        }
        assert_eq!(at("Asia/Shanghai"), at("UTC+8"));
        for bad in ["", "UTC+", "UTC+x", "+8:99", "UTC+24", "Nowhere/Here", "UTC+-8", "8"] {
            assert_eq!(Zone::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let zone = Zone::east8();
        let at = Timestamp::from_secs(1_743_092_323);
        assert_eq!(zone.write(at), "2025-03-28 00:18:43");
        assert_eq!(zone.read(&zone.write(at)), Some(at));
        assert_eq!(zone.read("2025-02-30 00:00:00"), None);
        assert_eq!(zone.read(""), None);
        assert_eq!(
            Zone::read_rfc3339("2024-10-25T03:18:37Z"),
            Zone::read_rfc3339("2024-10-25T11:18:37+08:00")
        );
    }
}
