//! The usual way to read an answer: parse it into a tree, and walk that for the fields that are shown.

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;
use taskrun_exporter::model::{Observation, Timestamp};

/// A run, as such exporters keep it.
pub(crate) struct Run {
    id: String,
    labels: [String; 4],
    state: String,
    /// Planned, created, started, ended, updated; in seconds since the epoch.
    times: [Option<i64>; 5],
    /// What the kind has of code, tries, memory, duration and the like.
    figures: [Option<f64>; 5],
}

/// Both ways must have read the same runs.
pub(crate) fn agree(walked: &[Run], read: &[Observation]) {
    assert_eq!(walked.len(), read.len());
    for (Run { id, labels, state, times, figures }, seen) in walked.iter().zip(read) {
        assert_eq!(**id, *seen.run.instance);
        assert!(labels.iter().any(|label| **label == *seen.task.task) && !state.is_empty());
        let told = |at: Option<Timestamp>| at.is_none_or(|at| times.contains(&Some(at.secs())));
        assert!(told(seen.planned) && told(seen.created) && told(seen.started) && told(seen.ended));
        let code = seen.return_code.map(|code| code as f64);
        assert!(code.is_none() || figures.contains(&code));
    }
}

pub(crate) fn invocations(body: &[u8]) -> Vec<Run> {
    let page: Value = serde_json::from_slice(body).unwrap();
    let mut runs = Vec::new();
    for row in rows(&page["Response"]["InvocationSet"]) {
        for share in rows(&row["InvocationTaskBasicInfoSet"]) {
            runs.push(Run {
                id: text(&share["InvocationTaskId"]),
                labels: [
                    text(&row["CommandName"]),
                    text(&row["CommandId"]),
                    text(&share["InstanceId"]),
                    text(&row["CommandType"]),
                ],
                state: text(&share["TaskStatus"]),
                times: [
                    None,
                    rfc3339(&row["CreatedTime"]),
                    rfc3339(&row["StartTime"]),
                    rfc3339(&row["EndTime"]),
                    rfc3339(&row["UpdatedTime"]),
                ],
                figures: [None; 5],
            });
        }
    }
    runs
}

pub(crate) fn tasks(body: &[u8]) -> Vec<Run> {
    let page: Value = serde_json::from_slice(body).unwrap();
    let run = |row: &Value| {
        let result = &row["TaskResult"];
        Run {
            id: text(&row["InvocationTaskId"]),
            labels: [
                text(&row["CommandName"]),
                text(&row["CommandId"]),
                text(&row["InstanceId"]),
                text(&row["InvocationId"]),
            ],
            state: text(&row["TaskStatus"]),
            times: [
                None,
                rfc3339(&row["CreatedTime"]),
                rfc3339(&result["ExecStartTime"]).or_else(|| rfc3339(&row["StartTime"])),
                rfc3339(&result["ExecEndTime"]).or_else(|| rfc3339(&row["EndTime"])),
                rfc3339(&row["UpdatedTime"]),
            ],
            figures: [result["ExitCode"].as_f64(), None, None, None, None],
        }
    };
    rows(&page["Response"]["InvocationTaskSet"]).iter().map(run).collect()
}

pub(crate) fn instances(body: &[u8]) -> Vec<Run> {
    let page: Value = serde_json::from_slice(body).unwrap();
    let run = |row: &Value| Run {
        id: text(&row["InstanceKey"]),
        labels: [
            text(&row["WorkflowName"]),
            text(&row["TaskName"]),
            text(&row["TaskId"]),
            text(&row["TaskCycleType"]),
        ],
        state: row["InstanceState"].to_string(),
        times: [
            plain(&row["SchedulerTime"]),
            None,
            plain(&row["StartTime"]),
            plain(&row["EndTime"]),
            plain(&row["LastUpdateTime"]),
        ],
        figures: [
            row["TotalRunNum"].as_f64(),
            row["Tries"].as_f64(),
            row["TryLimit"].as_f64(),
            row["TaskType"]["TypeId"].as_f64(),
            None,
        ],
    };
    rows(&page["Response"]["Data"]["Items"]).iter().map(run).collect()
}

pub(crate) fn logs(body: &[u8]) -> Vec<Run> {
    let page: Value = serde_json::from_slice(body).unwrap();
    let run = |row: &Value| Run {
        id: text(&row["RequestId"]),
        labels: [text(&row["FunctionName"]), String::new(), String::new(), String::new()],
        state: format!("{}/{}", row["RetCode"], row["InvokeFinished"]),
        times: [None, None, plain(&row["StartTime"]), None, None],
        figures: [
            row["RetCode"].as_f64(),
            row["RetryNum"].as_f64(),
            row["MemUsage"].as_f64(),
            row["Duration"].as_f64(),
            row["BillDuration"].as_f64(),
        ],
    };
    rows(&page["Response"]["Data"]).iter().map(run).collect()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rfc3339(value: &Value) -> Option<i64> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|at| at.timestamp())
}

/// A time of China, as the clouds write it.
fn plain(value: &Value) -> Option<i64> {
    let naive = NaiveDateTime::parse_from_str(value.as_str()?, "%Y-%m-%d %H:%M:%S").ok()?;
    Some(naive.and_utc().timestamp() - 8 * 3600)
}
