//! A project over a script, for tests.

use super::{Keep, Poll, Settings};
use crate::model::{Outcome, RunState, Timestamp, Window, Zone};
use crate::sources::desk::{FakeDesk, window};
use crate::sources::wedata::script::{Script, detail};
use crate::sources::wedata::settings::{ApiZone, Which};
use crate::sources::{PollError, Read};
use crate::transport::Error;
use serde_json::Value;

/// A project over a script, polled by hand at a time of 2025-03-28 in UTC+8.
pub(in crate::sources::wedata) struct Bench {
    pub(in crate::sources::wedata) api: Script,
    pub(in crate::sources::wedata) settings: Settings,
    pub(in crate::sources::wedata) keep: Keep,
    pub(in crate::sources::wedata) desk: FakeDesk,
}

pub(in crate::sources::wedata) fn at(time: &str) -> Timestamp {
    Zone::east8().read(&format!("2025-03-28 {time}:00")).unwrap()
}

/// The poll at `time`, with everything since midnight in its window.
pub(in crate::sources::wedata) fn since_midnight(time: &str) -> Window {
    Window { from: at("00:00"), floor: at("00:00"), ..window(at(time)) }
}

impl Bench {
    pub(in crate::sources::wedata) fn new() -> Self {
        let settings = Settings { logs: Which::Never, ..Settings::default() };
        let keep = Keep::new(ApiZone::parse("UTC+8").unwrap());
        Self { api: Script::default(), settings, keep, desk: FakeDesk::default() }
    }

    /// Adds an instance and its details, in the place of what was there for its key.
    pub(in crate::sources::wedata) fn set(&self, row: Value, lives: &[Value]) {
        let mut script = self.api.set();
        let key = row["InstanceKey"].as_str().unwrap().to_owned();
        script.rows.retain(|known| known["InstanceKey"] != key.as_str());
        script.details.insert(key, detail(&row, lives));
        script.rows.push(row);
    }

    pub(in crate::sources::wedata) async fn poll(&self, window: &Window) -> Result<Read, PollError> {
        let (api, settings, keep, intake) = (&self.api, &self.settings, &self.keep, &self.desk);
        Poll { api, settings, keep, project: "p", window, intake }.run().await
    }

    pub(in crate::sources::wedata) fn counted(&self) -> Vec<(String, Outcome)> {
        let counted = self.desk.counted();
        let told = counted.iter().filter_map(|seen| match seen.state {
            RunState::Finished(outcome) => Some((seen.run.to_string(), outcome)),
            _ => None,
        });
        told.collect()
    }

    pub(in crate::sources::wedata) fn watermark(&self) -> Option<Timestamp> {
        self.desk.batches().pop().and_then(|batch| batch.watermark)
    }
}

pub(in crate::sources::wedata) fn refused(code: &str) -> Error {
    Error::Auth { code: code.into(), hint: "grant it" }
}
