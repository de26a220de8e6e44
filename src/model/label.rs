//! Label values that come from outside.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The longest label value, in characters, that is passed on whole.
const MAX_CHARS: usize = 256;

/// A label value fit for exposition: no control character but newline, at most 256 characters.
///
/// A longer value is cut and ends in `~` and 8 hex digits of a hash of the whole, so that two long values
/// never become one. Quote, backslash and newline stay; the encoder escapes them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

impl Label {
    /// Cleans `text`.
    pub fn new(text: &str) -> Self {
        let bad = |c: char| c.is_control() && c != '\n';
        // 256 bytes hold at most 256 characters: the common case needs no counting.
        let long = text.len() > MAX_CHARS && text.chars().nth(MAX_CHARS).is_some();
        if text.is_empty() {
            return Self::empty();
        }
        if !long && !text.contains(bad) {
            return Self(text.into());
        }
        let clean = text.chars().map(|c| if bad(c) { char::REPLACEMENT_CHARACTER } else { c });
        let mut kept: String = if long { clean.take(MAX_CHARS - 9).collect() } else { clean.collect() };
        if long {
            kept.push_str(&format!("~{:08x}", fnv1a(text.as_bytes())));
        }
        Self(kept.into())
    }

    /// The empty value, which Prometheus treats as no label at all.
    pub fn empty() -> Self {
        // All empty ones are one, which takes no memory.
        Self(Arc::default())
    }
}

/// 32-bit FNV-1a: stable over releases and machines, which a series name must be.
pub fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Deref for Label {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_stay_apart() {
        let one = "x".repeat(300);
        let two = format!("{}y", "x".repeat(299));
        let (a, b) = (Label::new(&one), Label::new(&two));
        assert_ne!(a, b);
        assert_eq!(a.chars().count(), 256);
        assert_eq!(a.chars().nth(247), Some('~'));
        assert_eq!(&*Label::new(&"界".repeat(256)), "界".repeat(256));
    }

    #[test]
    fn control_characters_are_replaced_and_quotes_stay() {
        assert_eq!(&*Label::new("a\u{7}b\r\"\\\n"), "a\u{fffd}b\u{fffd}\"\\\n");
    }
}
