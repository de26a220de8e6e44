//! What a log says, as counts. Its text is looked at once and never kept.

mod level;

use crate::model::LogFacts;

/// Counts the lines of `text` by level, and its bytes.
///
/// Linear in the length of `text`, and allocates nothing, whatever it holds.
pub fn count(text: &str) -> LogFacts {
    let mut facts = LogFacts { bytes: text.len() as u64, ..LogFacts::default() };
    for line in text.lines() {
        facts.lines[level::of(line.as_bytes())] += 1;
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LOG_LEVELS;

    fn lines(text: &str) -> [(&'static str, u64); LOG_LEVELS.len()] {
        let facts = count(text);
        std::array::from_fn(|at| (LOG_LEVELS[at], facts.lines[at]))
    }

    #[test]
    fn lines_are_counted_by_level() {
        let text = "2026-01-01 INFO start\r\n[WARN] slow\nERROR boom\nTraceback:\n\ndebug: x\n";
        assert_eq!(lines(text), [("debug", 1), ("info", 1), ("warn", 1), ("error", 1), ("other", 2)]);
        assert_eq!(count(text).bytes, text.len() as u64);
    }

    #[test]
    fn nothing_is_no_lines() {
        assert_eq!(count(""), LogFacts::default());
        assert_eq!(count("no newline at the end").lines.iter().sum::<u64>(), 1);
    }

    #[test]
    fn hostile_text_is_counted_in_one_pass() {
        // One line of 8 MiB without a word boundary, then a million empty lines, then cut multi-byte characters
        // around the end of what is looked at: quadratic work would not come back.
        let long = "e".repeat(8 << 20);
        assert_eq!(count(&long).lines, [0, 0, 0, 0, 1]);
        assert_eq!(count(&"\n".repeat(1 << 20)).lines, [0, 0, 0, 0, 1 << 20]);
        assert_eq!(count(&format!("{}界 ERROR", "界".repeat(53))).lines, [0, 0, 0, 0, 1]);
        assert_eq!(count(&format!("\u{1b}[{}ERROR", "1;".repeat(1 << 20))).lines, [0, 0, 0, 0, 1]);
        assert_eq!(count("\0\u{1b}[31mERROR\u{1b}[0m \u{202e}INFO").lines, [0, 0, 0, 1, 0]);
    }
}
