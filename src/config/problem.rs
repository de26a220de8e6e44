//! One mistake in the configuration.

use std::fmt;

/// A mistake: where it stands and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file, with the line where known (`/etc/…/config.toml:12`), or `environment` or `defaults`.
    pub file: String,
    /// The key's full path: `sources.dataflows.settings.lookback`. Empty where the file as a whole is meant.
    pub key: String,
    /// What is wrong and what to write instead. Never a secret's value.
    pub message: String,
}

impl Problem {
    /// A problem whose message is one line that no terminal obeys, whatever names it repeats.
    pub fn new(file: impl Into<String>, key: impl ToString, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = match message.contains(char::is_control) {
            false => message,
            true => message
                .chars()
                .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
                .collect(),
        };
        Self { file: file.into(), key: key.to_string(), message }
    }

    /// Puts problems in the order in which a reader meets them: by file, line and key.
    pub fn sort(problems: &mut [Self]) {
        problems.sort_by(|a, b| a.position().cmp(&b.position()));
    }

    fn position(&self) -> (&str, usize, &str) {
        let (name, line) = self
            .file
            .rsplit_once(':')
            .and_then(|(name, line)| Some((name, line.parse().ok()?)))
            .unwrap_or((&self.file, 0));
        (name, line, &self.key)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.file, self.message);
        }
        write!(f, "{}: {}: {}", self.file, self.key, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let problem = Problem::new("f", "k", "no [accounts.\u{1b}[31m\n]");
        assert_eq!(problem.to_string(), "f: k: no [accounts.\u{fffd}[31m\u{fffd}]");
    }

    #[test]
    fn line_nine_comes_before_line_ten() {
        let at = |file: &str| Problem::new(file, "k", "m");
        let mut problems = [at("b.toml:1"), at("a.toml:10"), at("a.toml:9"), at("a.toml")];
        Problem::sort(&mut problems);
        let order: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
        assert_eq!(order, ["a.toml", "a.toml:9", "a.toml:10", "b.toml:1"]);
    }
}
