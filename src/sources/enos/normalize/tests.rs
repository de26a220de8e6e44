use super::super::wire::{FlowInstance, Found, ServerZone, Single};
use super::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_str, from_value, json};

/// What stands under `data` in a recorded answer.
fn answer<T>(text: &str) -> Option<T>
where
    Single<T>: DeserializeOwned,
{
    let whole: Value = from_str(text).unwrap();
    from_value::<Single<T>>(whole["data"].clone()).unwrap().into_one()
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/enos/", $name, ".json"))
    };
}

fn flow() -> Flow {
    Flow {
        id: "8435".into(),
        name: "hourly_sync".into(),
        owner: "demo".into(),
        freq: "0 0 * * * ? *".into(),
        scheduled: true,
    }
}

fn read(task: &TaskInstance) -> Result<Observation, RejectCause> {
    read_of(task, &flow())
}

fn read_of(task: &TaskInstance, flow: &Flow) -> Result<Observation, RejectCause> {
    let intervals = Intervals::default();
    let zone = Zone::east8();
    let now = zone.read("2021-02-03 12:00:00").unwrap();
    Reading { zone, unit: DurationUnit::Minutes, intervals: &intervals, now }.run(task, flow)
}

/// The observation in the terms of the cases' file.
fn shown(seen: &Observation) -> Value {
    let state = match &seen.state {
        RunState::Finished(outcome) => outcome.name(),
        RunState::Unknown(code) => &code.0,
        current => RunState::CURRENT[current.index().unwrap()],
    };
    let time = |at: Option<Timestamp>| at.map(|at| Zone::east8().write(at));
    json!({
        "state": state,
        "run": seen.run.to_string(),
        "planned": time(seen.planned),
        "started": time(seen.started),
        "ended": time(seen.ended),
        "retries": seen.retries,
        "flaws": seen.flaws.iter().map(|flaw| flaw.name()).collect::<Vec<_>>(),
        "gauges": seen.native.iter().map(|(gauge, value)| json!([gauge.name, value])).collect::<Vec<_>>(),
    })
}

#[test]
fn every_case_reads_as_written() {
    let cases: Vec<Value> = from_str(fixture!("runs")).unwrap();
    assert!(cases.len() > 20);
    let sample: Value = from_str(fixture!("task_instance_success")).unwrap();
    for case in &cases {
        let mut record = sample["data"].clone();
        for (key, value) in case["change"].as_object().unwrap() {
            record[key] = value.clone();
        }
        let task: TaskInstance = from_value(record).unwrap();
        let seen = match read(&task) {
            Ok(seen) => shown(&seen),
            Err(cause) => json!({"rejected": cause.name()}),
        };
        // What a case does not tell is as in the sample.
        let wanted =
            case.as_object().unwrap().iter().filter(|(key, _)| !["case", "change"].contains(&key.as_str()));
        let mut all = match case.get("rejected") {
            Some(_) => json!({}),
            None => json!({
                "run": "118979-2021020211#1", "planned": "2021-02-02 19:35:00", "started": "2021-02-02 19:35:24",
                "ended": "2021-02-02 19:38:07", "retries": 0, "flaws": [], "gauges": seen["gauges"],
            }),
        };
        for (key, value) in wanted {
            all[key] = value.clone();
        }
        assert_eq!(seen, all, "{}", case["case"]);
    }
}

#[test]
fn the_documented_task_instance_reads_whole() {
    let seen = read(&answer(fixture!("task_instance_success")).unwrap()).unwrap();
    assert_eq!(
        (&*seen.task.workflow, &*seen.task.task, &*seen.task.task_id),
        ("hourly_sync", "DataIntegration", "118979")
    );
    assert_eq!(seen.info.task_type, "DATA_INTEGRATION".into());
    assert_eq!((&*seen.info.cycle, &*seen.info.owner, &*seen.info.workflow_id), ("H", "demo", "8435"));
    assert_eq!(&*seen.parent, "8435-2021020211");
    assert_eq!(seen.planned.unwrap().to_string(), "2021-02-02T11:35:00.000Z");
    assert_eq!(seen.created.unwrap().to_string(), "2021-02-02T09:35:00.000Z");
    assert_eq!(seen.expected_interval, Some(std::time::Duration::from_secs(3600)), "the flow's cron");
    assert_eq!(
        shown(&seen)["gauges"],
        json!([
            ["taskrun_enos_task_instance_status", 1.0],
            ["taskrun_enos_task_requested_cpu_cores", 0.6],
            ["taskrun_enos_task_requested_memory_bytes", 1.1 * GIB],
            ["taskrun_enos_task_timeout_seconds", 18_000.0],
            ["taskrun_enos_task_timed_out", 0.0],
            ["taskrun_enos_task_alert", 0.0]
        ])
    );
    let listed = read(&answer(fixture!("task_instance_data_as_list")).unwrap()).unwrap();
    assert_eq!(seen, listed);
}

#[test]
fn every_recorded_task_instance_reads() {
    for (text, state, flaws) in [
        (fixture!("task_instance_failed_retried"), "failed", 0),
        (fixture!("task_instance_running"), "running", 0),
        (fixture!("task_instance_shell_with_resource"), "success", 0),
        (fixture!("task_instance_timeout"), "timeout", 0),
        (fixture!("task_instance_unknown_values"), "42", 0),
        (fixture!("task_instance_waiting"), "waiting", 0),
    ] {
        let seen = read(&answer(text).unwrap()).unwrap();
        assert_eq!((shown(&seen)["state"].as_str().unwrap(), seen.flaws.len()), (state, flaws));
    }
    assert!(answer::<TaskInstance>(fixture!("error_62102_not_found")).is_none());
}

#[test]
fn flows_and_their_graphs_decode_in_both_spellings() {
    let found: Found = answer(fixture!("flow_instances_search")).unwrap();
    let full: FlowInstance = answer(fixture!("flow_instance_get")).unwrap();
    let listed = found.flow_insts.items()[0].get().unwrap();
    assert_eq!(listed.instance_id, full.instance_id);
    let tasks = |flow: &FlowInstance| -> Vec<(String, String)> {
        let graph = flow.graph.get().unwrap();
        let told = |task: &Field<super::super::wire::GraphTask>| {
            let task = task.get().unwrap();
            (task.instance.text().to_owned(), task.status.text().to_owned())
        };
        graph.tasks.items().iter().map(told).collect()
    };
    let with = |first: &str, second: &str| {
        vec![
            ("118979-2021020211".to_owned(), first.to_owned()),
            ("118980-2021020211".to_owned(), second.to_owned()),
        ]
    };
    assert_eq!(tasks(listed), with("", ""));
    assert_eq!(tasks(&full), with("SUCCESS", "RUNNING"));
    assert_eq!(full.graph.get().unwrap().owners.text(), ";demo;");
    let empty: Found = answer(fixture!("flow_instances_search_empty")).unwrap();
    assert!(empty.flow_insts.items().is_empty());
    let zone: ServerZone = answer(fixture!("timezone")).unwrap();
    assert_eq!(Zone::parse(zone.timezone.text()), Some(Zone::east8()));
}

#[test]
fn a_flow_that_no_schedule_starts_is_expected_at_no_time() {
    let task = answer::<TaskInstance>(fixture!("task_instance_success")).unwrap();
    assert!(read_of(&task, &flow()).unwrap().expected_interval.is_some());
    let by_hand = Flow { scheduled: false, ..flow() };
    assert_eq!(read_of(&task, &by_hand).unwrap().expected_interval, None);
}
