//! The simulated clouds: one HTTP server that speaks every kind's protocol over one seeded world.
//!
//! The world ([`World`]) is computed, never stored: any run at any time is a pure function of the seed, so history
//! reaches back for ever and two simulators of one seed agree. An API is a [`Face`] in its source's folder; it
//! enforces what the API's documents say and tells the truth at `/truth`. Faults are put in between, on demand.
//!
//! Own endpoints beside the APIs: `GET /truth`, `GET /calls`, `POST /clock`, `POST /faults` (see `control.rs`).

mod answer;
pub mod apim;
mod arguments;
mod body;
mod calls;
mod cast;
mod clock;
mod control;
mod dice;
mod faults;
mod page;
mod request;
mod server;
pub mod stamp;
pub mod tc3;
pub mod tencent;
mod truth;
mod world;

pub use answer::{Answer, Content, Rows};
pub use arguments::Arguments;
pub use calls::{Calls, Tally};
pub use cast::Character;
pub use clock::{ManualClock, SimClock};
pub use dice::Dice;
pub use faults::{Faults, FaultsError};
pub use page::{Page, cut};
pub use request::Request;
pub use server::{Clouds, Options, Running, Simulator};
pub use truth::{Span, TrueRun};
pub use world::{Rhythm, World};

use crate::model::Timestamp;

/// A text that stands in everything that may hold secrets in life (code, logs, output, return values): where it
/// turns up in an exposition or a log, something leaks.
pub const CANARY: &str = "canary-d5f1-must-never-be-shown";

/// One API of the simulated clouds. Lives in its source's folder, as `fake.rs`.
///
/// A face never uses the client's wire types, normalisation or signer: it is written from the API's documents alone,
/// so that client and fake cannot share one misreading.
pub trait Face: Send + Sync {
    /// The kind it belongs to.
    fn kind(&self) -> &'static str;
    /// What a request asks of this API, `None` where it is for another.
    fn claim(&self, request: &Request) -> Option<Claim>;
    /// The answer at `now`.
    fn answer(&self, request: &Request, world: &World, now: Timestamp) -> Answer;
    /// How this API says that it is in trouble.
    fn refuse(&self, trouble: &Trouble) -> Answer;
    /// The finished runs that `span` holds.
    fn truth(&self, world: &World, span: &Span) -> Vec<TrueRun>;
}

/// What a request asks for, before anything of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The action, in the API's words.
    pub action: String,
    /// Whose rate limit it falls under.
    pub account: String,
    /// The documented limit of the action, in requests per second.
    pub per_second: Option<u32>,
}

/// What may be wrong with an API, whatever is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Too many requests in one second.
    Throttled {
        /// How many there were.
        seen: u32,
        /// How many may be.
        limit: u32,
    },
    /// A fault of its own.
    Internal,
    /// The action was withdrawn.
    Offline,
    /// The credentials are not good.
    Auth,
}

/// An error answer: the API's code and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: &'static str,
    text: String,
}

impl Refusal {
    /// With the API's code.
    pub fn of(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// The API's code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The text beside the code.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Why there can be no such world.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorldError {
    /// The speed.
    #[error("speed {0} is not between 0.01 and 10000")]
    Speed(f64),
    /// The number of tasks.
    #[error("{0} tasks are not between 1 and {most}", most = World::MOST_TASKS)]
    Tasks(usize),
}
