use super::*;
use crate::model::{Facets, Waits};
use crate::sources::wedata::script::{detail, life, read, row as sample};
use crate::sources::wedata::wire::{Envelope, InstancePage};
use serde_json::{Value, json};

fn fixture<T: crate::sources::lenient::Shape>(name: &str) -> Option<T> {
    let path = format!("{}/tests/fixtures/wedata/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let answer: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    read::<Envelope<T>>(answer["Response"].clone()).data.get_owned()
}

impl<T> Field<T> {
    fn get_owned(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Malformed => None,
        }
    }
}

fn at(text: &str) -> Option<Timestamp> {
    Zone::east8().read(text)
}

fn rounds_of(json: Value, zone: &Zone) -> Vec<Round> {
    rounds(&read(json), zone).unwrap()
}

#[test]
fn every_documented_state_has_its_place_and_others_stay_raw() {
    for (codes, place) in [
        (&["0", "12"][..], RunState::Waiting),
        (&["6", "7", "9", "10", "18"], RunState::Queued),
        (&["1", "19", "22"], RunState::Running),
        (&["3"], RunState::Retrying),
        (&["2"], RunState::Finished(Outcome::Success)),
        (&["4", "5", "8", "13"], RunState::Finished(Outcome::Failed)),
        (&["21"], RunState::Finished(Outcome::Skipped)),
    ] {
        for code in codes {
            assert_eq!(state(code), place, "{code}");
        }
    }
    for code in ["11", "14", "15", "16", "17", "20", "23", "-1", "COMPLETED", "2.5"] {
        assert_eq!(state(code), RunState::Unknown(UnknownState(code.into())), "{code}");
    }
    for code in UNFINISHED {
        assert!(state(&code.to_string()).index().is_some(), "{code}");
    }
}

#[test]
fn the_documents_list_becomes_runs() {
    let page: InstancePage = fixture("ListInstances").unwrap();
    assert_eq!(page.total_count, Field::Value(34));
    let rows: Vec<Row> =
        page.items.items().iter().map(|item| row(item.get().unwrap(), &Zone::east8()).unwrap()).collect();
    assert_eq!(rows.len(), page.items.items().len());
    let seen = &rows[0].seen;
    assert_eq!(seen.run.to_string(), "20250326150742906_2025-03-28 00:00:00");
    assert_eq!((&*seen.task.workflow, &*seen.task.task), ("dq_test_0326", "dq_test_dylan_shell_01"));
    assert_eq!(&*seen.task.task_id, "20250326150742906");
    assert_eq!(seen.state, RunState::Finished(Outcome::Success));
    assert_eq!(seen.planned, at("2025-03-28 00:00:00"));
    assert_eq!(seen.started, at("2025-03-28 00:18:43"));
    assert_eq!(seen.ended, at("2025-03-28 00:18:55"));
    assert_eq!(seen.updated, at("2025-03-28 00:21:09"));
    assert_eq!(seen.cost, Some(Duration::from_secs(12)));
    assert_eq!(seen.retries, Some(0));
    assert_eq!(seen.waits, None);
    assert_eq!((&*seen.info.task_type, &*seen.info.cycle, &*seen.info.owner), ("35", "I", "dylandlwu"));
    assert_eq!(&*seen.info.workflow_id, "ec66594e-53a0-48cb-8044-a9eb3a58efe5");
    let native: Vec<(&str, f64)> = seen.native.iter().map(|(gauge, value)| (gauge.name, *value)).collect();
    assert_eq!(native, [(STATE.name, 2.0), (TRIES.name, 1.0), (TRY_LIMIT.name, 5.0)]);
    assert_eq!(seen.flaws, []);
}

#[test]
fn list_and_details_of_one_instance_agree_across_time_zones() {
    let page: InstancePage = fixture("ListInstances").unwrap();
    let listed = row(page.items.items()[0].get().unwrap(), &Zone::east8()).unwrap().seen;
    let instance: Instance = fixture("GetTaskInstance").unwrap();
    let told = rounds(&instance, &Zone::parse("UTC+6").unwrap()).unwrap().remove(0);
    let same = |seen: &Observation| {
        (seen.task.clone(), seen.run.clone(), seen.planned, seen.started, seen.ended, seen.retries)
    };
    assert_eq!(same(&told.seen), same(&listed));
    assert_eq!(
        told.seen.waits,
        Some(Waits { upstream: Some(Duration::from_secs(14)), dispatch: Some(Duration::from_secs(945)) })
    );
    assert_eq!(told.seen.expected_interval, Some(Duration::from_secs(1200)));
    let LogPlace::At { job, file, broker } = told.log else { panic!("{:?}", told.log) };
    assert_eq!((&*job, &*file, &*broker), ("6820250328000318055", "", "ins-6m365yvb"));
    assert_eq!(fixture::<Instance>("GetTaskInstance_null_data").map(|_| ()), None);
}

#[test]
fn odd_rows_cost_themselves_and_keep_what_can_be_read() {
    let page: InstancePage = fixture("ListInstances_odd").unwrap();
    let rows: Vec<Result<Row, RejectCause>> = page
        .items
        .items()
        .iter()
        .map(|item| item.get().map_or(Err(RejectCause::Malformed), |item| row(item, &Zone::east8())))
        .collect();
    let [unknown, mistyped, nulls, composed, keyless, stateless, word] = &rows[..] else {
        panic!("{rows:#?}")
    };
    let seen = |row: &Result<Row, RejectCause>| row.as_ref().unwrap().seen.clone();
    assert_eq!(seen(unknown).state, RunState::Unknown(UnknownState("14".into())));

    let mistyped = seen(mistyped);
    assert_eq!(mistyped.run.round, 2, "TotalRunNum \"3\"");
    assert_eq!(mistyped.state, RunState::Finished(Outcome::Failed), "InstanceState \"4\"");
    assert_eq!((mistyped.retries, &*mistyped.task.task_id), (Some(2), "77"));
    assert_eq!(mistyped.started, None);
    assert_eq!(mistyped.flaws, [RejectCause::InvalidTimestamp, RejectCause::Malformed]);

    let nulls = seen(nulls);
    assert_eq!(nulls.state, RunState::Waiting);
    assert_eq!((nulls.planned, nulls.started, nulls.retries, nulls.run.round), (None, None, None, 0));
    assert_eq!(nulls.flaws, []);

    assert_eq!(seen(composed).run.instance.as_ref(), "80_2025-03-28 00:00:00");
    assert_eq!(keyless.as_ref().unwrap_err(), &RejectCause::MissingId);
    assert_eq!(stateless.as_ref().unwrap_err(), &RejectCause::Malformed);
    assert_eq!(word.as_ref().unwrap_err(), &RejectCause::Malformed);
}

#[test]
fn rounds_before_the_newest_come_from_the_life_cycles() {
    let row = sample(1, "03:00", 1, 3);
    let mut retried = life(1, "02:00", 4);
    retried["Tries"] = json!(2);
    let told = rounds_of(detail(&row, &[life(2, "03:00", 1), retried, life(0, "01:00", 2)]), &Zone::east8());
    let [newest, old] =
        [2_u32, 1].map(|round| told.iter().find(|told| told.seen.run.round == round).unwrap());
    assert_eq!(told.len(), 3);
    assert_eq!((&newest.seen.state, newest.seen.waits), (&RunState::Running, None));
    assert_eq!(old.seen.state, RunState::Finished(Outcome::Failed));
    assert_eq!((old.seen.started, old.seen.ended), (at("2025-03-28 02:00:15"), at("2025-03-28 02:00:45")));
    assert_eq!(old.seen.retries, Some(2));
    assert_eq!(old.seen.planned, newest.seen.planned);
    assert_eq!(old.seen.task, newest.seen.task);
    assert!(old.seen.facets().has(Facets::WAITS));
}

#[test]
fn a_rerun_that_total_run_num_does_not_count_yet_is_a_round_of_its_own() {
    // Ordered, not dispatched: the instance waits again, TotalRunNum still says 1.
    let row = sample(1, "03:00", 0, 1);
    let mut waiting = life(1, "03:00", 0);
    waiting["LifeCycleDetailList"] = json!([]);
    let told = rounds_of(detail(&row, &[waiting, life(0, "03:00", 4)]), &Zone::east8());
    let states: Vec<_> = told.iter().map(|told| (told.seen.run.round, told.seen.state.clone())).collect();
    assert_eq!(states, [(0, RunState::Finished(Outcome::Failed)), (1, RunState::Waiting)]);
}

#[test]
fn an_earlier_round_without_a_final_code_ends_as_its_phases_say() {
    let with = |state: &str| {
        let row = sample(1, "03:00", 2, 2);
        let mut first = life(0, "02:00", 3);
        first["LifeCycleDetailList"][0]["DetailState"] = json!(state);
        rounds_of(detail(&row, &[life(1, "03:00", 2), first]), &Zone::east8())
    };
    for (state, outcome) in
        [("COMPLETE", Outcome::Success), ("EXPIRED", Outcome::Failed), ("SKIP_RUNNING", Outcome::Skipped)]
    {
        assert_eq!(with(state)[0].seen.state, RunState::Finished(outcome), "{state}");
    }
    // Superseded in the middle of its retries: nobody says how it ended, so it is not counted.
    assert_eq!(with("FAILED").len(), 1);
}

#[test]
fn waits_between_tries_belong_to_the_run() {
    let row = sample(1, "03:00", 2, 1);
    let mut tried = life(0, "03:00", 2);
    let phases = tried["LifeCycleDetailList"].as_array_mut().unwrap();
    phases.push(json!({ "DetailState": "WAIT_RUN", "StartTime": "2025-03-28 03:01:00", "EndTime": "2025-03-28 03:02:00" }));
    phases.push(json!({ "DetailState": "RUNNING", "StartTime": "2025-03-28 03:02:00", "EndTime": "x" }));
    let told = rounds_of(detail(&row, &[tried]), &Zone::east8()).remove(0).seen;
    assert_eq!(told.waits.unwrap().dispatch, Some(Duration::from_secs(5)));
    // Read, but without a phase that tells: the details need not be asked for again.
    let told = rounds_of(row, &Zone::east8()).remove(0).seen;
    assert_eq!(told.waits, Some(Waits::default()));
}

#[test]
fn cost_is_read_only_where_its_unit_is_certain() {
    for (text, millis) in [
        ("00:00:12.000", Some(12_000)),
        ("00:00:12", Some(12_000)),
        ("00:00:00.5", Some(500)),
        ("123:01:02.3456", Some(442_862_345)),
    ] {
        assert_eq!(cost(text).map(|cost| cost.as_millis()), millis, "{text}");
    }
    for text in [
        "",
        "-11",
        "00:31",
        "10",
        "12634",
        "00:60:00",
        "00:00:-1",
        "a:b:c",
        "::",
        "0:0:0.",
        "0:0:0.x",
        "1:2:3:4",
        "+1:0:0",
        "9999999:0:0",
    ] {
        assert_eq!(cost(text), None, "{text}");
    }
}

#[test]
fn hostile_answers_never_panic() {
    for text in
        ["-9223372036854775808", "9223372036854775807", "4294967296", "1e308", "[]", "{}", "\"\\u0000\""]
    {
        let value: Value = serde_json::from_str(text).unwrap();
        let mut odd = detail(&sample(1, "03:00", 2, 1), &[life(0, "03:00", 2)]);
        for key in ["TotalRunNum", "Tries", "TryLimit", "InChargeList", "TaskType", "StartTime", "CostTime"] {
            odd[key] = value.clone();
        }
        for key in ["LifeRoundNum", "Tries", "LifeCycleDetailList"] {
            odd["InstanceLifeCycleList"][0][key] = value.clone();
        }
        let instance: Instance = read(odd);
        assert!(row(&instance, &Zone::east8()).is_ok(), "{text}");
        assert!(rounds(&instance, &Zone::east8()).is_ok(), "{text}");
    }
}
