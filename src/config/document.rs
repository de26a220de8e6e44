//! One TOML file: its values for figment, and the line of every key for the reader of a problem.

use super::Problem;
use super::key::Key;
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::path::Path;
use toml_edit::{Item, TableLike};

/// A parsed configuration file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    name: String,
    table: Dict,
    nodes: BTreeMap<Key, Node>,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Counted from 1.
    pub(super) line: usize,
    /// Whether it holds keys itself, so that a later layer adds to it and does not replace it.
    pub(super) table: bool,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read or is not TOML.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => {
                Err(Problem::new(name, "", format!("cannot be read: {error}; --config names another file")))
            }
        }
    }

    /// Parses the text of the file called `name`.
    ///
    /// # Errors
    /// It is not TOML. The message quotes nothing of the text, where a secret may stand.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let parsed = toml_edit::Document::parse(text).map_err(|error| {
            let file = match error.span() {
                Some(span) => format!("{name}:{}", Lines::of(text).line(span.start)),
                None => name.to_owned(),
            };
            Problem::new(file, "", format!("not TOML: {}", error.message().replace('\n', ", ")))
        })?;
        let mut walk = Walk { lines: Lines::of(text), nodes: BTreeMap::new() };
        let table = walk.table(parsed.as_table(), &Key::default());
        Ok(Self { name: name.to_owned(), table, nodes: walk.nodes })
    }

    /// As named on the command line.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where `key` stands in it, if it does.
    pub(super) fn node(&self, key: &Key) -> Option<Node> {
        self.nodes.get(key).copied()
    }
}

impl Provider for Document {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.table.clone()))
    }
}

/// Reads a text as a TOML value, as it would stand behind `key =`.
pub(super) fn parse_value(text: &str) -> Option<Value> {
    let value: toml_edit::Value = text.trim().parse().ok()?;
    let mut walk = Walk { lines: Lines::of(""), nodes: BTreeMap::new() };
    Some(walk.value(&value, &Key::default()))
}

/// The starts of the lines of a text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The number, counted from 1, of the line that holds the byte at `offset`.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}

/// The way through a parsed file.
struct Walk {
    lines: Lines,
    nodes: BTreeMap<Key, Node>,
}

impl Walk {
    fn table(&mut self, table: &dyn TableLike, at: &Key) -> Dict {
        let mut dict = Dict::new();
        for (name, item) in table.iter() {
            let key = at.child(name);
            let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            self.note(&key, span, item.is_table_like());
            if let Some(value) = self.item(item, &key) {
                dict.insert(name.to_owned(), value);
            }
        }
        dict
    }

    fn item(&mut self, item: &Item, at: &Key) -> Option<Value> {
        match item {
            Item::None => None,
            Item::Value(value) => Some(self.value(value, at)),
            Item::Table(table) => Some(self.table(table, at).into()),
            Item::ArrayOfTables(tables) => {
                let mut values = Vec::new();
                for (i, table) in tables.iter().enumerate() {
                    let key = at.child(&i.to_string());
                    self.note(&key, table.span(), true);
                    values.push(Value::from(self.table(table, &key)));
                }
                Some(values.into())
            }
        }
    }

    fn value(&mut self, value: &toml_edit::Value, at: &Key) -> Value {
        match value {
            toml_edit::Value::String(text) => text.value().as_str().into(),
            toml_edit::Value::Integer(number) => (*number.value()).into(),
            toml_edit::Value::Float(number) => (*number.value()).into(),
            toml_edit::Value::Boolean(yes) => (*yes.value()).into(),
            // No key holds a date; as a text it meets the same message as any other wrong text.
            toml_edit::Value::Datetime(date) => date.value().to_string().into(),
            toml_edit::Value::InlineTable(table) => self.table(table, at).into(),
            toml_edit::Value::Array(array) => {
                let mut values = Vec::new();
                for (i, value) in array.iter().enumerate() {
                    let key = at.child(&i.to_string());
                    self.note(&key, value.span(), value.is_inline_table());
                    values.push(self.value(value, &key));
                }
                values.into()
            }
        }
    }

    fn note(&mut self, key: &Key, span: Option<std::ops::Range<usize>>, table: bool) {
        if let Some(span) = span {
            self.nodes.insert(key.clone(), Node { line: self.lines.line(span.start), table });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[web]\nlisten = [\n  \"a\",\n  \"b\",\n]\n[sources.x]\nfilters = [\n  { name = \"n\" },\n]\na.b = 1\n[[list]]\nk = 2\n";

    #[test]
    fn every_key_and_list_element_has_its_line() {
        let document = Document::parse("c.toml", TEXT).unwrap();
        let line = |parts: &[&str]| document.node(&Key::of(parts)).map(|node| node.line);
        assert_eq!(line(&["web"]), Some(1));
        assert_eq!(line(&["web", "listen"]), Some(2));
        assert_eq!(line(&["web", "listen", "1"]), Some(4));
        assert_eq!(line(&["sources", "x"]), Some(6));
        assert_eq!(line(&["sources", "x", "filters", "0", "name"]), Some(8));
        assert_eq!(line(&["sources", "x", "a", "b"]), Some(10));
        assert_eq!(line(&["list", "0", "k"]), Some(12));
        assert_eq!(line(&["web", "nothing"]), None);
    }

    #[test]
    fn a_syntax_error_names_the_line_and_quotes_nothing() {
        let problem = Document::parse("c.toml", "[web]\n\nsecret_key = \"hunter2\nx = 1\n").unwrap_err();
        assert_eq!(problem.file, "c.toml:3");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
        let twice = Document::parse("c.toml", "[web]\na = 1\na = 2\n").unwrap_err();
        assert_eq!(twice.file, "c.toml:3", "{twice}");
    }
}
