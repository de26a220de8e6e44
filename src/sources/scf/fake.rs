//! SCF 2018-04-16 as its documents describe it (cloud.tencent.com/document/product/583).

mod function;
mod logs;
mod run;

use crate::model::Timestamp;
use crate::simulator::tencent::{Action, Product};
use crate::simulator::{Answer, Claim, Face, Request, Rows, Span, Trouble, TrueRun, World};

/// The simulated SCF.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fake;

impl Face for Fake {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn claim(&self, request: &Request) -> Option<Claim> {
        PRODUCT.claim(request)
    }

    fn answer(&self, request: &Request, world: &World, now: Timestamp) -> Answer {
        PRODUCT.answer(request, world, now)
    }

    fn refuse(&self, trouble: &Trouble) -> Answer {
        PRODUCT.refuse(trouble)
    }

    fn truth(&self, world: &World, span: &Span) -> Vec<TrueRun> {
        run::truth(world, span)
    }
}

const KIND: &str = "scf";

static PRODUCT: Product = Product {
    service: "scf",
    version: "2018-04-16",
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
