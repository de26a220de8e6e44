use super::*;
use crate::config::document::Document;
use crate::config::layers::Layers;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Outer {
    number: u32,
    ratio: f64,
    yes: bool,
    text: String,
    list: Vec<u8>,
    rows: Vec<Row>,
    open: Open,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize, Debug, Default, PartialEq)]
struct Open {
    #[serde(default)]
    known: bool,
}

fn outcome(text: &str, env: &[(&str, &str)]) -> (Option<Outer>, Vec<String>) {
    let env: BTreeMap<_, _> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let (layers, mut table) = Layers::merge(vec![Document::parse("f", text).unwrap()], &env).unwrap();
    let mut findings = Findings::new(&layers);
    let part = table.remove("t").and_then(Value::into_dict).unwrap_or_default();
    let read = read(part, &Key::of(&["t"]), &mut findings);
    (read, findings.into_problems().iter().map(ToString::to_string).collect())
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let (read, problems) = outcome(
        r#"[t]
number = "x"
ratoi = 1.5
yes = 1
text = "kept"
list = [1, "two", 3, 400, 5]
open = { known = true, other = 1 }
[[t.rows]]
nam = "a"
[[t.rows]]
name = "b"
values = ["v", 1, "w", 2]
[[t.rows]]
name = 3
"#,
        &[],
    );
    assert_eq!(
        problems,
        [
            "f:2: t.number: found a text, expected a whole number, 0 or more",
            "f:3: t.ratoi: unknown key; did you mean \"ratio\"?",
            "f:4: t.yes: found a whole number, expected true or false",
            "f:6: t.list.1: found a text, expected a whole number, 0 or more",
            "f:6: t.list.3: not a value that fits; expected a whole number, 0 or more",
            "f:7: t.open.other: unknown key",
            "f:8: t.rows.0.name: is required",
            "f:9: t.rows.0.nam: unknown key; did you mean \"name\"?",
            "f:12: t.rows.1.values.1: found a whole number, expected a text in quotes",
            "f:12: t.rows.1.values.3: found a whole number, expected a text in quotes",
            "f:14: t.rows.2.name: found a whole number, expected a text in quotes",
        ]
    );
    let read = read.unwrap();
    assert_eq!((read.text.as_str(), read.list), ("kept", vec![1, 3, 5]));
    assert_eq!(read.rows[0].values, ["v", "w"]);
}

#[test]
fn a_variable_takes_the_type_that_is_wanted() {
    let (read, problems) = outcome(
        "",
        &[
            ("TASKRUN_T__NUMBER", "5"),
            ("TASKRUN_T__RATIO", "0.5"),
            ("TASKRUN_T__YES", "true"),
            ("TASKRUN_T__TEXT", "0123456"),
            ("TASKRUN_T__LIST", "[1, 2]"),
        ],
    );
    assert_eq!(problems, [""; 0]);
    let expected = Outer {
        number: 5,
        ratio: 0.5,
        yes: true,
        text: "0123456".into(),
        list: vec![1, 2],
        ..Outer::default()
    };
    assert_eq!(read, Some(expected));
}

#[test]
fn a_variable_of_the_wrong_type_is_a_problem_that_does_not_repeat_it() {
    let (_, problems) = outcome("", &[("TASKRUN_T__NUMBER", "many"), ("TASKRUN_T__LIST", "[1, \"x\"]")]);
    assert_eq!(
        problems,
        [
            "environment: t.list.1: found a text, expected a whole number, 0 or more",
            "environment: t.number: found a text, expected a whole number, 0 or more",
        ]
    );
}

#[test]
fn a_type_tells_its_keys() {
    assert_eq!(keys_of::<Outer>(), ["number", "ratio", "yes", "text", "list", "rows", "open"]);
    assert_eq!(keys_of::<Row>(), ["name", "values"]);
    assert_eq!(keys_of::<Open>(), [""; 0]);
}
