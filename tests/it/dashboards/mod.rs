//! The dashboards: what `dashboards/generate.py` writes, held to the conventions, and asked of a real Prometheus.

mod asked;
mod page;

use page::{Page, counters, pages};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Whom people bookmark and link: these never change.
const UIDS: [&str; 7] = [
    "taskrun-enos",
    "taskrun-exporter",
    "taskrun-overview",
    "taskrun-scf",
    "taskrun-task",
    "taskrun-tat",
    "taskrun-wedata",
];

/// All that is wrong at once, or nothing.
fn nothing_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_files_are_what_the_generator_writes() {
    let python = std::env::var("INTEROP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = format!("{}/dashboards/generate.py", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python).args([&script, "--check"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn pages_can_be_provisioned_and_linked() {
    let pages = pages();
    let uids: Vec<&str> = pages.iter().map(|page| page.text("uid")).collect();
    assert_eq!(uids, UIDS);
    for Page { name, json } in &pages {
        assert!(json["id"].is_null(), "{name}");
        assert_eq!(json["version"], 1, "{name}");
        assert_eq!(json["editable"], false, "{name}");
        assert_eq!(json["tags"], serde_json::json!(["taskrun"]), "{name}");
        assert!(json["schemaVersion"].as_u64() >= Some(39), "{name}");
        assert!(json["refresh"].is_string() && json["description"].is_string(), "{name}");
        let link = &json["links"][0];
        assert_eq!(link["tags"], json["tags"], "{name}");
        assert!(link["includeVars"] == true && link["keepTime"] == true, "{name}");
        assert!(json["panels"][0]["title"].as_str().unwrap().contains("trusted"), "{name}");
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    let mut wrong = Vec::new();
    for page in pages() {
        let mut ids = BTreeSet::new();
        let mut boxes: Vec<(i64, i64, i64, i64)> = Vec::new();
        for panel in page.panels() {
            let mut want = |holds: bool, what: &str| {
                if !holds {
                    wrong.push(format!("{}: {}: {what}", page.name, panel["title"]));
                }
            };
            let place = |key: &str| panel["gridPos"][key].as_i64().unwrap();
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            want(x + w <= 24, "reaches over the edge");
            let apart =
                |o: &(i64, i64, i64, i64)| x + w <= o.0 || o.0 + o.2 <= x || y + h <= o.1 || o.1 + o.3 <= y;
            want(boxes.iter().all(apart), "covers another");
            boxes.push((x, y, w, h));
            want(ids.insert(panel["id"].as_u64()), "shares its id");
            want(panel["title"].as_str().is_some_and(|title| !title.is_empty()), "has no title");
            if panel["type"] == "row" {
                continue;
            }
            let description = panel["description"].as_str().unwrap_or_default();
            want(description.len() > 30 && description.ends_with('.'), "does not say how to read it");
            let source = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
            want(panel["datasource"] == source, "asks another data source");
            let targets = panel["targets"].as_array().unwrap();
            want(!targets.is_empty(), "asks nothing");
            want(targets.iter().all(|target| target["datasource"] == source), "mixes data sources");
            let fields = &panel["fieldConfig"]["defaults"];
            want(fields["unit"].is_string(), "has no unit");
            want(fields["noValue"].is_string(), "does not say what it means to show nothing");
            // A range would keep the last thing that an exporter said before it went down.
            if ["stat", "table"].iter().any(|kind| panel["type"] == *kind) {
                want(
                    targets.iter().all(|t| t["instant"] == true && t["range"] == false),
                    "shows what is past as if it were now",
                );
            }
            let steps = fields["thresholds"]["steps"].as_array().map_or(&[][..], Vec::as_slice);
            if panel["type"] == "stat" && steps.len() > 1 {
                let (unknown, zero) = (&steps[0]["color"], &steps[1]["color"]);
                want(steps[1]["value"] == 0 && unknown != zero, "colours the unknown like zero");
            }
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn queries_keep_to_the_rules() {
    let counters = counters();
    let mut wrong = Vec::new();
    for page in pages() {
        for (title, query) in page.queries() {
            wrong.extend(
                faults_of(&query, &counters)
                    .iter()
                    .map(|what| format!("{}: {title}: {what}: {query}", page.name)),
            );
        }
    }
    nothing_wrong(&wrong);
}

/// What a query does that it must not.
fn faults_of(query: &str, counters: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let every = r#"{job=~"$job", instance=~"$instance""#;
    if query.matches('{').count() != query.matches(every).count() {
        faults.push("a selector that leaves out job or instance".to_owned());
    }
    for (at, selector) in query.match_indices('{') {
        let before = &query[..at];
        let name_at =
            before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |end| end + 1);
        let name = &before[name_at..];
        let rated = ["rate(", "increase("].iter().any(|function| before[..name_at].ends_with(function));
        if rated != counters.contains(name) {
            faults.push(format!(
                "{name} {selector} {}",
                if rated { "is no counter" } else { "is a counter, without rate" }
            ));
        }
    }
    for (at, _) in query.match_indices('[') {
        let rest = &query[at..];
        let rated = query[..at].rfind('(').is_some_and(|open| query[..open].ends_with("rate"));
        let fits = rest.starts_with("[$__rate_interval]") || (!rated && rest.starts_with("[$__range]"));
        if !fits {
            faults.push("a range of fixed length".to_owned());
        }
    }
    faults
}

#[test]
fn a_query_that_breaks_a_rule_is_found() {
    let counters = counters();
    for query in [
        r#"sum(taskrun_runs_total{job=~"$job", instance=~"$instance"})"#,
        r#"rate(taskrun_source_up{job=~"$job", instance=~"$instance"}[$__rate_interval])"#,
        r#"rate(taskrun_runs_total{job=~"$job", instance=~"$instance"}[5m])"#,
        r#"rate(taskrun_runs_total{job=~"$job", instance=~"$instance"}[$__range])"#,
        r#"taskrun_source_up{job=~"$job"}"#,
        r#"taskrun_run_duration_seconds_bucket{job=~"$job", instance=~"$instance"}"#,
    ] {
        assert_eq!(faults_of(query, &counters).len(), 1, "{query}");
    }
    let fine = r#"increase(taskrun_runs_total{job=~"$job", instance=~"$instance"}[$__range]) / max_over_time(up{job=~"$job", instance=~"$instance"}[$__range])"#;
    assert_eq!(faults_of(fine, &counters), Vec::<String>::new());
}

#[test]
fn links_lead_to_pages_that_exist() {
    for page in pages() {
        let mut urls = Vec::new();
        page::texts_under(&page.json["panels"], "url", &mut urls);
        assert!(!urls.is_empty(), "{}", page.name);
        for url in &urls {
            let uid = url.strip_prefix("/d/").and_then(|rest| rest.split('?').next());
            assert!(uid.is_some_and(|uid| UIDS.contains(&uid)), "{}: {url}", page.name);
        }
        // A table of tasks leads from each row to the task.
        for panel in page.panels().iter().filter(|panel| panel["type"] == "table") {
            let renamed = &panel["transformations"][1]["options"]["renameByName"];
            if renamed["task"].is_string() {
                let linked = panel["fieldConfig"]["overrides"].to_string();
                assert!(
                    linked.contains("/d/taskrun-task?") && linked.contains("var-task="),
                    "{}: {}",
                    page.name,
                    panel["title"]
                );
            }
        }
    }
}

#[test]
fn a_word_has_one_colour_everywhere() {
    let mut colours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for page in pages() {
        for panel in page.panels() {
            for (word, colour) in page::colours(panel) {
                colours.entry(word).or_default().insert(colour);
            }
        }
    }
    for state in [
        "success",
        "failed",
        "timeout",
        "cancelled",
        "skipped",
        "waiting",
        "queued",
        "running",
        "retrying",
        "ok",
    ] {
        assert!(colours.contains_key(state), "{state} is coloured nowhere");
    }
    // To be kept is good, to be overdue is not.
    let answers = ["yes", "no"];
    let several: Vec<_> =
        colours.iter().filter(|(word, of)| of.len() > 1 && !answers.contains(&word.as_str())).collect();
    assert!(several.is_empty(), "{several:?}");
    // A kind's own word for a state has the state's colour.
    for (word, state) in [
        ("SUCCESS", "success"),
        ("FAILED", "failed"),
        ("RUNNING", "running"),
        ("2 success", "success"),
        ("-1 FAIL", "failed"),
    ] {
        assert_eq!(colours[word], colours[state], "{word}");
    }
}

#[test]
fn the_pictures_of_the_readme_exist() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let pictures: Vec<&str> = readme
        .split("dashboards/")
        .skip(1)
        .filter_map(|rest| rest.split_once(".png").map(|(name, _)| name))
        .collect();
    assert!(!pictures.is_empty());
    for name in pictures {
        let path = format!("{}/dashboards/{name}.png", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&path).exists(), "{path}");
    }
}
