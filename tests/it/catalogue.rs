//! What is exposed is what the catalogue says, and nothing in it may be known.

use crate::page::Page;
use crate::rig::{Rig, START, source};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;
use taskrun_exporter::app::natives;
use taskrun_exporter::expose::{Format, Text};
use taskrun_exporter::metrics::catalog::{self, Type};
use taskrun_exporter::metrics::cell_families;
use taskrun_exporter::model::{
    Batch, Buckets, CellKey, CellPlan, Label, LogFacts, Observation, Outcome, Reach, RunId, RunState,
    TaskInfo, TaskKey, UnknownState, Waits,
};
use taskrun_exporter::simulator::{CANARY, tc3};
use taskrun_exporter::sources::KINDS;
use taskrun_exporter::state::{Limits, Store, series_of};

async fn watched() -> Rig {
    let sources: String = KINDS.iter().map(|kind| source(kind.name)).collect();
    let rig = Rig::start(&sources, 5).await;
    for step in [0, 300, 900] {
        rig.advance(step);
        rig.poll().await;
    }
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exposed_family_is_in_the_catalogue_with_its_labels() {
    let rig = watched().await;
    let text = format!("{}{}", rig.text(), rig.own_text());
    let page = Page::read(&text);
    let catalogue = catalog::whole(&natives());
    for (name, kind) in &page.families {
        let family = catalogue.iter().find(|family| family.name == name);
        let family = family.unwrap_or_else(|| panic!("{name} is exposed but not in the catalogue"));
        assert_eq!(family.kind.name(), kind, "{name}");
        let help = format!("# HELP {name} {}\n", family.help);
        assert!(text.contains(&help), "{name} says something else than the catalogue");
        let bound = if family.kind == Type::Histogram { &["le"][..] } else { &[] };
        let labels: BTreeSet<&str> =
            family.subject.labels().iter().chain(family.labels).chain(bound).copied().collect();
        for sample in &page.samples {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| sample.name.strip_suffix(end));
            if sample.name == *name || (family.kind == Type::Histogram && base == Some(name)) {
                let unknown: Vec<&String> =
                    sample.labels.keys().filter(|label| !labels.contains(label.as_str())).collect();
                assert!(unknown.is_empty(), "{name} has labels that are not in the catalogue: {unknown:?}");
            }
        }
    }
    // What no world of the simulator can show in half an hour.
    let rare = [
        "taskrun_credentials_expiry_timestamp_seconds",
        "taskrun_exporter_config_last_reload_successful",
        "taskrun_exporter_config_last_reload_success_timestamp_seconds",
        "taskrun_api_rate_limit_wait_seconds_total",
        // Only where there is a web configuration file, and a server.
        "taskrun_exporter_web_config_last_reload_successful",
        "taskrun_exporter_web_config_last_reload_success_timestamp_seconds",
        "taskrun_exporter_http_refused_total",
    ];
    for family in &catalogue {
        let there = page.families.contains_key(family.name);
        assert!(
            there || rare.contains(&family.name),
            "{} is in the catalogue but never exposed",
            family.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_text_of_a_run_is_exposed() {
    let rig = watched().await;
    let text = format!("{}{}", rig.text(), rig.own_text());
    for hidden in [CANARY, tc3::SECRET_KEY, tc3::SECRET_ID] {
        assert!(!text.contains(hidden), "{hidden} is exposed");
    }
    let ids = catalog::LAST_FAILED_INFO.name;
    let page = Page::read(&text);
    let run_ids: BTreeSet<&str> = page.of(ids).map(|sample| sample.label("run_id")).collect();
    assert!(!run_ids.is_empty());
    for sample in page.samples.iter().filter(|sample| sample.name != ids) {
        assert!(
            sample.labels.values().all(|value| !run_ids.contains(value.as_str())),
            "{sample:?} names a run"
        );
    }
}

/// One run that tells everything a source can tell, in each state.
fn telling() -> Vec<Observation> {
    let task = TaskKey { task: Label::new("t"), ..TaskKey::default() };
    let outcomes = Outcome::ALL.map(RunState::Finished);
    let current = [RunState::Waiting, RunState::Queued, RunState::Running, RunState::Retrying];
    let states = outcomes.into_iter().chain(current).chain([RunState::Unknown(UnknownState("42".into()))]);
    let native = &natives()[0];
    states
        .enumerate()
        .map(|(n, state)| {
            let started = Some(START.minus(Duration::from_secs(100 + n as u64)));
            let finished = matches!(state, RunState::Finished(_));
            Observation {
                planned: started,
                started,
                ended: finished.then_some(START),
                return_code: Some(n as i64),
                memory_bytes: Some(1 << 20),
                billed: Some(Duration::from_secs(1)),
                retries: Some(1),
                waits: Some(Waits { upstream: Some(Duration::ZERO), dispatch: Some(Duration::ZERO) }),
                log: Some(LogFacts::default()),
                expected_interval: Some(Duration::from_secs(60)),
                native: vec![(native, 1.0)],
                ..Observation::new(task.clone(), RunId { instance: n.to_string().into(), round: 0 }, state)
            }
        })
        .collect()
}

#[test]
fn the_bound_on_series_counts_what_is_rendered() {
    let bounds: std::sync::Arc<[f64]> = [1.0, 2.0].into();
    let plan = CellPlan {
        key: CellKey {
            kind: "tat",
            source: Label::new("s"),
            region: Label::empty(),
            project: Label::empty(),
        },
        reach: Reach { lookback: Duration::from_secs(3600), overlap: Duration::ZERO },
        buckets: Buckets { duration: bounds.clone(), wait: bounds.clone(), memory: bounds },
        expected_interval: None,
        interval: None,
    };
    let told = telling();
    // From a task of which nothing is known to one of which everything is.
    for known in 0..=told.len() {
        let mut store = Store::new(
            Limits { series: 10_000, tasks_per_source: 10, runs: u64::MAX },
            Duration::from_secs(3600),
        );
        let window = store.begin(&plan, START);
        let tasks = vec![(told[0].task.clone(), TaskInfo::default())];
        let batch = Batch { observations: told[..known].to_vec(), tasks, ..Batch::of(&window) };
        let delta = store.apply(&plan.key, &batch, START).unwrap();
        store.adopt(delta);
        let cell = store.cell(&plan.key).unwrap();
        let rendered: usize = cell_families(&natives())
            .iter()
            .filter(|(_, view)| !view.is_of_cell())
            .map(|(family, view)| {
                let mut text = Text::new(family, Format::Text);
                view.draw(&plan.key, cell, &(Bound::Unbounded, Bound::Unbounded), &mut text);
                text.finish().1
            })
            .sum();
        let counted: u64 = cell.tasks().values().map(|record| series_of(record)).sum();
        assert_eq!(counted, rendered as u64, "with {known} runs");
        assert_eq!(store.series(), counted);
    }
}
