//! WeData 2021-08-20 as its documents describe it
//! (cloud.tencent.com/document/product/1267, data structures and actions of version 2021-08-20).

mod history;
mod instance;
mod listing;
mod log;
mod project;

use crate::model::Timestamp;
use crate::simulator::tencent::{Action, Product};
use crate::simulator::{Answer, Claim, Face, Request, Rows, Span, Trouble, TrueRun, World};

/// The simulated WeData.
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
        history::truth(world, span)
    }
}

const KIND: &str = "wedata";

static PRODUCT: Product = Product {
    service: "wedata",
    version: "2021-08-20",
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
