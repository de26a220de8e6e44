//! TAT 2020-10-28 as its documents describe it (cloud.tencent.com/document/product/1340).

mod command;
mod invocation;
mod listing;
mod task;

use crate::model::Timestamp;
use crate::simulator::tencent::{Action, Product};
use crate::simulator::{Answer, Claim, Face, Request, Rows, Span, Trouble, TrueRun, World};

/// The simulated TAT.
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
        task::truth(world, span)
    }
}

const KIND: &str = "tat";

static PRODUCT: Product = Product {
    service: "tat",
    version: "2020-10-28",
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
