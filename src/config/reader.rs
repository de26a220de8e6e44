//! Reads a table as a type, and finds everything that is wrong with it, not only the first thing.
//!
//! Serde stops at the first mistake. So the mistaken value is noted, taken out, and the rest is read again, until
//! what is left can be read. That works for any type whose fields have defaults.

use super::document::parse_value;
use super::findings::Findings;
use super::key::Key;
use super::nearest::nearest;
use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Reads `table`, which stands at `at`. `None` where too little is left to make a `T` of.
pub(super) fn read<T: DeserializeOwned>(table: Dict, at: &Key, findings: &mut Findings<'_>) -> Option<T> {
    let mut rest = Rest { value: table.into(), removed: BTreeMap::new() };
    loop {
        let mut ignored = Vec::new();
        let error = match serde_ignored::deserialize(&rest.value, |path| ignored.push(path.to_string())) {
            Ok(read) => {
                // Only of a type that forgot `deny_unknown_fields`.
                for path in ignored {
                    let parts: Vec<&str> = path.split('.').collect();
                    findings.add(&at.join(&parts), "unknown key");
                }
                return Some(read);
            }
            Err(error) => error,
        };
        let key = at.join(&rest.original(&error.path));
        if findings.layers().in_environment(&key) && rest.retype(&error) {
            continue;
        }
        match &error.kind {
            Kind::MissingField(name) => findings.add(&key.child(name), "is required"),
            kind => findings.add(&key, describe(kind)),
        }
        if !rest.remove(&error.path) {
            return None;
        }
    }
}

/// The keys that a type with `deny_unknown_fields` knows; none for other types.
pub fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    // No key is empty, so the type must refuse this one, and says then which it knows.
    let probe = Value::from(Dict::from([(String::new(), Value::from(""))]));
    match T::deserialize(&probe).map_err(|error| error.kind) {
        Err(Kind::UnknownField(_, known)) => known,
        _ => &[],
    }
}

/// What has not been taken out yet.
struct Rest {
    value: Value,
    /// The original places of elements taken out of lists, by the list's present path.
    removed: BTreeMap<Vec<String>, Vec<usize>>,
}

impl Rest {
    /// The path in the file of what is now at `path`: list elements move up when one before them is taken out.
    fn original(&self, path: &[String]) -> Vec<String> {
        let mut original = Vec::new();
        for (i, part) in path.iter().enumerate() {
            let moved = self.removed.get(&path[..i]).zip(part.parse().ok()).map(|(gone, now)| {
                // `gone` is ascending, because serde reads lists from the front.
                gone.iter().fold(now, |at: usize, gone| if *gone <= at { at + 1 } else { at }).to_string()
            });
            original.push(moved.unwrap_or_else(|| part.clone()));
        }
        original
    }

    /// Gives a text of the environment the type that was wanted in its place, if it reads as one.
    fn retype(&mut self, error: &figment::Error) -> bool {
        if !matches!(error.kind, Kind::InvalidType(..)) {
            return false;
        }
        let Some(place) = find(&mut self.value, &error.path) else { return false };
        match place.as_str().and_then(parse_value) {
            Some(value) if value.as_str().is_none() => {
                *place = value;
                true
            }
            _ => false,
        }
    }

    /// Takes out what is at `path`; `false` if nothing can be.
    fn remove(&mut self, path: &[String]) -> bool {
        let Some((last, parent)) = path.split_last() else { return false };
        let original = self.original(path).pop().and_then(|index| index.parse().ok());
        match find(&mut self.value, parent) {
            Some(Value::Dict(_, dict)) => dict.remove(last).is_some(),
            Some(Value::Array(_, list)) => match (last.parse::<usize>(), original) {
                (Ok(index), Some(original)) if index < list.len() => {
                    list.remove(index);
                    // What was noted inside the element must not be taken for its successor's.
                    self.removed.retain(|list, _| !list.starts_with(path));
                    self.removed.entry(parent.to_vec()).or_default().push(original);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }
}

fn find<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, part| match value {
        Value::Dict(_, dict) => dict.get_mut(part),
        Value::Array(_, list) => list.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Says what is wrong without repeating the value: it may be a secret in the wrong place.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.clone(),
        Kind::UnknownField(name, known) => match nearest(name, known.iter().copied()) {
            Some(meant) => format!("unknown key; did you mean {meant:?}?"),
            None => format!("unknown key; known here: {}", known.join(", ")),
        },
        Kind::UnknownVariant(_, known) => {
            let known: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
            format!("unknown word; write one of {}", known.join(", "))
        }
        Kind::InvalidType(found, wanted) => format!("found {}, expected {}", noun(found), plain(wanted)),
        Kind::InvalidValue(_, wanted) => format!("not a value that fits; expected {}", plain(wanted)),
        Kind::InvalidLength(length, wanted) => format!("has {length} elements, expected {wanted}"),
        _ => "a value of this type is not understood here".into(),
    }
}

fn noun(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) => "a whole number",
        Actual::Float(_) => "a number with a fraction",
        Actual::Str(_) | Actual::Char(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// The words of serde's expectation that a user would write.
fn plain(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        "a map" => "a table",
        struct_name if struct_name.starts_with("struct ") => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests;
