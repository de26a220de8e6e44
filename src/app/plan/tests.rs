use super::*;
use crate::app::demands;
use crate::config::Config;
use crate::model::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

const ACCOUNTS: &str = r#"
[accounts.main]
provider = "tencentcloud"
credentials = { secret_id = { env = "ID" }, secret_key = { env = "KEY" } }
budget = 0.5
[accounts.plant]
provider = "enos"
gateway = "http://127.0.0.1:1"
access_key = { env = "ID" }
secret_key = { env = "KEY" }
org_id = "o1"
user_id = "u1"
requests_per_second = 2.0
"#;

fn planned(sources: &str, assumed: &[&str]) -> Outline {
    let env: BTreeMap<String, String> =
        ["ID", "KEY"].map(|name| (name.to_owned(), "x".to_owned())).into_iter().collect();
    let config = Config::load_text(&demands(), "test.toml", &format!("{ACCOUNTS}{sources}"), &env).unwrap();
    let assumed: Vec<String> = assumed.iter().map(|text| (*text).to_owned()).collect();
    let given = Given::read(&assumed, &config.sources).unwrap();
    outline(&config, &Assumptions { given, recalled: Vec::new() }, Timestamp::from_secs(1_763_726_400))
        .unwrap()
}

fn section(name: &str, kind: &str, schedule: &str, settings: &str) -> String {
    let (account, regions) = match kind {
        "enos" => ("plant", ""),
        _ => ("main", "regions = [\"ap-guangzhou\"]\n"),
    };
    format!(
        "[sources.{name}]\nkind = \"{kind}\"\naccount = \"{account}\"\n{regions}schedule = {schedule}\n[sources.{name}.settings]\n{settings}\n"
    )
}

fn load<'o>(outline: &'o Outline, action: &str) -> &'o Load {
    outline.loads.iter().find(|load| load.called.action == action).unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= b.abs() * 1e-6
}

#[test]
fn calls_are_told_against_what_the_budget_allows() {
    let flows = section("flows", "wedata", "\"60s\"", "projects = [\"1\", \"2\"]\ndetail = \"failed\"");
    let outline = planned(
        &flows,
        &[
            "flows.runs_per_day=86400",
            "flows.failed_share=0.1",
            "flows.rerun_share=0",
            "flows.open_runs=0",
            "flows.log_pages=2",
        ],
    );
    let list = load(&outline, "ListInstances");
    // 60 s and the overlap of 300 s, a run a second, two rows a run, two projects: 360 rows each, two pages.
    assert!((list.per_second()[0] * 60.0 - 4.0).abs() < 0.1, "{list:?}");
    assert_eq!((list.documented, list.allowed), (Some(20.0), 10.0));
    assert!(near(load(&outline, "GetTaskInstance").per_second()[0], 0.1));
    assert!(near(load(&outline, "GetInstanceLog").per_second()[0], 0.2));
    assert_eq!(outline.warnings, [""; 0]);
    let first: f64 = outline.sources[0].usual().forecast.first.iter().map(|(_, count)| count).sum();
    // A day of it: 864 pages and one of what is open for each project, a tenth of the runs with two pages of log.
    assert!((26_000.0..28_000.0).contains(&first), "{first}");
}

#[test]
fn a_poll_that_cannot_end_in_time_is_warned_of_with_what_helps() {
    let flows = section("flows", "wedata", "\"5s\"", "projects = [\"*\"]");
    let outline = planned(&flows, &["flows.projects=100", "flows.open_runs=0"]);
    let [warning] = &outline.warnings[..] else { panic!("{:?}", outline.warnings) };
    assert!(
        warning.starts_with("flows: a poll takes about 10s at the allowed rate, and there are 5s"),
        "{warning}"
    );
    assert!(warning.contains("longer schedule") && warning.contains("fewer projects"), "{warning}");
}

#[test]
fn sources_that_fit_alone_and_not_together_are_named() {
    let two = section("a", "scf", "\"10s\"", "functions = [\"*\"]")
        + &section("b", "scf", "\"10s\"", "functions = [\"*\"]");
    let alone = planned(&section("a", "scf", "\"10s\"", "functions = [\"*\"]"), &["a.functions=15"]);
    assert_eq!(alone.warnings, [""; 0]);
    let outline = planned(&two, &["a.functions=15", "b.functions=15"]);
    let [warning] = &outline.warnings[..] else { panic!("{:?}", outline.warnings) };
    assert!(
        warning.contains("GetFunctionLogs: a and b together make 3 calls a second, and 2.50 are allowed"),
        "{warning}"
    );
}

#[test]
fn an_adaptive_source_is_told_with_its_bounds_and_held_to_the_fastest() {
    let adaptive = "\"60s\"\nschedule_running = \"1s\"\nschedule_idle = \"10m\"";
    let outline = planned(&section("commands", "tat", adaptive, ""), &["commands.runs_per_day=0"]);
    let rates = load(&outline, "DescribeInvocations").per_second();
    assert!(near(rates[0], 1.0 / 60.0) && near(rates[1], 1.0) && near(rates[2], 1.0 / 600.0), "{rates:?}");
    let functions = planned(&section("f", "scf", adaptive, "functions = [\"*\"]"), &["f.functions=20"]);
    let [warning] = &functions.warnings[..] else { panic!("{:?}", functions.warnings) };
    assert!(warning.contains("(schedule_running)"), "{warning}");
    let text = show::text(&functions);
    assert!(text.contains("schedule_idle 10m 0s") && text.contains("at most"), "{text}");
}

#[test]
fn a_cron_schedule_counts_its_ticks_and_is_held_to_the_shortest_rest() {
    // Every minute of one hour a day.
    let source = section("commands", "tat", "\"0 * 3 * * *\"", "");
    let outline = planned(&source, &["commands.runs_per_day=0"]);
    let pace = outline.sources[0].usual();
    assert_eq!(pace.shortest, Duration::from_secs(60));
    let day = load(&outline, "DescribeInvocations").per_second()[0] * 86_400.0;
    assert!((55.0..75.0).contains(&day), "{day}");
}

#[test]
fn all_of_enos_counts_under_one_limit() {
    let outline =
        planned(&section("batch", "enos", "\"60s\"", "flow_types = [\"manual\", \"periodic\"]"), &[]);
    let [limit] = &outline.loads[..] else { panic!("{:?}", outline.loads) };
    assert_eq!((limit.called.action, limit.documented, limit.allowed), ("*", None, 2.0));
    let sum: f64 = outline.actions.iter().map(|(_, _, rate)| rate).sum();
    assert!(near(limit.per_second()[0], sum));
    let (text, json) = (show::text(&outline), show::json(&outline));
    assert!(text.contains("taskInstances/get") && json.contains("taskInstances/get"), "{text}");
}
