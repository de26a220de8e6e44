use super::function::REGIONS;
use super::*;
use crate::model::Timestamp;
use crate::simulator::tc3::sent;
use crate::simulator::{Character, Span, World, stamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-03-01 00:00:00 UTC.
const NOW: i64 = 1_772_323_200;

fn world() -> World {
    World::try_new(1, 1.0, 8).unwrap()
}

fn function(character: Character) -> function::Function {
    let all = (0..8).map(|index| function::Function::of(&world(), index));
    all.into_iter().find(|function| function.character == character).unwrap()
}

/// GetFunctionLogs of `function` over `from..=to`, with more arguments.
fn query(function: &function::Function, from: i64, to: i64, more: &Value) -> Value {
    let mut arguments = json!({
        "FunctionName": function.name(), "Namespace": function.namespace, "Limit": 10_000,
        "StartTime": stamp::plain(from, 8), "EndTime": stamp::plain(to, 8),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        arguments[name] = value.clone();
    }
    arguments
}

fn ask(function: &function::Function, now: i64, arguments: &Value) -> Value {
    sent::ask(&PRODUCT, &world(), now, "GetFunctionLogs", function.region, arguments)
}

#[test]
fn rows_that_ended_are_the_truth() {
    let (from, to) = (NOW - 4 * 3600, NOW);
    for character in Character::ALL {
        let function = function(character);
        let answer = ask(&function, to, &query(&function, from, to, &json!({})));
        let ended: BTreeSet<String> = answer["Data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["RetCode"] != 2)
            .map(|row| match row["RetryNum"].as_i64().unwrap() {
                0 => row["RequestId"].as_str().unwrap().to_owned(),
                n => format!("{}#{n}", row["RequestId"].as_str().unwrap()),
            })
            .collect();
        let span = Span { from: Timestamp::from_secs(from), to: Timestamp::from_secs(to), since: None };
        let truth: BTreeSet<String> = (PRODUCT.truth)(&world(), &span)
            .into_iter()
            .filter(|run| run.task == function.name() && run.created >= span.from)
            .map(|run| run.run)
            .collect();
        assert_eq!(ended, truth, "{character:?}");
        assert!(!truth.is_empty() || character == Character::Stuck, "{character:?}");
    }
}

#[test]
fn a_long_run_is_running_first_and_keeps_its_row() {
    let function = function(Character::Slow);
    let span = Span { from: Timestamp::from_secs(NOW - 86_400), to: Timestamp::from_secs(NOW), since: None };
    let runs = (PRODUCT.truth)(&world(), &span).into_iter().filter(|run| run.task == function.name());
    for run in runs {
        let start = run.created.secs();
        let codes: Vec<Value> = [start + 10, run.known.secs() - 1, run.known.secs() + 1]
            .map(|now| {
                let answer = ask(
                    &function,
                    now,
                    &query(&function, start, start, &json!({"FunctionRequestId": run.run})),
                );
                answer["Data"][0]["RetCode"].clone()
            })
            .into();
        assert_eq!(codes, [json!(2), json!(2), json!(run.code)], "{}", run.run);
    }
}

#[test]
fn a_row_is_never_later_than_it_may_be() {
    for character in Character::ALL {
        let function = function(character);
        for run in run::started(&world(), &function, NOW - 3600, NOW) {
            assert!((0..=8).contains(&(run.shown - run.started)));
        }
    }
}

#[test]
fn paging_and_order_hold_together() {
    let function = function(Character::Brief);
    let page = |offset: i64| {
        let more = json!({"Offset": offset, "Limit": 50, "Order": "asc", "OrderBy": "start_time"});
        let answer = ask(&function, NOW, &query(&function, NOW - 600, NOW, &more));
        (answer["TotalCount"].as_i64().unwrap(), answer["Data"].as_array().unwrap().clone())
    };
    let (total, _) = page(0);
    let rows: Vec<Value> = (0..=total / 50).flat_map(|n| page(n * 50).1).collect();
    assert_eq!(i64::try_from(rows.len()).unwrap(), total);
    assert!(rows.is_sorted_by_key(|row| row["StartTime"].as_str().map(str::to_owned)));
    let failed =
        ask(&function, NOW, &query(&function, NOW - 600, NOW, &json!({"Filter": {"RetCode": "not0"}})));
    assert!(failed["Data"].as_array().unwrap().iter().all(|row| row["RetCode"] != 0));
    assert!(failed["TotalCount"].as_i64() < Some(total));
}

#[test]
fn a_day_of_a_busy_function_does_not_fit_in_one_window() {
    let function = function(Character::Brief);
    let answer = ask(&function, NOW, &query(&function, NOW - 86_400, NOW, &json!({"Limit": 1})));
    assert!(answer["TotalCount"].as_i64() > Some(10_000));
}

#[test]
fn what_the_documents_forbid_is_refused() {
    let function = function(Character::Brief);
    let good = query(&function, NOW - 600, NOW, &json!({}));
    let refused = |arguments: &Value| {
        sent::refused(&PRODUCT, &world(), NOW, "GetFunctionLogs", function.region, arguments)
    };
    assert_eq!(refused(&good), "no error");
    for (name, value, code) in [
        ("Offset", json!(1), "LimitExceeded.Offset"),
        ("StartTime", Value::Null, "InvalidParameterValue.StartTimeOrEndTime"),
        ("StartTime", json!(stamp::plain(NOW - 86_401, 8)), "InvalidParameterValue.StartTimeOrEndTime"),
        ("StartTime", json!("2026-03-01T00:00:00Z"), "InvalidParameterValue.DateTime"),
        ("Order", json!("up"), "InvalidParameterValue"),
        ("OrderBy", json!("colour"), "InvalidParameterValue"),
        ("Filter", json!({"RetCode": "maybe"}), "InvalidParameterValue"),
        ("FunctionName", json!("nobody"), "ResourceNotFound.FunctionName"),
        ("FunctionName", Value::Null, "MissingParameter"),
        ("Namespace", json!("nowhere"), "ResourceNotFound.Namespace"),
        ("Page", json!(1), "UnknownParameter"),
    ] {
        let mut arguments = good.clone();
        arguments[name] = value;
        assert_eq!(refused(&arguments), code, "{name}");
    }
}

#[test]
fn discovery_lists_every_function_once() {
    let ask = |action: &str, region: &str, arguments: Value| {
        sent::ask(&PRODUCT, &world(), NOW, action, region, &arguments)
    };
    let mut names = BTreeSet::new();
    for region in REGIONS {
        let namespaces = ask("ListNamespaces", region, json!({"Limit": 100}));
        for namespace in namespaces["Namespaces"].as_array().unwrap() {
            for offset in 0..3 {
                let page = json!({"Namespace": namespace["Name"], "Offset": offset, "Limit": 1});
                let listed = ask("ListFunctions", region, page);
                assert_eq!(listed["TotalCount"], 2);
                for function in listed["Functions"].as_array().unwrap() {
                    assert!(names.insert(function["FunctionName"].as_str().unwrap().to_owned()));
                }
            }
        }
    }
    assert_eq!(names.len(), 8);
}
