use super::*;
use crate::sources::tat::wire::{InvocationPage, TaskPage};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/tat/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let answer: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(answer["Response"].clone()).unwrap()
}

fn activities(name: &str) -> Vec<Result<Activity, RejectCause>> {
    let page: InvocationPage = fixture(name);
    let read = |row: &Field<Invocation>| row.get().map_or(Err(RejectCause::Malformed), activity);
    page.invocation_set.items().iter().map(read).collect()
}

fn at(text: &str) -> Option<Timestamp> {
    Zone::read_rfc3339(text)
}

/// An invocation over one machine, and its task.
fn pair(status: &str, task: Value) -> (Activity, Task) {
    let invocation = json!({
        "InvocationId": "inv-1", "CommandId": "cmd-1", "CreatedTime": "2024-01-01T00:00:00Z",
        "InvocationTaskBasicInfoSet": [{ "InvocationTaskId": "invt-1", "TaskStatus": status, "InstanceId": "ins-1" }],
    });
    (activity(&serde_json::from_value(invocation).unwrap()).unwrap(), serde_json::from_value(task).unwrap())
}

fn observed(status: &str, task: Value) -> Observation {
    let (activity, task) = pair(status, task);
    activity.observe_task(&activity.shares[0], &Label::new("nightly"), &task)
}

#[test]
fn every_documented_status_has_its_place_and_others_stay_raw() {
    for (statuses, place) in [
        (&["PENDING"][..], RunState::Waiting),
        (&["DELIVERING", "DELIVER_DELAYED"], RunState::Queued),
        (&["RUNNING", "CANCELLING"], RunState::Running),
        (&["SUCCESS"], RunState::Finished(Outcome::Success)),
        (&["FAILED", "DELIVER_FAILED", "START_FAILED"], RunState::Finished(Outcome::Failed)),
        (&["TIMEOUT", "TASK_TIMEOUT"], RunState::Finished(Outcome::Timeout)),
        (&["CANCELLED", "TERMINATED"], RunState::Finished(Outcome::Cancelled)),
    ] {
        for status in statuses {
            assert_eq!(state(status), place, "{status}");
        }
    }
    assert_eq!(state("success"), RunState::Unknown(UnknownState("success".into())));
}

#[test]
fn the_documents_invocation_becomes_a_run_per_machine() {
    let activity = activities("DescribeInvocations").remove(0).unwrap();
    assert_eq!((&*activity.id, &*activity.command, &activity.name), ("inv-q4zp60g0", "cmd-9dxzty3m", &None));
    let seen: Vec<Observation> =
        activity.shares.iter().map(|share| activity.observe(share, &Label::new("flow"))).collect();
    let runs: Vec<&str> = seen.iter().map(|seen| &*seen.run.instance).collect();
    assert_eq!(runs, ["invt-kakne8h2", "invt-jc2onrxm", "invt-6xmuisyq"]);
    let first = &seen[0];
    assert_eq!(
        (&*first.task.workflow, &*first.task.task, &*first.task.task_id),
        ("flow", "ins-zj0f57ew", "cmd-9dxzty3m")
    );
    assert_eq!((&*first.parent, &*first.info.task_type), ("inv-q4zp60g0", "SHELL"));
    assert_eq!(first.state, RunState::Finished(Outcome::Success));
    // Three machines share one start and one end: they are nobody's.
    assert_eq!((first.started, first.ended, first.return_code), (None, None, None));
    assert_eq!(first.updated, at("2020-11-09T07:22:08Z"));
    assert_eq!(first.created, at("2020-11-09T07:21:59Z"));

    let items = activity.items(&Label::new("flow"));
    assert_eq!(items.len(), 4);
    assert_eq!(
        (items[0].set, &*items[0].status, &items[0].task),
        (ItemSet::TatInvocations, "SUCCESS", &TaskKey::default())
    );
    assert_eq!((items[1].set, &*items[1].id), (ItemSet::TatInvocationTasks, "invt-kakne8h2"));
    assert_eq!((&*items[1].task.workflow, &*items[1].task.task), ("flow", ""));
}

#[test]
fn the_documents_task_tells_exit_code_and_times() {
    let page: TaskPage = fixture("DescribeInvocationTasks");
    let task = page.invocation_task_set.items()[0].get().unwrap();
    let (activity, _) = pair("RUNNING", json!({}));
    let seen = activity.observe_task(&activity.shares[0], &Label::new("flow"), task);
    assert_eq!(seen.state, RunState::Finished(Outcome::Success), "the task is the newer of the two");
    assert_eq!(seen.return_code, Some(0));
    assert_eq!((seen.started, seen.ended), (at("2020-11-05T07:49:58Z"), at("2020-11-05T07:50:04Z")));
    assert_eq!((seen.created, seen.updated), (at("2020-11-05T07:49:56Z"), at("2020-11-05T07:50:06Z")));
    assert_eq!((seen.retries, seen.flaws), (None, vec![]));
}

#[test]
fn exit_codes_count_only_where_the_command_started() {
    let code = |status: &str| {
        observed(status, json!({ "TaskStatus": status, "TaskResult": { "ExitCode": "-1" } })).return_code
    };
    for status in ["SUCCESS", "FAILED", "TIMEOUT", "TERMINATED"] {
        assert_eq!(code(status), Some(-1), "{status}");
    }
    for status in ["DELIVER_FAILED", "START_FAILED", "TASK_TIMEOUT", "CANCELLED", "RUNNING", "REBOOTING"] {
        assert_eq!(code(status), None, "{status}");
    }
}

#[test]
fn the_commands_own_times_go_before_the_tasks() {
    let times = |result: Value| {
        let seen = observed(
            "FAILED",
            json!({ "StartTime": "2024-01-01T00:00:10Z", "EndTime": "2024-01-01T00:00:20Z", "TaskResult": result }),
        );
        (seen.started.unwrap().secs() % 60, seen.ended.unwrap().secs() % 60)
    };
    let (start, end) = ("2024-01-01T00:00:12Z", "2024-01-01T00:00:15+00:00");
    assert_eq!(times(json!({ "ExecStartTime": start, "ExecEndTime": end })), (12, 15));
    assert_eq!(times(json!({ "ExecStartTime": start, "ExecEndTime": null })), (10, 20));
    assert_eq!(times(json!({ "ExecStartTime": start, "ExecEndTime": "soon" })), (10, 20));
    assert_eq!(times(json!(null)), (10, 20));
    let seen =
        observed("DELIVER_FAILED", json!({ "CreatedTime": "2024-01-01T00:00:05Z", "StartTime": null }));
    assert_eq!((seen.started, seen.ended), (None, None));
    assert_eq!(seen.created, at("2024-01-01T00:00:05Z"));
    assert_eq!(seen.state, RunState::Finished(Outcome::Failed), "the invocation says so");
}

#[test]
fn odd_rows_cost_themselves_and_keep_what_can_be_read() {
    let read = activities("DescribeInvocations_odd");
    let [odd_tasks, odd_times, nulls, no_id, no_command, no_row] = &read[..] else { panic!("{read:#?}") };
    let odd_tasks = odd_tasks.as_ref().unwrap();
    assert_eq!(odd_tasks.name, None);
    assert_eq!(odd_tasks.shares.len(), 1);
    assert_eq!(odd_tasks.shares[0].state, RunState::Unknown(UnknownState("REBOOTING".into())));
    let causes =
        [RejectCause::Malformed, RejectCause::MissingId, RejectCause::MissingId, RejectCause::Malformed];
    assert_eq!(odd_tasks.rejected, causes);

    let odd_times = odd_times.as_ref().unwrap();
    assert_eq!(odd_times.created, at("2024-10-25T03:18:37Z"), "StartTime stands in");
    let seen = odd_times.observe(&odd_times.shares[0], &Label::empty());
    assert_eq!(seen.flaws, [RejectCause::InvalidTimestamp, RejectCause::InvalidTimestamp]);

    let nulls = nulls.as_ref().unwrap();
    assert!(nulls.shares.is_empty() && nulls.items(&Label::empty()).is_empty());
    for refused in [no_id, no_command] {
        assert_eq!(refused.as_ref().unwrap_err(), &RejectCause::MissingId);
    }
    assert_eq!(no_row.as_ref().unwrap_err(), &RejectCause::Malformed);
}

#[test]
fn an_invocation_is_over_when_every_machine_is() {
    let over = |status: &str| {
        let (mut activity, _) = pair(status, json!({}));
        activity.updated = at("2024-01-01T00:01:00Z");
        activity.over()
    };
    assert_eq!(over("SUCCESS"), at("2024-01-01T00:01:00Z"));
    assert_eq!(over("RUNNING"), None);
    assert_eq!(over("REBOOTING"), None);
}
