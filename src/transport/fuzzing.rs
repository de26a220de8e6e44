//! What reads answers, for `crate::fuzzing`.

use super::{Error, enos, header, tencent};
use crate::model::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

/// The envelope of API 3.0.
pub(crate) fn tencent_envelope(body: &[u8]) {
    safe(tencent::decode::<Value>(body));
}

/// The envelopes of EnOS.
pub(crate) fn enos_envelope(body: &[u8]) {
    safe(enos::decode::<Value>(body));
}

/// `Retry-After` and `Date`.
pub(crate) fn headers(value: &[u8], now: Timestamp) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers: HeaderMap = [(RETRY_AFTER, value.clone()), (DATE, value)].into_iter().collect();
    assert!(header::retry_after(&headers, now).is_none_or(|wait| wait <= header::MAX_RETRY_AFTER));
    let _date = header::date(&headers);
}

/// Errors are short, and what the API wrote stands in them as a short word at most.
fn safe(read: Result<Value, Error>) {
    if let Err(error) = read {
        assert!(error.to_string().len() < 500, "{error}");
        assert!(error.code().is_none_or(|code| code.len() <= 100), "{error}");
    }
}
