//! The API's own words: TAT, version 2020-10-28.
//!
//! Command text, parameters, output and where it is stored are not decoded.

use crate::sources::lenient::{Field, List, records};
use crate::transport::Priority;
use crate::transport::tencent::Action;
use serde::{Deserialize, Serialize};

const fn action(name: &'static str, priority: Priority) -> Action {
    Action { service: "tat", version: "2020-10-28", name, per_second: 20.0, priority }
}

pub(super) static DESCRIBE_INVOCATIONS: Action = action("DescribeInvocations", Priority::Current);
pub(super) static DESCRIBE_INVOCATION_TASKS: Action = action("DescribeInvocationTasks", Priority::Current);
pub(super) static DESCRIBE_COMMANDS: Action = action("DescribeCommands", Priority::Detail);

/// The most rows, and the most ids, of one call.
pub(super) const LIMIT: usize = 100;

/// Input of DescribeInvocations: ids or filters, never both.
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeInvocations {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) invocation_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) filters: Vec<Filter>,
    pub(super) limit: usize,
    pub(super) offset: usize,
}

/// A filter: the values are alternatives, several filters narrow each other.
#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// Output of DescribeInvocations.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InvocationPage {
    pub(super) total_count: Field<i64>,
    pub(super) invocation_set: Field<List<Invocation>>,
}

/// One run of a command over several machines.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Invocation {
    pub(super) invocation_id: Field<String>,
    pub(super) command_id: Field<String>,
    /// Documented, and missing in both samples.
    pub(super) command_name: Field<String>,
    pub(super) command_type: Field<String>,
    pub(super) invocation_status: Field<String>,
    pub(super) invocation_task_basic_info_set: Field<List<BasicInfo>>,
    pub(super) start_time: Field<String>,
    pub(super) end_time: Field<String>,
    pub(super) created_time: Field<String>,
    pub(super) updated_time: Field<String>,
}

/// One machine's share of an invocation, in short.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BasicInfo {
    pub(super) invocation_task_id: Field<String>,
    pub(super) task_status: Field<String>,
    pub(super) instance_id: Field<String>,
}

/// Input of DescribeInvocationTasks. The default number of rows is 20, so it is always sent.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeInvocationTasks {
    pub(super) invocation_task_ids: Vec<String>,
    pub(super) limit: usize,
    /// Always true: output may hold secrets, and is never asked for.
    pub(super) hide_output: bool,
}

/// Output of DescribeInvocationTasks.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TaskPage {
    pub(super) invocation_task_set: Field<List<Task>>,
}

/// One machine's share of an invocation.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Task {
    pub(super) invocation_task_id: Field<String>,
    pub(super) task_status: Field<String>,
    pub(super) task_result: Field<TaskResult>,
    pub(super) start_time: Field<String>,
    pub(super) end_time: Field<String>,
    pub(super) created_time: Field<String>,
    pub(super) updated_time: Field<String>,
}

/// What the command itself did.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TaskResult {
    /// -1 where the command did not start or died of a signal.
    pub(super) exit_code: Field<i64>,
    pub(super) exec_start_time: Field<String>,
    pub(super) exec_end_time: Field<String>,
}

/// Input of DescribeCommands.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeCommands {
    pub(super) command_ids: Vec<String>,
    pub(super) limit: usize,
}

/// Output of DescribeCommands.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CommandPage {
    pub(super) command_set: Field<List<Command>>,
}

/// A command's name.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Command {
    pub(super) command_id: Field<String>,
    pub(super) command_name: Field<String>,
}

records!(Invocation, BasicInfo, Task, TaskResult, Command);
