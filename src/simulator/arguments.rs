//! The arguments of a Tencent Cloud call, read as strictly as the API reads them.

use super::{Refusal, Request};
use serde_json::{Map, Value};

/// The arguments of one call: from the body of a POST, or from the flattened query of a GET.
#[derive(Debug)]
pub struct Arguments {
    map: Map<String, Value>,
    /// A query has only text, so numbers may be written as such.
    text: bool,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// `InvalidRequest`-like refusals where the body is no JSON object, `UnknownParameter` for a name that is
    /// not in `known`.
    pub fn read(request: &Request, known: &[&str]) -> Result<Self, Refusal> {
        let text = request.method == "GET";
        let map = if text {
            nest(&request.pairs())
        } else {
            match serde_json::from_slice(&request.body) {
                Ok(Value::Object(map)) => map,
                _ => return Err(Refusal::of("InvalidParameter", "The request body is not a JSON object.")),
            }
        };
        if let Some(name) = map.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Refusal::of(
                "UnknownParameter",
                format!("The parameter `{name}` is not recognized."),
            ));
        }
        Ok(Self { map, text })
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there and not be empty.
    ///
    /// # Errors
    /// `MissingParameter`, or `InvalidParameter` for another type.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(Refusal::of(
                "MissingParameter",
                format!("The request is missing a required parameter `{name}`."),
            )),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.given(name).map(|value| value.as_str().ok_or_else(|| mistyped(name, "String"))).transpose()
    }

    /// A whole number.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.given(name).map(|value| self.number(value).ok_or_else(|| mistyped(name, "Integer"))).transpose()
    }

    /// A truth value.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let read = |value: &Value| match value {
            Value::String(text) if self.text => text.to_lowercase().parse().ok(),
            other => other.as_bool(),
        };
        self.given(name).map(|value| read(value).ok_or_else(|| mistyped(name, "Boolean"))).transpose()
    }

    /// A list of texts; empty where it is not given.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        self.list(name)?
            .iter()
            .map(|item| item.as_str().ok_or_else(|| mistyped(name, "Array of String")))
            .collect()
    }

    /// A list of whole numbers; empty where it is not given.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, Refusal> {
        let wrong = || mistyped(name, "Array of Integer");
        self.list(name)?.iter().map(|item| self.number(item).ok_or_else(wrong)).collect()
    }

    /// A list of filters, each a name and its values.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn filters(&self, name: &str) -> Result<Vec<(&str, Vec<&str>)>, Refusal> {
        let wrong = || mistyped(name, "Array of Filter");
        self.list(name)?
            .iter()
            .map(|item| {
                let filter = item.get("Name").and_then(Value::as_str).ok_or_else(wrong)?;
                let values = item.get("Values").and_then(Value::as_array).ok_or_else(wrong)?;
                let values: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
                Ok((filter, values.ok_or_else(wrong)?))
            })
            .collect()
    }

    /// An object's field that holds text.
    ///
    /// # Errors
    /// `InvalidParameter` for another type.
    pub fn field(&self, name: &str, field: &str) -> Result<Option<&str>, Refusal> {
        let Some(object) = self.given(name) else { return Ok(None) };
        let wrong = || mistyped(name, "Object");
        match object.as_object().ok_or_else(wrong)?.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().ok_or_else(wrong).map(Some),
        }
    }

    fn list(&self, name: &str) -> Result<&[Value], Refusal> {
        match self.given(name) {
            None => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| mistyped(name, "Array")),
        }
    }

    fn number(&self, value: &Value) -> Option<i64> {
        match value {
            Value::String(digits) if self.text => digits.parse().ok(),
            other => other.as_i64(),
        }
    }
}

fn mistyped(name: &str, wanted: &str) -> Refusal {
    Refusal::of(
        "InvalidParameter",
        format!("The value type of parameter `{name}` is not valid, {wanted} wanted."),
    )
}

/// Undoes the flattening of a GET: `Filters.0.Name=a&Filters.0.Values.0=b`.
fn nest(pairs: &[(String, String)]) -> Map<String, Value> {
    let mut root = Value::Object(Map::new());
    for (key, value) in pairs {
        let mut place = &mut root;
        for part in key.split('.') {
            place = match part.parse::<usize>() {
                // A list longer than any API takes is cut: the place it would need is never made.
                Ok(index) if index < 1000 && (place.is_null() || place.is_array()) => {
                    if place.is_null() {
                        *place = Value::Array(Vec::new());
                    }
                    let Value::Array(items) = place else { break };
                    if items.len() <= index {
                        items.resize(index + 1, Value::Null);
                    }
                    &mut items[index]
                }
                _ => {
                    if !place.is_object() {
                        *place = Value::Object(Map::new());
                    }
                    &mut place[part]
                }
            };
        }
        *place = Value::String(value.clone());
    }
    match root {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_query_is_nested_again() {
        let pairs = [
            ("Limit", "5"),
            ("Filters.0.Name", "a"),
            ("Filters.0.Values.0", "b"),
            ("Filters.0.Values.1", "c"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let arguments = Arguments { map: nest(&pairs), text: true };
        assert_eq!(arguments.integer("Limit").unwrap(), Some(5));
        assert_eq!(arguments.filters("Filters").unwrap(), [("a", vec!["b", "c"])]);
    }

    #[test]
    fn a_body_is_read_strictly() {
        let map = serde_json::json!({"Limit": "5", "Id": 7, "Empty": "", "None": null});
        let Value::Object(map) = map else { unreachable!() };
        let arguments = Arguments { map, text: false };
        assert_eq!(arguments.integer("Limit").unwrap_err().code(), "InvalidParameter");
        assert_eq!(arguments.text("Id").unwrap_err().code(), "InvalidParameter");
        for name in ["Empty", "None", "Absent"] {
            assert_eq!(arguments.required(name).unwrap_err().code(), "MissingParameter", "{name}");
        }
    }
}
