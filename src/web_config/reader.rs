//! Reads the tree of a file key by key, and takes down everything that is wrong with it.

use super::yaml::{Node, Value};
use crate::config::{Problem, nearest};
use std::collections::BTreeMap;
use std::time::Duration;

/// The problems found so far in one file.
pub(super) struct Reader {
    file: String,
    problems: Vec<Problem>,
}

/// The keys of a map that have a value.
pub(super) type Fields<'a> = BTreeMap<&'a str, &'a Node>;

impl Reader {
    /// None so far in `file`.
    pub(super) fn new(file: String) -> Self {
        Self { file, problems: Vec::new() }
    }

    /// Adds a problem. `message` must not quote a value.
    pub(super) fn report(&mut self, line: usize, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}:{line}", self.file), key, message));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// All of them, in reading order.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems;
        Problem::sort(&mut problems);
        problems
    }

    /// The fields of a map; `known` are all it may have, and none where any may stand there.
    pub(super) fn fields<'a>(&mut self, node: &'a Node, key: &str, known: &[&str]) -> Fields<'a> {
        let mut fields = Fields::new();
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => return fields,
            _ => {
                self.report(node.line, key, "is not a map of keys and values");
                return fields;
            }
        };
        for entry in entries {
            let path = join(key, &entry.name);
            if !known.is_empty() && !known.contains(&entry.name.as_str()) {
                let hint = nearest(&entry.name, known.iter().copied());
                let hint = hint.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
                self.report(entry.line, &path, format!("unknown key{hint}"));
            } else if fields.insert(&entry.name, &entry.node).is_some() {
                self.report(entry.line, &path, "is there twice; keep one of the two");
            }
        }
        // A key without a value is as good as one that is not there.
        fields.retain(|_, node| !matches!(node.value, Value::Null));
        fields
    }

    /// A text; empty is as good as absent.
    pub(super) fn text<'a>(&mut self, fields: &Fields<'a>, at: &str, name: &str) -> Option<(usize, &'a str)> {
        let node = *fields.get(name)?;
        match &node.value {
            Value::Scalar(text, _) if text.is_empty() => None,
            Value::Scalar(text, _) => Some((node.line, text)),
            _ => {
                self.report(node.line, &join(at, name), "is not a text");
                None
            }
        }
    }

    /// A truth value, in each of the words that YAML has for it.
    pub(super) fn flag(&mut self, fields: &Fields<'_>, at: &str, name: &str, default: bool) -> bool {
        let Some(node) = fields.get(name) else { return default };
        if let Value::Scalar(text, true) = &node.value {
            match text.as_str() {
                "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
                    return true;
                }
                "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
                    return false;
                }
                _ => {}
            }
        }
        self.report(node.line, &join(at, name), "is neither true nor false");
        default
    }

    /// A list of texts, each with its line.
    pub(super) fn list<'a>(
        &mut self,
        fields: &Fields<'a>,
        at: &str,
        name: &str,
    ) -> Option<Vec<(usize, &'a str)>> {
        let node = *fields.get(name)?;
        let Value::List(items) = &node.value else {
            self.report(node.line, &join(at, name), "is not a list; write each value behind a dash");
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Scalar(text, _) => texts.push((item.line, text.as_str())),
                _ => self.report(item.line, &join(at, name), "has an element that is not a text"),
            }
        }
        Some(texts)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self, fields: &Fields<'_>, at: &str, name: &str) -> Option<u32> {
        let node = fields.get(name)?;
        if let Value::Scalar(text, true) = &node.value
            && let Ok(number) = text.parse()
        {
            return Some(number);
        }
        self.report(node.line, &join(at, name), "is not a whole number from 0 on");
        None
    }

    /// A length of time as Go writes it: numbers with units, `1.5s` or `1m30s`; 0 needs none.
    pub(super) fn duration(&mut self, fields: &Fields<'_>, at: &str, name: &str) -> Option<Duration> {
        let node = fields.get(name)?;
        if let Value::Scalar(text, _) = &node.value
            && let Some(duration) = duration(text)
        {
            return Some(duration);
        }
        let how = "is not a duration; write a number with a unit, like 100ms, 1s or 1m30s; 0 is none";
        self.report(node.line, &join(at, name), how);
        None
    }
}

fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let units = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(units);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    (!text.is_empty()).then_some(total).and_then(|total| Duration::try_from_secs_f64(total).ok())
}

/// The path of a key in a map.
pub(super) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, millis) in [("0", 0), ("1s", 1000), ("100ms", 100), ("1m30s", 90_000), ("1.5h", 5_400_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "1", "s", "1 s", "-1s", "1x", "1s1", "1e3s", "..s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
