//! Times as the clouds write them. The client has its own reader and writer: a shared one would share mistakes.

use chrono::{DateTime, FixedOffset, NaiveDateTime};

const PLAIN: &str = "%Y-%m-%d %H:%M:%S";

/// Hours that China's clocks are ahead of UTC.
pub const CHINA: i32 = 8;

/// `yyyy-MM-dd HH:mm:ss` on clocks that are `hours` ahead of UTC.
pub fn plain(secs: i64, hours: i32) -> String {
    format(secs, hours, PLAIN)
}

/// RFC 3339 in UTC, as newer answers write it: `2024-10-25T03:18:37Z`.
pub fn zulu(secs: i64) -> String {
    format(secs, 0, "%Y-%m-%dT%H:%M:%SZ")
}

/// RFC 3339 in UTC, as older answers write it: `2020-11-09T07:21:59+00:00`.
pub fn offset(secs: i64) -> String {
    format(secs, 0, "%Y-%m-%dT%H:%M:%S+00:00")
}

/// Any chrono format on clocks that are `hours` ahead of UTC; empty for times that have no date.
pub fn format(secs: i64, hours: i32, format: &str) -> String {
    let Some(zone) = FixedOffset::east_opt(hours * 3600) else { return String::new() };
    DateTime::from_timestamp(secs, 0)
        .map_or_else(String::new, |t| t.with_timezone(&zone).format(format).to_string())
}

/// Reads `yyyy-MM-dd HH:mm:ss` on clocks that are `hours` ahead of UTC, to seconds since the Unix epoch.
/// Strict: no `T`, no zone, no fraction, two digits everywhere.
pub fn read(text: &str, hours: i32) -> Option<i64> {
    let naive = NaiveDateTime::parse_from_str(text, PLAIN).ok()?;
    let exact = naive.format(PLAIN).to_string() == text;
    exact.then(|| naive.and_utc().timestamp() - i64::from(hours) * 3600)
}

/// Reads `UTC`, `UTC+8` or `UTC-3`, to hours.
pub fn zone(text: &str) -> Option<i32> {
    let hours = text.strip_prefix("UTC")?;
    if hours.is_empty() {
        return Some(0);
    }
    let signed = hours.starts_with(['+', '-']);
    hours.parse().ok().filter(|hours: &i32| signed && (-12..=14).contains(hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        // The instance of the GetTaskInstance page: 00:18:43 at UTC+8 is 22:18:43 at UTC+6.
        let at = read("2025-03-28 00:18:43", 8).unwrap();
        assert_eq!(plain(at, 6), "2025-03-27 22:18:43");
        assert_eq!(zulu(at), "2025-03-27T16:18:43Z");
        for bad in ["2025-03-28T00:18:43", "2025-3-28 00:18:43", "2025-03-28", "2025-02-30 00:00:00", ""] {
            assert_eq!(read(bad, 8), None, "{bad}");
        }
    }

    #[test]
    fn zones_are_whole_hours() {
        assert_eq!((zone("UTC+8"), zone("UTC-3"), zone("UTC")), (Some(8), Some(-3), Some(0)));
        for bad in ["GMT+8", "UTC8", "UTC+8:30", "UTC+99", "Asia/Shanghai", ""] {
            assert_eq!(zone(bad), None, "{bad}");
        }
    }
}
