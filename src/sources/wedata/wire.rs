//! The API's own words: WeData, version 2021-08-20.
//!
//! Requests carry what is sent, answers only what is read: error messages, code, log text of the embedded latest log
//! and the names of people other than owners are skipped while decoding and never enter memory.

use crate::sources::lenient::{Field, List, records};
use crate::transport::Priority;
use crate::transport::tencent::Action;
use serde::{Deserialize, Serialize};

/// The documented limit of GetTaskInstance and GetInstanceLog. For the other two no figure is published; they are
/// taken to share it, as the rest of the family does.
const PER_SECOND: f64 = 20.0;

const fn action(name: &'static str, priority: Priority) -> Action {
    Action { service: "wedata", version: "2021-08-20", name, per_second: PER_SECOND, priority }
}

pub(super) static LIST_INSTANCES: Action = action("ListInstances", Priority::Current);
pub(super) static GET_TASK_INSTANCE: Action = action("GetTaskInstance", Priority::Detail);
pub(super) static GET_INSTANCE_LOG: Action = action("GetInstanceLog", Priority::Log);
pub(super) static DESCRIBE_TENANT_PROJECTS: Action = action("DescribeTenantProjects", Priority::Discovery);

/// Input of ListInstances.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInstances {
    pub(super) project_id: String,
    pub(super) schedule_time_from: String,
    pub(super) schedule_time_to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_update_time_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_update_time_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_state_list: Option<&'static [i64]>,
    pub(super) sort_column: &'static str,
    pub(super) sort_type: &'static str,
    pub(super) page_number: u64,
    pub(super) page_size: u64,
    pub(super) schedule_time_zone: String,
}

/// Output of ListInstances. `PageCount` is left out: the document calls it the number of pages, the sample shows the
/// number of rows.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InstancePage {
    pub(super) total_count: Field<i64>,
    pub(super) items: Field<List<Instance>>,
}

/// Input of GetTaskInstance.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetTaskInstance<'a> {
    pub(super) project_id: &'a str,
    pub(super) instance_key: &'a str,
    pub(super) schedule_time_zone: &'a str,
}

/// A row of ListInstances, or the one record of GetTaskInstance: they share their fields.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Instance {
    pub(super) instance_key: Field<String>,
    pub(super) workflow_id: Field<String>,
    pub(super) workflow_name: Field<String>,
    pub(super) task_id: Field<String>,
    pub(super) task_name: Field<String>,
    pub(super) task_type: Field<TaskType>,
    pub(super) task_cycle_type: Field<String>,
    pub(super) in_charge_list: Field<List<String>>,
    /// Data time. Not shifted by the requested time zone, unlike the times below.
    pub(super) cur_run_date: Field<String>,
    /// Data time of the next instance; GetTaskInstance only.
    pub(super) next_cur_date: Field<String>,
    pub(super) scheduler_time: Field<String>,
    pub(super) start_time: Field<String>,
    pub(super) end_time: Field<String>,
    /// ListInstances only.
    pub(super) last_update_time: Field<String>,
    /// `HH:MM:SS.mmm`; sibling actions show half a dozen other spellings.
    pub(super) cost_time: Field<String>,
    /// A number; other actions of the same version write words.
    pub(super) instance_state: Field<String>,
    /// Dispatches in the newest round: both samples show 1 for a run without retry, though the list's document says
    /// "failed retries".
    pub(super) tries: Field<i64>,
    pub(super) try_limit: Field<i64>,
    pub(super) total_run_num: Field<i64>,
    /// GetTaskInstance only.
    pub(super) instance_life_cycle_list: Field<List<LifeCycle>>,
}

/// The kind of work; its texts are localised, so only the number is read.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TaskType {
    pub(super) type_id: Field<String>,
}

/// One life round of an instance: the first run, or one manual rerun.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LifeCycle {
    pub(super) life_round_num: Field<i64>,
    pub(super) instance_state: Field<String>,
    /// Failed tries in the round: 0 when clean, unlike the instance's own `Tries`.
    pub(super) tries: Field<i64>,
    pub(super) life_cycle_detail_list: Field<List<Phase>>,
    pub(super) execution_job_id: Field<String>,
    pub(super) origin_file_name: Field<String>,
    pub(super) broker_ip: Field<String>,
    /// Often unusable: the sample says `-11` for 16 seconds.
    pub(super) cost_time: Field<String>,
}

/// One phase of a life round. Order in the list is not documented.
#[derive(Deserialize, Default, Clone, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Phase {
    pub(super) detail_state: Field<String>,
    pub(super) start_time: Field<String>,
    pub(super) end_time: Field<String>,
}

/// Input of GetInstanceLog.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetInstanceLog<'a> {
    pub(super) project_id: &'a str,
    pub(super) instance_key: &'a str,
    pub(super) life_round_num: u32,
    pub(super) schedule_time_zone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) broker_ip: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) origin_file_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) execution_job_id: &'a str,
    pub(super) log_level: &'static str,
    pub(super) start_line_num: u32,
    pub(super) end_line_count: u32,
    /// The answer's own cursor, given back; left out in the first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ext_info: Option<String>,
}

/// One page of a log. `CodeInfo` is not decoded.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LogPage {
    /// The text itself: counted and dropped, never shown, hence no `Debug`.
    pub(super) log_info: Field<String>,
    pub(super) ext_info: Field<String>,
    pub(super) is_end: Field<bool>,
}

/// Input of DescribeTenantProjects.
#[derive(Serialize, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeTenantProjects {
    pub(super) page_number: u64,
    pub(super) page_size: u64,
}

/// Output of DescribeTenantProjects.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ProjectPage {
    pub(super) rows: Field<List<Project>>,
    pub(super) total_count: Field<i64>,
}

/// One project of the tenant.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Project {
    pub(super) project_id: Field<String>,
    /// Written `beijing` in the sample, where the common parameter says `ap-beijing`.
    pub(super) region: Field<String>,
    /// 0 disabled, 1 enabled, -3 disabling, 2 enabling.
    pub(super) status: Field<i64>,
}

/// What stands under `Response`: every action wraps its answer in `Data`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default, bound(deserialize = "Field<T>: Deserialize<'de>"))]
pub(super) struct Envelope<T> {
    pub(super) data: Field<T>,
}

impl<T> Default for Envelope<T> {
    fn default() -> Self {
        Self { data: Field::Absent }
    }
}

records!(InstancePage, Instance, TaskType, LifeCycle, Phase, LogPage, ProjectPage, Project);
