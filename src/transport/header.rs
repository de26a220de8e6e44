//! The two headers of an answer that are believed, within bounds.

use crate::model::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// The longest wait an answer can ask for: a poll is over by then, and the next one asks again.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// `Retry-After`, in seconds or as a date, at most [`MAX_RETRY_AFTER`]; `None` for negative and unreadable ones.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            Duration::from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64()))
        }
        Ok(_) => return None,
        // A date in the past says that the wait is over.
        Err(_) => http_date(text)?.since(now).unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let read = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(Timestamp::from_millis(read.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_believed_within_bounds() {
        let now = Timestamp::from_secs(1_445_412_480); // Wed, 21 Oct 2015 07:28:00 GMT
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now).map(|d| d.as_millis())
        };
        for (text, millis) in [
            ("3", Some(3000)),
            (" 0 ", Some(0)),
            ("1.5", Some(1500)),
            ("86400", Some(60_000)),
            ("1e308", Some(60_000)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("Wed, 21 Oct 2015 07:28:07 GMT", Some(7000)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(60_000)),
        ] {
            assert_eq!(read(text), millis, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
