//! As much of PromQL as it takes to see which families and labels a query names.

/// One selector: a family and the labels that it matches.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Selector {
    pub(crate) family: String,
    pub(crate) labels: Vec<String>,
}

/// What a query names.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// The labels it groups, joins or asks the values of.
    pub(crate) labels: Vec<String>,
}

/// Words that a list of labels follows.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that look like a family and are none.
const WORDS: [&str; 10] = ["and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan", "atan2"];

/// Reads a query, or a variable's `label_values(…, label)`. Knows no grammar: promtool checks that.
pub(crate) fn read(query: &str) -> Query {
    let mut found = Query::default();
    let tokens = lex(query);
    let mut at = 0;
    let values_of_label = tokens.first().is_some_and(|token| token == "label_values");
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at).map_or("", String::as_str);
        if !is_name(token) {
            continue;
        }
        if LISTS.contains(&token.as_str()) {
            if next == "(" {
                let list: Vec<String> = tokens[at + 1..].iter().take_while(|t| *t != ")").cloned().collect();
                at += list.len() + 2;
                found.labels.extend(list.into_iter().filter(|label| label != ","));
            }
        } else if values_of_label && tokens.len() > 4 && at + 1 == tokens.len() {
            found.labels.push(token.clone());
        } else if next == "{" {
            let mut labels = Vec::new();
            while let Some(token) = tokens.get(at).filter(|token| *token != "}") {
                // A label is what stands before an operator; its value was dropped with its quotes.
                let operator = tokens.get(at + 1).is_some_and(|next| matches!(next.as_str(), "=" | "!"));
                if operator && is_name(token) {
                    labels.push(token.clone());
                }
                at += 1;
            }
            found.selectors.push(Selector { family: token.clone(), labels });
        } else if !matches!(next, "(" | "by" | "without") && !WORDS.contains(&token.to_lowercase().as_str()) {
            found.selectors.push(Selector { family: token.clone(), labels: Vec::new() });
        }
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Names and single characters, without strings, ranges (`[5m]`), numbers and offsets.
fn lex(query: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let taken = match c {
            '"' | '\'' => string(rest),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            _ if c.is_ascii_digit() => rest.find(|c: char| !(word(c) || c == '.')).unwrap_or(rest.len()),
            _ if word(c) => {
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                tokens.push(rest[..end].to_owned());
                end
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    tokens
}

/// The length of the string that `text` begins with, quotes included.
fn string(text: &str) -> usize {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if Some(c) == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The queries of a file of rules: what stands behind `expr:`, or indented below it.
pub(crate) fn rules(file: &str) -> Vec<String> {
    let mut queries = Vec::new();
    let mut lines = file.lines().peekable();
    while let Some(line) = lines.next() {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let Some(inline) = line.trim_start().strip_prefix("expr:") else { continue };
        let mut query = inline.trim().trim_start_matches(['|', '>', '-']).to_owned();
        while let Some(more) = lines.next_if(|next| next.trim().is_empty() || indent(next) > indent(line)) {
            query.push('\n');
            query.push_str(more);
        }
        queries.push(query);
    }
    queries
}
