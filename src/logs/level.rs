//! The level of one line.

/// How many bytes of a line are looked at: a level stands at its beginning, and what follows is payload.
const HEAD: usize = 160;

/// The place of `other` in [`crate::model::LOG_LEVELS`].
const OTHER: usize = 4;

/// Words that name a level, and the place of that level in [`crate::model::LOG_LEVELS`].
const WORDS: [(&[u8], usize); 9] = [
    (b"DEBUG", 0),
    (b"TRACE", 0),
    (b"INFO", 1),
    (b"NOTICE", 1),
    (b"WARN", 2),
    (b"WARNING", 2),
    (b"ERROR", 3),
    (b"FATAL", 3),
    (b"CRITICAL", 3),
];

/// The level that the first level word of `line` names, as a place in [`crate::model::LOG_LEVELS`].
pub(super) fn of(line: &[u8]) -> usize {
    let mut at = 0;
    while at < line.len().min(HEAD) {
        let rest = &line[at..];
        if let Some(colour) = escape(rest) {
            at += colour;
            continue;
        }
        // One byte more than any word, so that a word running on past the head is not taken for a shorter one.
        let word = rest.iter().take(LONGEST + 1).take_while(|byte| is_word(**byte)).count();
        if at + word <= HEAD
            && let Some(level) = named(&rest[..word])
        {
            return level;
        }
        at += rest.iter().take(HEAD).take_while(|byte| is_word(**byte)).count().max(1);
    }
    OTHER
}

/// The length of the longest word, `CRITICAL`.
const LONGEST: usize = 8;

/// The length of the terminal escape that `rest` begins with. Its last letter would else begin the word after it.
fn escape(rest: &[u8]) -> Option<usize> {
    let parameters = rest.strip_prefix(b"\x1b[")?.iter().take(HEAD);
    let length = parameters.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b'?')).count();
    Some((2 + length + 1).min(rest.len()))
}

fn named(word: &[u8]) -> Option<usize> {
    WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

/// Bytes of other scripts end a word: no level is spelled with them, and they need no space before it.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LOG_LEVELS;

    #[test]
    fn the_first_whole_word_decides() {
        for (line, level) in [
            ("ERROR", "error"),
            ("level=warning msg=\"an error\"", "warn"),
            ("[Critical] x", "error"),
            ("fatal: not a repository", "error"),
            ("Notice: y", "info"),
            ("TRACE z", "debug"),
            ("级别ERROR：磁盘", "error"),
            ("\x1b[1;31mERROR\x1b[0m INFO", "error"),
            ("\x1b[31", "other"),
            ("\x1b[", "other"),
            ("\x1bERROR", "error"),
            ("errors were found", "other"),
            ("ERROR_CODE=0", "other"),
            ("INFORMATION", "other"),
            ("CRITICALLY", "other"),
            ("", "other"),
            ("   ", "other"),
        ] {
            assert_eq!(LOG_LEVELS[of(line.as_bytes())], level, "{line}");
        }
    }

    #[test]
    fn only_the_head_of_a_line_is_looked_at() {
        let after = |gap: usize, word: &str| LOG_LEVELS[of(format!("{}{word}", " ".repeat(gap)).as_bytes())];
        assert_eq!(after(155, "ERROR"), "error");
        assert_eq!(after(156, "ERROR"), "other", "it ends past the head");
        assert_eq!(after(156, "INFORMATION"), "other", "the head ends inside a longer word");
    }
}
