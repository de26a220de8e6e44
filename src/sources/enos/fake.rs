//! EnOS Batch Processing Service v2.1 as its documents describe it
//! (support.enos-iot.com/docs/batch-processing-api, version 2.1), behind its gateway.

mod flow;
mod instance;
mod task;

use crate::model::Timestamp;
use crate::simulator::apim::{self, Gate};
use crate::simulator::{Answer, Claim, Face, Request, Rows, Span, Trouble, TrueRun, World, stamp};
use serde_json::{Value, json};

/// The simulated EnOS: its gateway's tokens are the only state there is.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    gate: Gate,
}

const KIND: &str = "enos";
const TOKENS: &str = "/apim-token-service/v2.0/token/";
const SERVICE: &str = "/batch-processing-service/v2.1/";
/// No limit is documented. One that no polite client meets, and every impolite one does.
const PER_SECOND: u32 = 20;

impl Face for Fake {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn claim(&self, request: &Request) -> Option<Claim> {
        let action = match (request.path.strip_prefix(TOKENS), request.path.strip_prefix(SERVICE)) {
            (Some(action), _) => format!("token.{action}"),
            (None, Some(path)) => format!("{path}.{}", request.parameter("action").unwrap_or_default()),
            (None, None) => return None,
        };
        let account = request.header("apim-accesstoken").unwrap_or_default().to_owned();
        Some(Claim { action, account, per_second: Some(PER_SECOND) })
    }

    fn answer(&self, request: &Request, world: &World, now: Timestamp) -> Answer {
        match request.path.strip_prefix(TOKENS) {
            Some("get") => self.gate.issue(request, now, false),
            Some("refresh") => self.gate.issue(request, now, true),
            Some(_) => Answer::json(404, json!({"message": "no Route matched with those values"})),
            None => {
                self.gate.check(request, now).map_or_else(|refusal| refusal, |()| serve(request, world, now))
            }
        }
    }

    fn refuse(&self, trouble: &Trouble) -> Answer {
        match trouble {
            Trouble::Throttled { .. } => Answer::json(429, json!({"message": "API rate limit exceeded"})),
            Trouble::Internal => envelope(62109, "Internal server exception", Value::Null),
            Trouble::Offline => Answer::json(503, json!({"message": "Service unavailable"})),
            Trouble::Auth => apim::unauthorized(),
        }
    }

    fn truth(&self, world: &World, span: &Span) -> Vec<TrueRun> {
        task::truth(world, span)
    }
}

/// What the service behind the gateway says.
fn serve(request: &Request, world: &World, now: Timestamp) -> Answer {
    let asked = Asked { request, world, now: now.secs() };
    let path = request.path.strip_prefix(SERVICE).unwrap_or_default();
    let action = asked.text("action");
    let outcome = match (&*request.method, path, &*action) {
        ("GET", "time", "getCurrentTime") => Ok(json!(now.millis())),
        ("GET", "time", "getTimeZone") => Ok(json!({"timezone": format!("GMT+{}", stamp::CHINA)})),
        ("GET", "taskInstances", "get") => asked.allowed().and_then(|()| task::answer(&asked)),
        ("POST", "flowInstances", "search") => asked.allowed().and_then(|()| instance::search(&asked)),
        ("GET", "flowInstances", "get") => asked.allowed().and_then(|()| instance::answer(&asked)),
        // Everything else is refused to all, most of all what changes or deletes: `/calls` shows who tried.
        _ => Err(Fault::Forbidden),
    };
    let rows = Rows {
        at: "/data",
        state: "status",
        numbers: &["status", "runNum", "recallNum", "timeout", "type", "taskId"],
        times: &["endTime"],
        optional: &["cmd", "doAs", "runMode", "timeStamp", "alert"],
    };
    match outcome {
        Ok(data) => envelope(0, "OK", data).with_rows((path == "taskInstances").then_some(rows)),
        Err(Fault::Stranger) => {
            envelope(62101, "userId does not exist, or it does not match to orgId.", Value::Null)
        }
        Err(Fault::Incorrect) => envelope(62102, "Incorrect parameter.", Value::Null),
        Err(Fault::Forbidden) => envelope(62103, "User has no privilege.", Value::Null),
    }
}

fn envelope(code: i64, text: &str, data: Value) -> Answer {
    Answer::json(200, json!({"code": code, "msg": text, "data": data}))
}

/// Why the service does not answer.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// 62101
    Stranger,
    /// 62102
    Incorrect,
    /// 62103
    Forbidden,
}

/// A request that got through the gateway.
struct Asked<'a> {
    request: &'a Request,
    world: &'a World,
    /// The present, in seconds.
    now: i64,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> String {
        self.request.parameter(name).unwrap_or_default()
    }

    fn allowed(&self) -> Result<(), Fault> {
        match (&*self.text("orgId"), &*self.text("userId")) {
            (apim::ORG_ID, apim::USER_ID) => Ok(()),
            (apim::ORG_ID, apim::GUEST_ID) => Err(Fault::Forbidden),
            _ => Err(Fault::Stranger),
        }
    }
}

#[cfg(test)]
mod tests;
