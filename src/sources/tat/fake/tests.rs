use super::command::REGIONS;
use super::*;
use crate::model::{Outcome, Timestamp};
use crate::simulator::tc3::sent;
use crate::simulator::{Span, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-03-01 00:00:00 UTC.
const NOW: i64 = 1_772_323_200;

fn world() -> World {
    World::try_new(1, 1.0, 8).unwrap()
}

fn ask(action: &str, arguments: &Value) -> Value {
    sent::ask(&PRODUCT, &world(), NOW, action, REGIONS[0], arguments)
}

fn rows(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().unwrap().clone()
}

fn filter(name: &str, value: &str) -> Value {
    json!({"Filters": [{"Name": name, "Values": [value]}], "Limit": 100})
}

#[test]
fn pages_run_from_the_newest_back_and_miss_nothing() {
    let mut seen = Vec::new();
    for offset in [0, 100, 200] {
        let answer = ask("DescribeInvocations", &json!({"Limit": 100, "Offset": offset}));
        assert!(answer["TotalCount"].as_i64().unwrap() > 40_000, "a month of minutes");
        seen.extend(rows(&answer, "InvocationSet"));
    }
    assert!(seen.is_sorted_by(|a, b| a["CreatedTime"].as_str() >= b["CreatedTime"].as_str()));
    let ids: BTreeSet<&str> = seen.iter().map(|row| row["InvocationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 300);
}

#[test]
fn an_invocation_is_found_by_its_id_and_only_in_its_region() {
    let newest = rows(&ask("DescribeInvocations", &json!({"Limit": 3})), "InvocationSet");
    let ids: Vec<&str> = newest.iter().map(|row| row["InvocationId"].as_str().unwrap()).collect();
    let again = ask("DescribeInvocations", &json!({"InvocationIds": ids}));
    assert_eq!(rows(&again, "InvocationSet"), newest);
    let elsewhere =
        sent::ask(&PRODUCT, &world(), NOW, "DescribeInvocations", REGIONS[1], &json!({"InvocationIds": ids}));
    assert_eq!(elsewhere["TotalCount"], 0);
}

#[test]
fn tasks_and_invocations_tell_the_same() {
    for invocation in rows(&ask("DescribeInvocations", &json!({"Limit": 100})), "InvocationSet") {
        let id = invocation["InvocationId"].as_str().unwrap();
        let tasks = rows(&ask("DescribeInvocationTasks", &filter("invocation-id", id)), "InvocationTaskSet");
        let brief = rows(&invocation, "InvocationTaskBasicInfoSet");
        assert_eq!(tasks.len(), brief.len());
        for (task, brief) in tasks.iter().zip(&brief) {
            for name in ["InvocationTaskId", "TaskStatus", "InstanceId"] {
                assert_eq!(task[name], brief[name]);
            }
            let one =
                ask("DescribeInvocationTasks", &json!({"InvocationTaskIds": [task["InvocationTaskId"]]}));
            assert_eq!(rows(&one, "InvocationTaskSet"), std::slice::from_ref(task));
        }
    }
}

#[test]
fn filters_select_and_totals_count_what_they_select() {
    let one = rows(&ask("DescribeInvocationTasks", &json!({"Limit": 1})), "InvocationTaskSet");
    for (name, field) in [("command-id", "CommandId"), ("instance-id", "InstanceId")] {
        let answer = ask("DescribeInvocationTasks", &filter(name, one[0][field].as_str().unwrap()));
        let found = rows(&answer, "InvocationTaskSet");
        assert!(found.len() == 100 && found.iter().all(|row| row[field] == one[0][field]), "{name}");
        let whole = ask("DescribeInvocationTasks", &json!({}))["TotalCount"].as_i64();
        assert!(answer["TotalCount"].as_i64() < whole);
    }
    let kinds = rows(&ask("DescribeInvocations", &filter("instance-kind", "CVM")), "InvocationSet");
    assert!(!kinds.is_empty() && kinds.iter().all(|row| row["InstanceKind"] == "CVM"));
}

#[test]
fn every_status_of_the_documents_occurs_and_truth_counts_the_final_ones() {
    let span = Span { from: Timestamp::from_secs(NOW - 86_400), to: Timestamp::from_secs(NOW), since: None };
    let truth = (PRODUCT.truth)(&world(), &span);
    let outcomes: BTreeSet<Outcome> = truth.iter().map(|run| run.outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Failed, Outcome::Timeout, Outcome::Cancelled].into());
    let mut statuses = BTreeSet::new();
    for run in &truth {
        let asked = json!({"InvocationTaskIds": [run.run]});
        for now in [run.created.secs(), run.created.secs() + 3, run.ended.secs() - 1, run.ended.secs()] {
            let answer = sent::ask(&PRODUCT, &world(), now, "DescribeInvocationTasks", &run.region, &asked);
            let row = &answer["InvocationTaskSet"][0];
            statuses.insert(row["TaskStatus"].as_str().unwrap().to_owned());
            assert_eq!(row["EndTime"].is_null(), now < run.ended.secs(), "{row}");
        }
    }
    let known = [
        "CANCELLED",
        "CANCELLING",
        "DELIVERING",
        "DELIVER_DELAYED",
        "DELIVER_FAILED",
        "FAILED",
        "PENDING",
        "RUNNING",
        "START_FAILED",
        "SUCCESS",
        "TASK_TIMEOUT",
        "TERMINATED",
        "TIMEOUT",
    ];
    assert_eq!(statuses, known.map(str::to_owned).into());
}

#[test]
fn names_come_from_describe_commands_but_not_of_deleted_ones() {
    for region in REGIONS {
        let commands = sent::ask(&PRODUCT, &world(), NOW, "DescribeCommands", region, &json!({"Limit": 100}));
        let span =
            Span { from: Timestamp::from_secs(NOW - 7200), to: Timestamp::from_secs(NOW), since: None };
        for run in (PRODUCT.truth)(&world(), &span).iter().filter(|run| run.region == region) {
            let named = rows(&commands, "CommandSet").into_iter().find(|row| row["CommandId"] == run.task_id);
            assert_eq!(
                named.map_or(json!(run.task_id), |row| row["CommandName"].clone()),
                json!(run.workflow)
            );
        }
    }
}

#[test]
fn what_the_documents_forbid_is_refused() {
    let values = |n: usize| vec!["x"; n];
    let one = json!({"Name": "command-id", "Values": ["x"]});
    for (arguments, code) in [
        (json!({"InvocationIds": ["inv-1"], "Filters": [one]}), "InvalidParameter.ConflictParameter"),
        (json!({"InvocationIds": values(101)}), "InvalidParameterValue.LimitExceeded"),
        (json!({"InvocationIds": ["nonsense"]}), "InvalidParameterValue.InvalidInvocationId"),
        (json!({"Limit": 101}), "InvalidParameterValue.LimitExceeded"),
        (json!({"Filters": vec![one.clone(); 11]}), "InvalidParameterValue.LimitExceeded"),
        (
            json!({"Filters": [{"Name": "instance-id", "Values": ["x"]}]}),
            "InvalidParameterValue.InvalidFilter",
        ),
        (
            json!({"Filters": [{"Name": "command-id", "Values": values(6)}]}),
            "LimitExceeded.FilterValueExceeded",
        ),
        (json!({"Filters": "x"}), "InvalidParameter"),
        (json!({"StartTime": "x"}), "UnknownParameter"),
    ] {
        let got = sent::refused(&PRODUCT, &world(), NOW, "DescribeInvocations", REGIONS[0], &arguments);
        assert_eq!(got, code, "{arguments}");
    }
}
