//! What the repository says of the program in other languages than Rust: dashboards, rules, tables, examples.

mod promql;

use promql::Selector;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};
use std::process::Command;
use taskrun_exporter::app;
use taskrun_exporter::config::Config;
use taskrun_exporter::metrics::catalog::{self, Family, Type};
use taskrun_exporter::sources::KINDS;

/// The longest source file that anybody should have to read.
const MOST_LINES: usize = 500;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &Path) -> String {
    read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder with this extension, in order; at least one.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = read_dir(at(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|has| has == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no *.{extension} in {folder}");
    found
}

fn families() -> Vec<Family> {
    let natives: Vec<_> = KINDS.iter().flat_map(|kind| kind.natives).copied().collect();
    catalog::whole(&natives)
}

/// The names under which Prometheus stores the families, and the labels that each has there.
fn series(families: &[Family]) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut series = BTreeMap::new();
    for family in families {
        let labels: BTreeSet<&'static str> =
            family.subject.labels().iter().chain(family.labels).copied().chain(["job", "instance"]).collect();
        if family.kind == Type::Histogram {
            for suffix in ["_sum", "_count"] {
                series.insert(format!("{}{suffix}", family.name), labels.clone());
            }
            let buckets = labels.into_iter().chain(["le"]).collect();
            series.insert(format!("{}_bucket", family.name), buckets);
        } else {
            series.insert(family.name.to_owned(), labels);
        }
    }
    series.insert("up".to_owned(), ["job", "instance"].into());
    series
}

/// What a query names that does not exist: families, labels of their selectors, and labels it groups or joins by.
fn unknown(query: &str, series: &BTreeMap<String, BTreeSet<&'static str>>) -> Vec<String> {
    let mut unknown = Vec::new();
    let mut known_labels: BTreeSet<&str> = BTreeSet::new();
    let promql::Query { selectors, labels } = promql::read(query);
    for Selector { family, labels } in selectors {
        match series.get(&family) {
            None => unknown.push(format!("no family {family}")),
            Some(has) => {
                let wrong = labels.iter().filter(|label| !has.contains(label.as_str()));
                unknown.extend(wrong.map(|label| format!("{family} has no label {label}")));
                known_labels.extend(has);
            }
        }
    }
    let wrong = labels.iter().filter(|label| !known_labels.contains(label.as_str()));
    unknown.extend(wrong.map(|label| format!("no family of the query has a label {label}")));
    unknown
}

/// Every text under `key`, however deep.
fn texts_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key).and_then(Value::as_str));
            members.values().for_each(|member| texts_under(member, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts_under(item, key, found)),
        _ => {}
    }
}

#[test]
fn dashboards_ask_for_what_exists() {
    let series = series(&families());
    let mut wrong = Vec::new();
    for file in files("dashboards", "json") {
        let dashboard: Value = serde_json::from_str(&text(&file)).unwrap();
        let mut queries = Vec::new();
        texts_under(&dashboard["panels"], "expr", &mut queries);
        texts_under(&dashboard["templating"], "query", &mut queries);
        queries.retain(|query| *query != "prometheus");
        assert!(queries.len() > 5, "{}", file.display());
        for query in queries {
            wrong.extend(
                unknown(query, &series).iter().map(|what| format!("{}: {what}: {query}", file.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn rules_ask_for_what_exists() {
    let mut series = series(&families());
    // Whatever a recording rule is named has at most the labels that there are.
    let labels: BTreeSet<&str> = series.values().flatten().copied().collect();
    for file in files("config/prometheus", "yml") {
        let text = text(&file);
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
        series.extend(names.map(|name| (name.to_owned(), labels.clone())));
    }
    let mut wrong = Vec::new();
    for file in files("config/prometheus", "yml") {
        for query in promql::rules(&text(&file)) {
            wrong.extend(
                unknown(&query, &series).iter().map(|what| format!("{}: {what}: {query}", file.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_does_not_exist_is_found() {
    let series = series(&families());
    for query in [
        "taskrun_run_total",
        "rate(taskrun_run_duration_seconds[5m])",
        "taskrun_source_up{sauce=\"s\"}",
        "taskrun_source_up{source=~\"s\", sauce!=\"s\"}",
        "sum by (outcome) (taskrun_source_up)",
        "taskrun_source_up * on (job) group_left (run_id) taskrun_exporter_build_info",
        "label_values(taskrun_source_up{job=~\"$job\"}, task)",
        "sum(rate(taskrun_runs_total{le=\"1\"}[$__rate_interval]))",
    ] {
        assert_eq!(unknown(query, &series).len(), 1, "{query}");
    }
    for query in [
        "histogram_quantile(0.95, sum by (le, kind) (rate(taskrun_run_duration_seconds_bucket{job=~\"$job\"}[$__rate_interval])))",
        "label_values(taskrun_source_up{job=~\"$job\", instance=~\"$instance\"}, kind)",
        "topk(5, time() - max by (task) (taskrun_last_run_end_timestamp_seconds{task!~\"a{2} or (taskrun_x)\"})) > bool 3e5",
        "absent(up{job=\"taskrun-exporter\"}) or on () vector(0)",
        "count(last_over_time(taskrun_source_up[1h:5m] offset 1d @ end()))",
    ] {
        assert_eq!(unknown(query, &series), Vec::<String>::new(), "{query}");
    }
}

/// What stands behind `key` in the rules for alerts, in their order.
fn of_alerts(key: &str) -> Vec<String> {
    let alerts = text(&at("config/prometheus/alerts.yml"));
    alerts.lines().filter_map(|line| Some(line.trim().strip_prefix(key)?.trim().to_owned())).collect()
}

#[test]
fn every_alert_is_told_in_full_and_has_its_heading_in_the_runbooks() {
    let runbooks = text(&at("dashboards/runbooks.md"));
    let names = of_alerts("- alert:");
    assert!(names.len() > 20);
    let headings: Vec<&str> = runbooks.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        headings, names,
        "dashboards/runbooks.md has other headings, or another order, than there are alerts"
    );
    for (section, name) in runbooks.split("\n## ").skip(1).zip(&names) {
        for part in ["**Meaning.**", "**Impact.**", "**Look.**", "**Fix.**"] {
            assert!(section.contains(part), "{name}: {part} is missing");
        }
    }
    let anchors: Vec<String> = of_alerts("runbook_url:")
        .iter()
        .filter_map(|url| Some(url.strip_prefix("https://")?.split_once('#')?.1.to_owned()))
        .collect();
    let wanted: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(anchors, wanted);
    for key in ["summary:", "description:", "severity:"] {
        assert_eq!(of_alerts(key).len(), names.len(), "{key}");
    }
}

#[test]
fn every_alert_fires_stays_silent_and_is_tried_without_its_series() {
    let missing = at("tests/rules/missing.yml");
    let elsewhere = files("tests/rules", "yml").into_iter().filter(|file| *file != missing);
    let elsewhere: String = elsewhere.map(|file| text(&file)).collect();
    let missing = text(&missing);
    for name in of_alerts("- alert:") {
        let has = |tests: &str, ending: &str| tests.contains(&format!("alertname: {name}{ending}"));
        assert!(has(&elsewhere, "\n"), "{name} has no test in which it fires");
        assert!(has(&elsewhere, ", "), "{name} has no test in which it stays silent");
        assert!(has(&missing, ", "), "{name} is not in missing.yml");
    }
}

#[test]
fn the_alerts_of_grafana_are_those_of_prometheus() {
    let python =
        std::env::var_os("INTEROP_PYTHON").expect("INTEROP_PYTHON names a Python with PyYAML: make test");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut rules = Command::new(python);
    rules.arg(at("config/rules.py")).args((!update).then_some("--check"));
    let said = rules.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn the_readme_lists_the_catalogue() {
    let (begin, end) = ("<!-- metrics:begin -->\n", "<!-- metrics:end -->");
    let file = at("README.md");
    let readme = text(&file);
    let (head, rest) = readme.split_once(begin).expect("README.md has a mark where the table begins");
    let (listed, tail) = rest.split_once(end).expect("README.md has a mark where the table ends");
    let table = catalog::markdown(&families());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, format!("{head}{begin}\n{table}\n{end}{tail}")).unwrap();
    } else {
        assert_eq!(listed.trim(), table.trim(), "README.md is behind the catalogue; run make golden");
    }
}

#[test]
fn the_example_configurations_fit_every_kind() {
    for name in ["config/example.toml", "config/demo.toml"] {
        // The secrets are named there, not given.
        let text = text(&at(name));
        let named = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let env = named.map(|name| (name.to_owned(), "any".to_owned())).collect();
        let config = Config::load_for(&app::demands(), &[at(name)], &env)
            .unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        for kind in KINDS {
            let section = config.sources.iter().find(|section| section.kind == kind.name);
            let section = section.unwrap_or_else(|| panic!("{name} has no source of kind {}", kind.name));
            assert_eq!((kind.check)(section), [], "{name}");
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let mut folders = vec![at("src")];
    let mut long = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let lines = text(&path).lines().count();
                long.extend((lines > MOST_LINES).then(|| format!("{}: {lines} lines", path.display())));
            }
        }
    }
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}
