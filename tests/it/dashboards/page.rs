//! A dashboard's file, read.

use serde_json::Value;
use std::collections::BTreeSet;
use taskrun_exporter::metrics::catalog::{FAMILIES, Family, Type};

/// A dashboard.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) json: Value,
}

/// All dashboards, in the order of their names.
pub(super) fn pages() -> Vec<Page> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dashboards");
    let mut pages: Vec<Page> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| Page {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// The names under which Prometheus keeps what only rises.
pub(super) fn counters() -> BTreeSet<String> {
    let named = |family: &Family| match family.kind {
        Type::Counter => vec![family.name.to_owned()],
        Type::Histogram => ["bucket", "sum", "count"].map(|end| format!("{}_{end}", family.name)).into(),
        Type::Gauge => Vec::new(),
    };
    FAMILIES.iter().flat_map(named).collect()
}

impl Page {
    /// A text of the dashboard itself.
    pub(super) fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap()
    }

    /// Rows and panels.
    pub(super) fn panels(&self) -> &[Value] {
        self.json["panels"].as_array().unwrap()
    }

    /// Each query, with the title of its panel.
    pub(super) fn queries(&self) -> Vec<(&str, String)> {
        let mut queries = Vec::new();
        for panel in self.panels() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                queries.push((panel["title"].as_str().unwrap(), target["expr"].as_str().unwrap().to_owned()));
            }
        }
        queries
    }

    /// What the variables ask: the selector, and the label whose values are wanted.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let asked = self.json["templating"]["list"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|v| v["definition"].as_str());
        asked
            .map(|query| {
                let inner = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
                let (selector, label) = inner.rsplit_once(", ").unwrap();
                (selector.to_owned(), label.to_owned())
            })
            .collect()
    }
}

/// Every text under `key`, however deep.
pub(super) fn texts_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key).and_then(Value::as_str));
            members.values().for_each(|member| texts_under(member, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts_under(item, key, found)),
        _ => {}
    }
}

/// Each word of a panel that has a colour: names of series, and texts of values.
pub(super) fn colours(panel: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let fields = &panel["fieldConfig"];
    let overrides = fields["overrides"].as_array().into_iter().flatten();
    let mut mappings: Vec<&Value> = fields["defaults"]["mappings"].as_array().into_iter().flatten().collect();
    for over in overrides {
        let property = |id: &str| {
            let mut properties = over["properties"].as_array().into_iter().flatten();
            properties.find(|property| property["id"] == id).map(|property| &property["value"])
        };
        mappings.extend(property("mappings").and_then(Value::as_array).into_iter().flatten());
        // The name of a table's column is no word of a state.
        let colour = property("color").and_then(|colour| colour["fixedColor"].as_str());
        if let Some(colour) = colour.filter(|_| over["matcher"]["id"] == "byName" && panel["type"] != "table")
        {
            let name = property("displayName").unwrap_or(&over["matcher"]["options"]);
            found.push((name.as_str().unwrap().to_owned(), colour.to_owned()));
        }
    }
    for mapping in mappings {
        for shown in mapping["options"].as_object().into_iter().flat_map(|options| options.values()) {
            found.push((
                shown["text"].as_str().unwrap().to_owned(),
                shown["color"].as_str().unwrap().to_owned(),
            ));
        }
    }
    found
}
