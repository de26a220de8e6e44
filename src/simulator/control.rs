//! The simulator's own endpoints: what happened, what was asked, what time it is and what goes wrong.

use super::server::Clouds;
use super::truth::ledger;
use super::{Answer, Request, Span, TrueRun};
use crate::model::{Clock, Timestamp};
use serde_json::{Value, json};

/// How far back `/truth` looks where nothing else is asked for.
const DAY: i64 = 86_400_000;

impl Clouds {
    /// Answers the simulator's own endpoints, `None` for every other path:
    ///
    /// - `GET /truth?kind=&from=<ms>&to=<ms>&since=<ms>&runs=1`: the finished runs, per task and outcome
    ///   (see [`Span`]); by default those of the last 24 h;
    /// - `GET /calls`: how often each action was called, how many calls were one too many, and the most in one second;
    ///   `POST /calls?clear=1` starts again;
    /// - `POST /clock?freeze=<ms>` (or `freeze=now`), `?advance=<ms>`, `?release=1`; `GET /clock`;
    /// - `POST /faults?spec=…` replaces the faults.
    pub(super) fn control(&self, request: &Request) -> Option<Answer> {
        let outcome = match (&*request.method, &*request.path) {
            ("GET", "/truth") => self.truth_page(request),
            ("GET", "/calls") => Ok(json!({"calls": self.calls.report()})),
            ("POST", "/calls") => {
                self.calls.clear();
                Ok(json!({"calls": {}}))
            }
            ("GET" | "POST", "/clock") => self.turn(request),
            ("POST", "/faults") => self.afflict(request),
            (_, "/truth" | "/calls" | "/faults") => Err("wrong method".to_owned()),
            _ => return None,
        };
        Some(match outcome {
            Ok(value) => Answer::json(200, value),
            Err(message) => Answer::json(400, json!({"message": message})),
        })
    }

    /// The finished runs of one kind.
    pub fn truth(&self, kind: &str, span: &Span) -> Vec<TrueRun> {
        let faces = self.faces.iter().filter(|face| face.kind() == kind);
        faces.flat_map(|face| face.truth(&self.world, span)).filter(|run| span.holds(run)).collect()
    }

    fn truth_page(&self, request: &Request) -> Result<Value, String> {
        let now = self.clock.now();
        let to = millis(request, "to")?.unwrap_or(now);
        let from = millis(request, "from")?.unwrap_or(Timestamp::from_millis(to.millis() - DAY));
        let span = Span { from, to, since: millis(request, "since")? };
        let each = request.parameter("runs").is_some_and(|value| value == "1");
        let wanted = request.parameter("kind").filter(|kind| !kind.is_empty());
        let kinds = self.faces.iter().map(|face| face.kind());
        let kinds = kinds.filter(|kind| wanted.as_deref().is_none_or(|wanted| wanted == *kind));
        let rows: Vec<Value> =
            kinds.flat_map(|kind| ledger(kind, &self.truth(kind, &span), &span, each)).collect();
        Ok(json!({"now": now.millis(), "from": from.millis(), "to": to.millis(), "rows": rows}))
    }

    fn turn(&self, request: &Request) -> Result<Value, String> {
        if request.method == "POST" {
            let now = request.parameter("freeze").is_some_and(|value| value == "now");
            if now {
                self.clock.freeze(self.clock.now());
            } else if let Some(at) = millis(request, "freeze")? {
                self.clock.freeze(at);
            } else if let Some(by) = millis(request, "advance")? {
                self.clock.advance(by.millis());
            } else if request.parameter("release").is_some() {
                self.clock.release();
            } else {
                return Err("wanted freeze=<ms>, advance=<ms> or release=1".to_owned());
            }
        }
        Ok(json!({"now": self.clock.now().millis()}))
    }

    fn afflict(&self, request: &Request) -> Result<Value, String> {
        let spec = request.parameter("spec").unwrap_or_default();
        self.set_faults(spec.parse().map_err(|error| format!("{error}"))?);
        Ok(json!({"faults": spec}))
    }
}

fn millis(request: &Request, name: &str) -> Result<Option<Timestamp>, String> {
    let read = |text: String| {
        text.parse().map(Timestamp::from_millis).map_err(|_| format!("{name} is not in milliseconds"))
    };
    request.parameter(name).filter(|text| !text.is_empty()).map(read).transpose()
}
