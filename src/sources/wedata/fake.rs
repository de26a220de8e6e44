//! WeData 2021-08-20 as its documents describe it
//! (cloud.tencent.com/document/product/1267, data structures and actions of version 2021-08-20).

mod history;
mod instance;
mod listing;
mod log;
mod project;

use crate::simulator::Rows;
use crate::simulator::tencent::{Action, Product};

const KIND: &str = "wedata";

/// The simulated WeData.
pub(crate) static PRODUCT: Product = Product {
    service: KIND,
    version: "2021-08-20",
    truth: history::truth,
    actions: &[
        Action {
            name: "ListInstances",
            per_second: 20,
            arguments: listing::ARGUMENTS,
            rows: Some(Rows { at: "/Response/Data/Items", ..ROWS }),
            answer: listing::answer,
        },
        Action {
            name: "GetTaskInstance",
            per_second: 20,
            arguments: &["ProjectId", "InstanceKey", "ScheduleTimeZone"],
            rows: Some(Rows { at: "/Response/Data", ..ROWS }),
            answer: instance::answer,
        },
        Action {
            name: "GetInstanceLog",
            per_second: 20,
            arguments: log::ARGUMENTS,
            rows: None,
            answer: log::answer,
        },
        Action {
            name: "DescribeTenantProjects",
            per_second: 20,
            arguments: &["PageNumber", "PageSize", "TenantId", "ProjectIds", "DescribeCreator"],
            rows: None,
            answer: project::answer,
        },
    ],
};

const ROWS: Rows = Rows {
    at: "",
    state: "InstanceState",
    numbers: &["InstanceState", "Tries", "TryLimit", "TotalRunNum"],
    times: &["EndTime"],
    optional: &["CostTime", "InChargeList", "TaskType", "TryLimit", "ExecutorGroupName", "JobErrorMsg"],
};

#[cfg(test)]
mod tests;
