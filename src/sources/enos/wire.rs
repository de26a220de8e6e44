//! Requests and answers of the Batch Processing Service v2.1, in the API's own names.
//!
//! Left out on purpose, and so never even decoded: `cmd`, `parameters`, `msg` and the log (they may hold secrets),
//! `x`, `y`, `nodeId`, `relations` and `flows` of the graph (a drawing, and other flows' business).

use crate::sources::lenient::{Field, List, Shape, record, records};
use serde::Serialize;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess};

/// `data` as it comes: documented as a list, shown as an object, null where there is nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct One<T>(pub(super) Option<T>);

impl<T: DeserializeOwned> Shape for One<T>
where
    Field<T>: DeserializeOwned,
{
    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Ok(record(map)?.map(|found| Self(Some(found))))
    }
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = None;
        while let Some(element) = list.next_element::<Field<T>>()? {
            if let (None, Field::Value(element)) = (&found, element) {
                found = Some(element);
            }
        }
        Ok(Some(Self(found)))
    }
}

/// An answer with at most one record.
pub(super) type Single<T> = Field<One<T>>;

impl<T> Field<One<T>> {
    /// The record, where there is one.
    pub(super) fn into_one(self) -> Option<T> {
        match self {
            Self::Value(One(found)) => found,
            Self::Absent | Self::Malformed => None,
        }
    }
}

/// The body of the flow instance search.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchRequest {
    /// 0 manual, 1 periodic, 2 temporary.
    pub(super) r#type: u8,
    /// Required; empty is no filter.
    pub(super) owner: &'static str,
    /// Milliseconds since the epoch; the planned time is at or after it.
    pub(super) from_trigger_time: i64,
    /// And before this.
    pub(super) to_trigger_time: i64,
    /// Required; empty is no filter.
    pub(super) status: &'static str,
    pub(super) pagination: Pagination,
}

/// A page. No sorters: their names differ between the document's versions, and a wrong one is refused.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    /// From 0 by the newer documents, from 1 by the older.
    pub(super) page_no: u32,
    pub(super) page_size: u32,
}

/// What the flow instance search answers.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Found {
    pub(super) flow_insts: Field<List<FlowInstance>>,
    /// Of this page, or of all: the document can be read either way.
    pub(super) count: Field<i64>,
}

/// One run of a flow.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FlowInstance {
    pub(super) instance_id: Field<String>,
    pub(super) flow_id: Field<String>,
    pub(super) flow_name: Field<String>,
    pub(super) freq: Field<String>,
    pub(super) status: Field<i64>,
    pub(super) trigger_time: Field<String>,
    pub(super) start_time: Field<String>,
    pub(super) end_time: Field<String>,
    pub(super) owner: Field<String>,
    /// Stands in for another flow's task.
    pub(super) r#virtual: Field<bool>,
    pub(super) has_read_pri: Field<bool>,
    /// JSON inside a string.
    pub(super) graph: Field<Graph>,
}

/// The tasks of a flow run.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Graph {
    /// Names between semicolons.
    pub(super) owners: Field<String>,
    pub(super) tasks: Field<List<GraphTask>>,
}

/// One task of a flow run. The search spells its fields with underscores, `get` without; only `get` tells the status.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct GraphTask {
    #[serde(rename = "taskInstId")]
    pub(super) instance: Field<String>,
    /// The status' name.
    pub(super) status: Field<String>,
}

/// One run of a task, or several under one id: `runNum` tells them apart.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TaskInstance {
    pub(super) instance_id: Field<String>,
    pub(super) task_id: Field<String>,
    pub(super) task_name: Field<String>,
    /// M, W, D, H, mi.
    pub(super) cycle: Field<String>,
    pub(super) status: Field<i64>,
    /// The status' name; a flow's is `statusDesc`.
    pub(super) sts_desc: Field<String>,
    pub(super) run_num: Field<i64>,
    pub(super) recall_num: Field<i64>,
    /// Minutes, by the console.
    pub(super) timeout: Field<f64>,
    /// A number in this call, a word in older exports.
    pub(super) r#type: Field<String>,
    pub(super) freq: Field<String>,
    pub(super) trigger_time: Field<String>,
    /// Null until it starts.
    pub(super) start_time: Field<String>,
    /// Null until it ends.
    pub(super) end_time: Field<String>,
    /// When it was created, as Java prints a date. Another spelling and another format than a flow's `timestamp`.
    pub(super) time_stamp: Field<String>,
    pub(super) is_timeout: Field<bool>,
    pub(super) alert: Field<bool>,
    pub(super) flow_inst_id: Field<String>,
    /// JSON inside a string.
    pub(super) run_mode: Field<RunMode>,
}

/// What a task asked for.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct RunMode {
    /// Cores, of the task or of each of its parts.
    pub(super) cpu: Field<f64>,
    /// GiB: the document says "G".
    pub(super) memory: Field<f64>,
}

/// What the time zone call answers.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct ServerZone {
    /// `GMT+8`.
    pub(super) timezone: Field<String>,
}

/// JSON inside a string; taken as an object too, should a deployment write it so.
macro_rules! embedded {
    ($($name:ty),+) => {
        $(impl Shape for $name {
            fn of_text(text: &str) -> Option<Self> {
                serde_json::from_str(text).ok()
            }
            fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                record(map)
            }
        })+
    };
}

embedded!(Graph, RunMode);
records!(Found, FlowInstance, GraphTask, TaskInstance, ServerZone);
