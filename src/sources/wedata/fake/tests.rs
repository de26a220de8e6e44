use super::project::PROJECTS;
use super::*;
use crate::model::{Outcome, Timestamp};
use crate::simulator::tc3::sent;
use crate::simulator::{Character, Span, TrueRun, World, stamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-03-01 00:00:00 UTC.
const NOW: i64 = 1_772_323_200;
const GUANGZHOU: &str = "ap-guangzhou";

fn world() -> World {
    World::try_new(1, 1.0, 8).unwrap()
}

fn ask(now: i64, action: &str, arguments: &Value) -> Value {
    sent::ask(&PRODUCT, &world(), now, action, GUANGZHOU, arguments)
}

fn refused(action: &str, arguments: &Value) -> String {
    sent::refused(&PRODUCT, &world(), NOW, action, GUANGZHOU, arguments)
}

/// ListInstances of the first project over `from..=to`, with more arguments.
fn listing(from: i64, to: i64, more: &Value) -> Value {
    let mut arguments = json!({
        "ProjectId": PROJECTS[0].id,
        "ScheduleTimeFrom": stamp::plain(from, 8),
        "ScheduleTimeTo": stamp::plain(to, 8),
        "PageSize": 200,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        arguments[name] = value.clone();
    }
    arguments
}

fn span(from: i64, to: i64) -> Span {
    Span { from: Timestamp::from_secs(from), to: Timestamp::from_secs(to), since: None }
}

/// All rows of the last day.
fn all_rows(more: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 1.. {
        let mut arguments = listing(NOW - 86_400, NOW + 86_400, more);
        arguments["PageNumber"] = json!(page);
        let data = ask(NOW, "ListInstances", &arguments)["Data"].clone();
        rows.extend(data["Items"].as_array().unwrap().iter().cloned());
        if page >= data["TotalPage"].as_i64().unwrap() {
            assert_eq!(data["TotalCount"], rows.len());
            return rows;
        }
    }
    rows
}

#[test]
fn paging_shows_every_row_once() {
    let rows = all_rows(&json!({}));
    let keys: BTreeSet<&str> = rows.iter().map(|row| row["InstanceKey"].as_str().unwrap()).collect();
    assert!(rows.len() > 400, "{}", rows.len());
    assert_eq!(keys.len(), rows.len());
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(world_rows(1), world_rows(1));
    assert_ne!(world_rows(1), world_rows(2));
}

fn world_rows(seed: u64) -> Value {
    let world = World::try_new(seed, 1.0, 8).unwrap();
    let arguments = listing(NOW - 7200, NOW, &json!({}));
    sent::ask(&PRODUCT, &world, NOW, "ListInstances", GUANGZHOU, &arguments)["Data"].clone()
}

#[test]
fn a_life_comes_to_rest_within_its_reach_and_the_truth_tells_all_of_it() {
    for speed in [0.5, 1.0, 300.0] {
        let world = World::try_new(1, speed, 8).unwrap();
        for task in (0..8).map(|index| history::Task::of(&world, index)) {
            let near = task.rhythm.index(task.rhythm.at(0)).unwrap();
            for instance in (near..near + 300).map(|k| task.instance(&world, k)) {
                let last =
                    instance.rounds.iter().map(|round| round.forced.unwrap_or(round.ended())).max().unwrap();
                assert!(last <= instance.planned + world.reach(task.character), "{:?}", task.character);
                for round in &instance.rounds {
                    assert!(round.phases.is_sorted_by(|a, b| a.at < b.at), "{:?}", task.character);
                }
            }
        }
    }
}

#[test]
fn every_documented_group_of_states_occurs() {
    let world = world();
    let mut seen = BTreeSet::new();
    for task in (0..8).map(|index| history::Task::of(&world, index)) {
        for instance in (0..2000).map(|k| task.instance(&world, k)) {
            for round in instance.rounds {
                seen.extend(round.phases.iter().map(|phase| phase.state));
            }
        }
    }
    assert_eq!(seen, BTreeSet::from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 18, 19, 21, 22]));
}

#[test]
fn rows_and_truth_agree_on_what_ended() {
    let truth = (PRODUCT.truth)(&world(), &span(NOW - 3600, NOW));
    let mine: Vec<&TrueRun> = truth.iter().filter(|run| run.project == PROJECTS[0].id).collect();
    assert!(mine.len() > 30, "{}", mine.len());
    for run in mine {
        let (key, round) = run.run.split_once('#').unwrap_or((&run.run, "0"));
        let detail = ask(NOW, "GetTaskInstance", &json!({"ProjectId": PROJECTS[0].id, "InstanceKey": key}));
        let life = &detail["Data"]["InstanceLifeCycleList"][round.parse::<usize>().unwrap()];
        let state = life["InstanceState"].as_i64().unwrap();
        let wanted: &[i64] = match (run.outcome, run.revised) {
            (Outcome::Failed, Some((at, _))) if at.secs() <= NOW => &[2],
            (Outcome::Success, _) => &[2],
            (Outcome::Skipped, _) => &[21],
            _ => &[4, 5, 8, 13],
        };
        assert!(wanted.contains(&state), "{key} {round}: {state}");
        assert_eq!(life["Tries"].as_i64(), Some(run.retries));
    }
}

#[test]
fn a_change_moves_the_time_of_the_last_update() {
    let world = world();
    let task =
        (0..8).map(|index| history::Task::of(&world, index)).find(|task| task.character == Character::Odd);
    let task = task.unwrap();
    let forced =
        (0..).map(|k| task.instance(&world, 3_900_000 + k)).find(|one| one.rounds[0].forced.is_some());
    let instance = forced.unwrap();
    let at = instance.rounds[0].forced.unwrap();
    let row = |now: i64| {
        let more = json!({"LastUpdateTimeFrom": stamp::plain(now - 10, 8), "LastUpdateTimeTo": stamp::plain(now, 8)});
        let arguments = listing(instance.planned, instance.planned, &more);
        let items = ask(now, "ListInstances", &arguments)["Data"]["Items"].as_array().unwrap().clone();
        let mine = |item: &&Value| item["TaskId"] == task.id();
        items.iter().find(mine).map(|item| (item["InstanceState"].as_i64(), item["LastUpdateTime"].clone()))
    };
    assert_eq!(row(at), Some((Some(2), json!(stamp::plain(at, 8)))));
    assert_eq!(row(at - 1), None, "nothing had changed for a minute");
    let run = (PRODUCT.truth)(&world, &span(at - 3600, at)).into_iter().find(|run| {
        run.task_id == task.id() && run.revised == Some((Timestamp::from_secs(at), Outcome::Success))
    });
    assert_eq!(run.map(|run| run.outcome), Some(Outcome::Failed));
}

#[test]
fn times_follow_the_zone_and_data_times_do_not() {
    let key = all_rows(&json!({"InstanceStateList": [2]}))[0]["InstanceKey"].clone();
    let detail = |zone: &str| {
        let arguments = json!({"ProjectId": PROJECTS[0].id, "InstanceKey": key, "ScheduleTimeZone": zone});
        ask(NOW, "GetTaskInstance", &arguments)["Data"].clone()
    };
    let (east, less) = (detail("UTC+8"), detail("UTC+6"));
    for name in ["SchedulerTime", "StartTime", "EndTime"] {
        let at = |data: &Value, hours| stamp::read(data[name].as_str().unwrap(), hours).unwrap();
        assert_eq!(at(&east, 8), at(&less, 6), "{name}");
        assert_ne!(east[name], less[name], "{name}");
    }
    for name in ["InstanceKey", "CurRunDate", "NextCurDate"] {
        assert_eq!(east[name], less[name], "{name}");
    }
}

#[test]
fn a_log_is_read_page_by_page_until_its_end() {
    let rows = all_rows(&json!({"InstanceStateList": [2]}));
    let slow = rows.iter().find(|row| row["TaskName"] == Character::name(2)).unwrap();
    let key = json!({"ProjectId": PROJECTS[0].id, "InstanceKey": slow["InstanceKey"]});
    let detail = ask(NOW, "GetTaskInstance", &key);
    let life = &detail["Data"]["InstanceLifeCycleList"][0];
    let mut arguments = key;
    arguments["LifeRoundNum"] = json!(0);
    assert_eq!(refused("GetInstanceLog", &arguments), "FailedOperation", "without its job id");
    for name in ["ExecutionJobId", "OriginFileName", "BrokerIp"] {
        arguments[name] = life[name].clone();
    }
    let (mut pages, mut lines) = (0, BTreeSet::new());
    loop {
        let data = ask(NOW, "GetInstanceLog", &arguments)["Data"].clone();
        lines.extend(data["LogInfo"].as_str().unwrap().lines().map(str::to_owned));
        pages += 1;
        if data["IsEnd"] == true {
            break;
        }
        arguments["ExtInfo"] = data["ExtInfo"].clone();
    }
    assert!(pages >= 1 && lines.len() >= 200, "{pages} pages, {} lines", lines.len());
    arguments["ExtInfo"] = Value::Null;
    arguments["EndLineCount"] = json!(50);
    let first = ask(NOW, "GetInstanceLog", &arguments);
    assert_eq!((&first["Data"]["LineCount"], &first["Data"]["IsEnd"]), (&json!(50), &json!(false)));
}

#[test]
fn what_the_documents_forbid_is_refused() {
    let good = listing(NOW - 3600, NOW, &json!({}));
    assert_eq!(refused("ListInstances", &good), "no error");
    for (name, value, code) in [
        ("PageSize", json!(201), "InvalidParameterValue"),
        ("PageNumber", json!(0), "InvalidParameterValue"),
        ("PageSize", json!("10"), "InvalidParameter"),
        ("ScheduleTimeTo", Value::Null, "MissingParameter"),
        ("ScheduleTimeTo", json!("2025-03-28"), "InvalidParameterValue"),
        ("ScheduleTimeZone", json!("Asia/Shanghai"), "InvalidParameterValue"),
        ("SortColumn", json!("X"), "InvalidParameterValue"),
        ("Nonsense", json!(1), "UnknownParameter"),
        ("ProjectId", json!(PROJECTS[1].id), "UnauthorizedOperation.UserNotInProject"),
        ("ProjectId", json!(PROJECTS[2].id), "FailedOperation"),
    ] {
        let mut arguments = good.clone();
        arguments[name] = value;
        assert_eq!(refused("ListInstances", &arguments), code, "{name}");
    }
    let unknown = json!({"ProjectId": PROJECTS[0].id, "InstanceKey": "1_2025-03-28 00:00:00"});
    assert!(ask(NOW, "GetTaskInstance", &unknown)["Data"].is_null());
    assert_eq!(refused("Nonsense", &json!({})), "InvalidAction");
    assert_eq!(refused("DescribeTenantProjects", &json!({"PageSize": 10})), "MissingParameter");
    let elsewhere = sent::refused(&PRODUCT, &world(), NOW, "ListInstances", "mars-1", &good);
    assert_eq!(elsewhere, "UnsupportedRegion");
}

#[test]
fn filters_select() {
    let states = all_rows(&json!({"InstanceStateList": [2]}));
    assert!(states.iter().all(|row| row["InstanceState"] == 2));
    let word = all_rows(&json!({"Keyword": "heartbeat, nothing"}));
    assert!(!word.is_empty() && word.iter().all(|row| row["TaskName"] == "heartbeat"));
    assert!(all_rows(&json!({"TaskTypeIdList": [26]})).is_empty());
    let oldest = all_rows(&json!({"SortColumn": "START_TIME", "SortType": "ASC", "InstanceStateList": [2]}));
    assert!(oldest.is_sorted_by_key(|row| row["StartTime"].as_str().map(str::to_owned)));
    let projects = ask(NOW, "DescribeTenantProjects", &json!({"PageNumber": 1, "PageSize": 2}));
    assert_eq!(projects["Data"]["Rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(projects["Data"]["TotalCount"], 3);
}
