use super::super::wire::{FunctionsAnswer, LogsAnswer, NamespacesAnswer};
use super::*;
use serde_json::{Value, from_str, from_value, json};

/// What stands under `Response` in a recorded answer.
fn answer<T: serde::de::DeserializeOwned>(text: &str) -> T {
    let whole: Value = from_str(text).unwrap();
    from_value(whole["Response"].clone()).unwrap()
}

fn read(row: &FunctionLog) -> Result<Observation, RejectCause> {
    let task = TaskKey { task: "f".into(), ..TaskKey::default() };
    run(row, &task, &TaskInfo::default(), Zone::east8())
}

/// The observation in the terms of the cases' file, leaving out what is not told.
fn shown(seen: &Observation) -> Value {
    let state = match &seen.state {
        RunState::Finished(outcome) => outcome.name(),
        RunState::Unknown(code) => &code.0,
        current => RunState::CURRENT[current.index().unwrap()],
    };
    let mut all = json!({"run": seen.run.to_string(), "state": state});
    let mut tell = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            all[key] = value;
        }
    };
    tell("started", seen.started.map(|at| at.to_string().into()));
    tell("ended", seen.ended.map(|at| at.to_string().into()));
    tell("cost_us", seen.cost.map(|took| json!(took.as_micros())));
    tell("billed_us", seen.billed.map(|took| json!(took.as_micros())));
    tell("memory", seen.memory_bytes.map(Value::from));
    tell("code", seen.return_code.map(Value::from));
    tell("log", seen.log.map(|log| json!(log.lines)));
    tell("retries", seen.retries.filter(|retries| *retries > 0).map(Value::from));
    let flaws: Vec<&str> = seen.flaws.iter().map(|flaw| flaw.name()).collect();
    tell("flaws", (!flaws.is_empty()).then(|| json!(flaws)));
    all
}

#[test]
fn every_case_reads_as_written() {
    let cases: Vec<Value> = from_str(include_str!("../../../../tests/fixtures/scf/runs.json")).unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let row: FunctionLog = from_value(case["row"].clone()).unwrap();
        let read = match read(&row) {
            Ok(seen) => shown(&seen),
            Err(cause) => json!({"rejected": cause.name()}),
        };
        let mut wanted = case.clone();
        for input in ["case", "row"] {
            wanted.as_object_mut().unwrap().remove(input);
        }
        assert_eq!(read, wanted, "{}", case["case"]);
    }
}

#[test]
fn the_documented_answers_decode() {
    for text in [
        include_str!("../../../../tests/fixtures/scf/scf_GetFunctionLogs.json"),
        include_str!("../../../../tests/fixtures/scf/scf_GetFunctionLogs_2019.json"),
    ] {
        let logs: LogsAnswer = answer(text);
        assert_eq!(logs.total_count, Field::Value(1));
        let row = logs.data.items()[0].get().unwrap().clone();
        let seen = read(&row).unwrap();
        assert_eq!(
            seen.state,
            RunState::Finished(Outcome::Failed),
            "RetCode 1 is a failure, whatever RetMsg says"
        );
        assert_eq!(seen.started.unwrap().to_string(), "2018-06-11T10:46:45.000Z");
        assert_eq!(seen.cost, Some(Duration::from_micros(532)));
        assert_eq!(seen.billed, Some(Duration::from_millis(100)));
        assert_eq!((seen.memory_bytes, seen.log, seen.return_code), (Some(3_174_400), None, Some(1)));
        assert!(seen.flaws.is_empty());
    }
    let functions: FunctionsAnswer =
        answer(include_str!("../../../../tests/fixtures/scf/scf_ListFunctions.json"));
    let function = functions.functions.items()[0].get().unwrap();
    assert_eq!((function.function_name.text(), function.runtime.text()), ("functionName1", "Nodejs8.9"));
    let namespaces: NamespacesAnswer =
        answer(include_str!("../../../../tests/fixtures/scf/scf_ListNamespaces.json"));
    let names: Vec<&str> =
        namespaces.namespaces.items().iter().map(|row| row.get().unwrap().name.text()).collect();
    assert_eq!(names, ["ns1", "default"]);
}

#[test]
fn start_times_are_in_utc_plus_8() {
    // The first record of the older interface's document: its log line carries the same moment in UTC.
    let record: Value =
        from_str(include_str!("../../../../tests/fixtures/scf/scf_legacy_v2_GetFunctionLogs_record.json"))
            .unwrap();
    let mut flaws = Vec::new();
    let text = Field::Value(record["startTime"].as_str().unwrap().to_owned());
    let read = started(&text, Zone::east8(), &mut flaws).unwrap();
    let logged = record["log_first_line_prefix"].as_str().unwrap();
    assert_eq!(read.secs(), Zone::read_rfc3339(logged).unwrap().secs());
}
