//! GetFunctionLogs.

use super::function::{Function, NAMESPACES, window};
use super::run::{Run, started};
use crate::simulator::tencent::Call;
use crate::simulator::{Refusal, cut, stamp};
use serde_json::{Value, json};

pub(super) const ARGUMENTS: &[&str] = &[
    "FunctionName",
    "Offset",
    "Limit",
    "Order",
    "OrderBy",
    "Filter",
    "Namespace",
    "Qualifier",
    "FunctionRequestId",
    "StartTime",
    "EndTime",
    "SearchContext",
];

/// The most rows that can be reached in one window.
const REACHABLE: i64 = 10_000;
const DAY: i64 = 86_400;

/// GetFunctionLogs.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let arguments = call.arguments;
    // "Optional, but omitting may fail": it does here, so that no client relies on the other.
    let name = arguments.required("FunctionName")?;
    let namespace = arguments.text("Namespace")?.unwrap_or("default");
    let (offset, limit) = window(call)?;
    if offset + limit > REACHABLE {
        return Err(Refusal::of("LimitExceeded.Offset", "Offset + Limit is above 10000."));
    }
    let (from, to) = times(call)?;
    let request = arguments.text("FunctionRequestId")?.filter(|id| !id.is_empty());
    let wanted = arguments.field("Filter", "RetCode")?.unwrap_or_default();
    let filter = by_code(wanted)?;
    let order = order(call)?;
    let missing = || Refusal::of("ResourceNotFound.FunctionName", "The function does not exist.");
    if !NAMESPACES.contains(&namespace) {
        return Err(Refusal::of("ResourceNotFound.Namespace", "The namespace does not exist."));
    }
    let mut functions = Function::all(call.world, call.region, namespace);
    let function = functions.find(|function| function.name() == name).ok_or_else(missing)?;
    // Every invocation here was of the newest version.
    let newest = matches!(arguments.text("Qualifier")?, None | Some("" | "$LATEST" | "$DEFAULT"));
    let mut rows: Vec<Run> = started(call.world, &function, from, to.min(call.now))
        .into_iter()
        .filter(|run| newest && run.shown <= call.now)
        .filter(|run| request.is_none_or(|request| run.request == request))
        .filter(|run| filter(run.ret_code(call.now)))
        .collect();
    rows.sort_by_cached_key(|run| (order.key(run), run.request.clone(), run.retry));
    if order.descending {
        rows.reverse();
    }
    let total = i64::try_from(rows.len()).unwrap_or_default();
    let page = cut(rows, total, offset, limit, call.skew);
    let rows: Vec<Value> = page.rows.iter().map(|run| run.row(&function, call.now)).collect();
    Ok(json!({
        "TotalCount": page.total,
        "Data": rows,
        "SearchContext": {"Offset": "", "Limit": 0, "Keyword": "", "Type": ""},
    }))
}

/// StartTime and EndTime, in seconds, both inclusive: both or neither, at most a day apart.
fn times(call: &Call<'_>) -> Result<(i64, i64), Refusal> {
    let given = |name: &str| call.arguments.text(name).map(|text| text.filter(|text| !text.is_empty()));
    let read = |text: &str| {
        let wrong = || Refusal::of("InvalidParameterValue.DateTime", "A time is not YYYY-MM-DD HH:MM:SS.");
        stamp::read(text, stamp::CHINA).ok_or_else(wrong)
    };
    match (given("StartTime")?, given("EndTime")?) {
        (None, None) => Ok((call.now - DAY, call.now)),
        (Some(from), Some(to)) => {
            let (from, to) = (read(from)?, read(to)?);
            if to < from || to - from > DAY {
                let text = "EndTime is before StartTime, or more than a day after it.";
                return Err(Refusal::of("InvalidParameterValue.StartTimeOrEndTime", text));
            }
            Ok((from, to))
        }
        _ => {
            Err(Refusal::of("InvalidParameterValue.StartTimeOrEndTime", "StartTime and EndTime go together."))
        }
    }
}

/// Filter.RetCode.
fn by_code(name: &str) -> Result<fn(i64) -> bool, Refusal> {
    Ok(match name {
        "" => |_| true,
        "is0" => |code| code == 0,
        "not0" => |code| code != 0,
        "TimeLimitExceeded" => |code| code == 433,
        "ResourceLimitExceeded" => |code| code == 432,
        "UserCodeException" => |code| code == 1,
        _ => return Err(Refusal::of("InvalidParameterValue", "Filter.RetCode is not known.")),
    })
}

struct Order {
    by: Column,
    descending: bool,
}

#[derive(Clone, Copy)]
enum Column {
    Start,
    Duration,
    Memory,
}

impl Order {
    fn key(&self, run: &Run) -> i64 {
        match self.by {
            Column::Start => run.started,
            Column::Duration => run.micros,
            Column::Memory => run.memory,
        }
    }
}

fn order(call: &Call<'_>) -> Result<Order, Refusal> {
    let wrong = || Refusal::of("InvalidParameterValue", "Order or OrderBy is not known.");
    let descending = match call.arguments.text("Order")? {
        None | Some("" | "desc") => true,
        Some("asc") => false,
        Some(_) => return Err(wrong()),
    };
    let by = match call.arguments.text("OrderBy")? {
        // All rows are of one function, so that its name orders nothing.
        None | Some("" | "function_name" | "start_time") => Column::Start,
        Some("duration") => Column::Duration,
        Some("mem_usage") => Column::Memory,
        Some(_) => return Err(wrong()),
    };
    Ok(Order { by, descending })
}
