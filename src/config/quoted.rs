//! What a user wrote, as far as a problem may repeat it.

/// The longest text that is repeated: every likely mistake is shorter, and every key is longer.
const LONGEST: usize = 20;

/// `text` in quotes, or other words for it: what is long may be a secret in the wrong place.
pub(super) fn quoted(text: &str) -> String {
    if is_short(text) { format!("{text:?}") } else { "what is written there".to_owned() }
}

/// Whether it may be repeated.
pub(super) fn is_short(text: &str) -> bool {
    text.chars().count() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_repeated_and_a_key_is_not() {
        assert_eq!(quoted("30 s"), "\"30 s\"");
        // Lengths of keys: SecretId 36, SecretKey 32, EnOS access key 36.
        assert_eq!(quoted(&"k".repeat(32)), "what is written there");
    }
}
