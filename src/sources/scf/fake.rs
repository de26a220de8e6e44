//! SCF 2018-04-16 as its documents describe it (cloud.tencent.com/document/product/583).

mod function;
mod logs;
mod run;

use crate::simulator::Rows;
use crate::simulator::tencent::{Action, Product};

const KIND: &str = "scf";

/// The simulated SCF.
pub(crate) static PRODUCT: Product = Product {
    service: KIND,
    version: "2018-04-16",
    truth: run::truth,
    actions: &[
        Action {
            name: "GetFunctionLogs",
            per_second: 5,
            arguments: logs::ARGUMENTS,
            rows: Some(Rows {
                at: "/Response/Data",
                // Any RetCode means something here, so that none can be unknown.
                state: "",
                numbers: &["RetCode", "MemUsage", "Duration", "BillDuration", "InvokeFinished", "RetryNum"],
                times: &["StartTime"],
                optional: &["RetMsg", "Log", "Level", "Source"],
            }),
            answer: logs::answer,
        },
        Action {
            name: "ListFunctions",
            per_second: 100,
            arguments: &[
                "Order",
                "Orderby",
                "Offset",
                "Limit",
                "SearchKey",
                "Namespace",
                "Description",
                "Filters",
            ],
            rows: None,
            answer: function::functions,
        },
        Action {
            name: "ListNamespaces",
            per_second: 20,
            arguments: &["Limit", "Offset", "Orderby", "Order", "SearchKey"],
            rows: None,
            answer: function::namespaces,
        },
    ],
};

#[cfg(test)]
mod tests;
