//! TAT 2020-10-28 as its documents describe it (cloud.tencent.com/document/product/1340).

mod command;
mod invocation;
mod listing;
mod task;

use crate::simulator::Rows;
use crate::simulator::tencent::{Action, Product};

const KIND: &str = "tat";

/// The simulated TAT.
pub(crate) static PRODUCT: Product = Product {
    service: KIND,
    version: "2020-10-28",
    truth: task::truth,
    actions: &[
        Action {
            name: "DescribeInvocations",
            per_second: 20,
            arguments: &["InvocationIds", "Filters", "Limit", "Offset"],
            rows: Some(Rows {
                at: "/Response/InvocationSet",
                state: "InvocationStatus",
                numbers: &["Timeout"],
                times: &[],
                optional: &["Description", "EndTime", "Username", "Parameters", "InvocationSource"],
            }),
            answer: invocation::answer,
        },
        Action {
            name: "DescribeInvocationTasks",
            per_second: 20,
            arguments: &["InvocationTaskIds", "Filters", "Limit", "Offset", "HideOutput"],
            rows: Some(Rows {
                at: "/Response/InvocationTaskSet",
                state: "TaskStatus",
                numbers: &[],
                times: &["EndTime"],
                optional: &["ErrorInfo", "CommandDocument", "InvocationSource"],
            }),
            answer: task::answer,
        },
        Action {
            name: "DescribeCommands",
            per_second: 20,
            arguments: &["CommandIds", "Filters", "Limit", "Offset"],
            rows: None,
            answer: command::answer,
        },
    ],
};

#[cfg(test)]
mod tests;
