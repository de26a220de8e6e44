//! Requests and answers of SCF 2018-04-16, in the API's own names.
//!
//! Left out on purpose: `RetMsg` (what the function returned) is never even decoded, and `Log` is counted while it is
//! decoded and dropped: both may hold secrets. `Order`, `OrderBy`, `Offset`, `Limit` and both times are always sent,
//! because the document's defaults differ between its versions.

use crate::logs;
use crate::model::LogFacts;
use crate::sources::lenient::{Field, List, Shape, records};
use crate::transport::Priority;
use crate::transport::tencent::Action;
use serde::{Deserialize, Serialize};

/// Run rows of one function. 5 requests a second, by its page.
pub(super) const GET_FUNCTION_LOGS: Action = action("GetFunctionLogs", 5.0, Priority::Current);

/// The functions of a namespace. 100 requests a second, by its page.
pub(super) const LIST_FUNCTIONS: Action = action("ListFunctions", 100.0, Priority::Discovery);

/// The namespaces of a region. 20 requests a second, by its page.
pub(super) const LIST_NAMESPACES: Action = action("ListNamespaces", 20.0, Priority::Discovery);

const fn action(name: &'static str, per_second: f64, priority: Priority) -> Action {
    Action { service: "scf", version: "2018-04-16", name, per_second, priority }
}

/// What is asked of `GetFunctionLogs`.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LogsRequest {
    pub(super) namespace: String,
    pub(super) function_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) qualifier: Option<String>,
    /// `YYYY-MM-DD HH:MM:SS` in UTC+8. Always with `end_time`: one alone is refused.
    pub(super) start_time: String,
    /// At most a day after `start_time`.
    pub(super) end_time: String,
    pub(super) order: &'static str,
    pub(super) order_by: &'static str,
    /// `offset` + `limit` may not pass 10 000.
    pub(super) offset: u32,
    pub(super) limit: u32,
}

/// What `GetFunctionLogs` answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LogsAnswer {
    pub(super) total_count: Field<i64>,
    pub(super) data: Field<List<FunctionLog>>,
}

/// One run, as `GetFunctionLogs` shows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionLog {
    pub(super) request_id: Field<String>,
    /// `YYYY-MM-DD HH:MM:SS`; the document names no zone, its samples show UTC+8.
    pub(super) start_time: Field<String>,
    /// 0 success, 2 running, 3 interrupted, else failure. The 2019 sample shows 1 beside "Success": hand-made.
    pub(super) ret_code: Field<i64>,
    /// 1 ended, else abnormal.
    pub(super) invoke_finished: Field<i64>,
    /// Milliseconds, with a fraction.
    pub(super) duration: Field<f64>,
    /// Milliseconds. Documented as rounded up to 100; later samples are not.
    pub(super) bill_duration: Field<f64>,
    /// Bytes.
    pub(super) mem_usage: Field<i64>,
    /// Absent in the 2019 document.
    pub(super) retry_num: Field<i64>,
    /// Counted while it is decoded.
    pub(super) log: Field<LogFacts>,
}

/// What is asked of `ListFunctions`.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionsRequest {
    pub(super) namespace: String,
    pub(super) offset: u32,
    pub(super) limit: u32,
}

/// What `ListFunctions` answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionsAnswer {
    pub(super) total_count: Field<i64>,
    pub(super) functions: Field<List<Function>>,
}

/// One function, as `ListFunctions` shows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Function {
    pub(super) function_name: Field<String>,
    pub(super) runtime: Field<String>,
}

/// What is asked of `ListNamespaces`.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamespacesRequest {
    pub(super) offset: u32,
    pub(super) limit: u32,
}

/// What `ListNamespaces` answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NamespacesAnswer {
    pub(super) total_count: Field<i64>,
    pub(super) namespaces: Field<List<Namespace>>,
}

/// One namespace, as `ListNamespaces` shows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Namespace {
    pub(super) name: Field<String>,
}

/// A text is counted and dropped.
impl Shape for LogFacts {
    fn of_text(text: &str) -> Option<Self> {
        Some(logs::count(text))
    }
}

records!(FunctionLog, Function, Namespace);
