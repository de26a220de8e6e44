//! What reads keys, for `crate::fuzzing`.

use super::{file, temporary};

/// A credentials file, and an answer with temporary keys.
pub(crate) fn places(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _keys = file::section(text, "default");
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let answer = answer.get("Response").unwrap_or(&answer);
    if let Some(triple) = temporary::read(answer.get("Credentials").unwrap_or(answer), answer) {
        assert!(!triple.secret_id.is_empty() && triple.expires.is_some());
        assert!(!format!("{triple:?}").contains("Tmp"), "a triple shows when it ends and nothing else");
    }
}
