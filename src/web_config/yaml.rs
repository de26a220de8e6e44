//! YAML as a tree whose every node knows its line.
//!
//! Events and no serde: the file holds secrets, so no message may quote a value, and each mistake has its own line.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::BTreeMap;

/// Deeper than any key of the format, and shallow enough for every walk.
const MOST_DEPTH: usize = 16;
/// More than any such file holds; what aliases repeat counts each time.
const MOST_NODES: usize = 10_000;

/// A value and where it begins. Not `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) struct Node {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    Null,
    /// A text, and whether it stands there without quotes, so that it may mean something else than its letters.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) node: Node,
}

/// What is wrong, and in which line.
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads the first document of a text; one without any is null.
///
/// # Errors
/// It is not YAML, or more of it than a web configuration file can need.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Fault {
            line: error.marker().line(),
            message: format!("not YAML: {}", error.info()),
        })?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        tree.take(event, span)?;
    }
    Ok(tree.root.unwrap_or(Node { line: 1, value: Value::Null }))
}

/// What is being put together.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A list or map whose end has not come.
struct Open {
    anchor: usize,
    node: Node,
    /// The key that waits for its value.
    key: Option<(usize, String)>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = match plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    true => Value::Null,
                    false => Value::Scalar(text.into_owned(), plain),
                };
                self.close(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, Value::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.begin(line, Value::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, anchor, .. }) => self.close(node, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.close(Node { line, ..node }, 0),
                None => Err(Fault { line, message: "the alias stands for nothing".into() }),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, value: Value, anchor: usize) -> Result<(), Fault> {
        if self.open.len() >= MOST_DEPTH {
            return Err(Fault { line, message: format!("nested deeper than {MOST_DEPTH} levels") });
        }
        self.open.push(Open { anchor, node: Node { line, value }, key: None });
        Ok(())
    }

    /// Puts a node that is complete where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += size(&node);
        if self.nodes > MOST_NODES {
            return Err(Fault { line: node.line, message: format!("has more than {MOST_NODES} values") });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(Open { node: parent, key, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.value, key.take()) {
            (Value::Map(entries), Some((line, name))) => entries.push(Entry { line, name, node }),
            (Value::Map(_), None) => *key = Some((node.line, name(node)?)),
            (Value::List(items), _) => items.push(node),
            _ => {}
        }
        Ok(())
    }
}

/// A node as the name of a key.
fn name(node: Node) -> Result<String, Fault> {
    match node.value {
        Value::Scalar(text, _) => Ok(text),
        _ => Err(Fault { line: node.line, message: "a key is not a text".into() }),
    }
}

/// How many values it is made of. What was counted when it was closed counts again with what contains it, which only
/// makes the bound smaller.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.node)).sum::<usize>() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in one line, for comparing.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "null".into(),
            Value::Scalar(text, plain) => format!("{}{text}", if *plain { "" } else { "'" }),
            Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
            Value::Map(entries) => {
                let entry = |entry: &Entry| format!("{}@{}:{}", entry.name, entry.line, shown(&entry.node));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn a_tree_knows_its_lines_and_quotes() {
        let text = "# head\na: 1\nb:\n  - x\n  - 'y'\nc: {d: ~, e: \"\"}\nf: |\n  one\n  two\ng: &g [1]\nh: *g\n---\nz: 1\n";
        let tree = parse(text).ok().map(|node| shown(&node));
        let expected = "{a@2:1,b@3:[x,'y],c@6:{d@6:null,e@6:'},f@7:'one\ntwo\n,g@10:[1],h@11:[1]}";
        assert_eq!(tree.as_deref(), Some(expected));
        assert_eq!(parse("# nothing\n").ok().map(|node| shown(&node)).as_deref(), Some("null"));
    }

    #[test]
    fn what_is_not_yaml_or_too_much_is_refused_with_its_line() {
        let refused = |text: &str| parse(text).err().map(|fault| fault.line);
        assert_eq!(refused("a: 1\n b: 2\n"), Some(2));
        assert_eq!(refused("a: [1\nb: 2\n"), Some(2));
        assert_eq!(refused("a: *nothing\n"), Some(1));
        assert_eq!(refused("[1]: 2\n"), Some(1));
        assert_eq!(refused(&"[".repeat(100)), Some(1));
        let bomb: String = (1..9)
            .map(|n| format!("k{n}: &k{n} [{}]\n", vec![format!("*k{}", n - 1); 9].join(",")))
            .collect();
        assert!(refused(&format!("k0: &k0 [1]\n{bomb}")).is_some());
    }
}
