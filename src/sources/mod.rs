#![doc = include_str!("README.md")]

mod brief;
mod buckets;
#[cfg(test)]
mod desk;
pub mod enos;
mod forecast;
mod lenient;
mod memory;
mod real;
pub mod scf;
pub mod tat;
pub mod wedata;

pub use forecast::{Called, Calls, Figure, Forecast, Kept, Plan, Scene};

pub use crate::transport::counted;

use crate::config::{Problem, Section};
use crate::model::{BoxFuture, Buckets, CellKey, Clock, Intake, NativeGauge, Reach, Reason, Window};
use crate::transport::{self, tencent};
use std::sync::Arc;
use std::time::Duration;

/// How long a poll reads what earlier ones left, once what is new is read. Short of every poll's deadline, and the next
/// poll begins with what is new again.
const CATCH_UP: Duration = Duration::from_secs(30);

/// How long something that was tried and could not be read stays a gap. What it holds is lost then: waiting on would
/// keep every run remembered since, for ever.
const HELD: Duration = Duration::from_secs(7 * 86_400);

/// The kinds of sources there are. Adding one is a folder, a `mod` line and an entry here.
pub const KINDS: &[Kind] = &[wedata::KIND, tat::KIND, scf::KIND, enos::KIND];

/// The kind of a name in the configuration.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The simulated API of every kind.
#[cfg(feature = "simulator")]
pub fn faces() -> Vec<Box<dyn crate::simulator::Face>> {
    KINDS.iter().map(|kind| (kind.face)()).collect()
}

/// Builds a source from its section, for one region.
pub type Build = fn(&Section, region: &str, &Toolbox) -> Result<Box<dyn Source>, Vec<Problem>>;

/// What is known of a kind of source before one is configured.
pub struct Kind {
    /// The value of `kind` in the configuration and in labels.
    pub name: &'static str,
    /// The API and version it was written against, and where that is documented.
    pub docs: &'static str,
    /// The `provider` its account must have.
    pub provider: &'static str,
    /// Whether it is polled per region.
    pub regional: bool,
    /// The histogram buckets of its tasks, where the configuration does not say.
    pub buckets: fn() -> Buckets,
    /// The gauges that it alone has.
    pub natives: &'static [&'static NativeGauge],
    /// Checks the settings of a section, naming every problem, and touches nothing else.
    pub check: fn(&Section) -> Vec<Problem>,
    /// What its number of calls depends on beside its settings.
    pub figures: &'static [Figure],
    /// How many calls it makes, in numbers alone.
    pub plan: Plan,
    /// What in its settings lessens its calls, after "write a longer schedule, ".
    pub relief: &'static str,
    /// Builds the source for one region (`""` where the kind has none). Opens nothing, calls nothing.
    pub build: Build,
    /// The simulated API it can be tried on.
    #[cfg(feature = "simulator")]
    pub face: fn() -> Box<dyn crate::simulator::Face>,
}

/// What a source is built with.
pub struct Toolbox {
    /// The client of the section's account.
    pub account: AccountClient,
    /// The present time.
    pub clock: Arc<dyn Clock>,
}

impl Toolbox {
    /// The Tencent Cloud client.
    ///
    /// # Errors
    /// Where the section names an account of another provider.
    pub(crate) fn tencent(&self, section: &Section) -> Result<&Arc<tencent::Client>, Vec<Problem>> {
        match &self.account {
            AccountClient::Tencent(client) => Ok(client),
            AccountClient::Enos(_) => {
                let message =
                    format!("the kind {} needs an account of the provider \"tencentcloud\"", section.kind);
                Err(vec![section.problem_with("account", message)])
            }
        }
    }
}

/// The client of one configured account.
#[derive(Clone)]
pub enum AccountClient {
    /// Tencent Cloud API 3.0.
    Tencent(Arc<tencent::Client>),
    /// Envision EnOS.
    Enos(Arc<transport::enos::Client>),
}

impl AccountClient {
    /// Whether both are the very same client.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tencent(one), Self::Tencent(other)) => Arc::ptr_eq(one, other),
            (Self::Enos(one), Self::Enos(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// One configured source in one region.
///
/// It reads and proposes; it keeps no counts. What it may keep is a cache that a restart can lose.
pub trait Source: Send + Sync {
    /// How far its reads reach in time.
    fn reach(&self) -> Reach;

    /// The cells to poll. Called before the first poll and again every [`Source::rediscover`].
    ///
    /// # Errors
    /// What the API answered; the cells known so far stay.
    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>>;

    /// How often to discover again; `None` where the configuration names every cell.
    fn rediscover(&self) -> Option<Duration>;

    /// Reads one cell and hands what it finds to `intake`, in one batch or several.
    ///
    /// # Errors
    /// What ended the poll early. Batches submitted before stand.
    ///
    /// # Cancel
    /// May be dropped at any await: nothing is lost, because a batch moves the watermark only past what is handed over or
    /// told to be a gap.
    fn poll<'a>(
        &'a self,
        cell: &'a CellKey,
        window: &'a Window,
        intake: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>>;
}

/// How much of what there was a poll that ended well has read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Read {
    /// All of it.
    Whole,
    /// All of it, but some records were refused; the text says which kind of record and why.
    Refused(String),
    /// Not all of it; the text says what is missing. It stays a gap, or the watermark stays before it.
    Torn(String),
}

/// Why a poll ended early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PollError {
    /// A call failed.
    #[error("{action}: {error}")]
    Call {
        /// The API's name of the action.
        action: &'static str,
        /// What went wrong.
        error: transport::Error,
    },
    /// The exporter is stopping.
    #[error(transparent)]
    Stopping(#[from] crate::model::IntakeClosed),
}

impl PollError {
    /// The bounded form, for metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Call { error, .. } => error.reason(),
            Self::Stopping(_) => Reason::Cancelled,
        }
    }
}

/// Names the action that a failed call was for: the one that failed, where that was another that it needs.
pub fn during(action: &'static str) -> impl FnOnce(transport::Error) -> PollError {
    move |error| match error {
        transport::Error::Before { action, error } => PollError::Call { action, error: *error },
        error => PollError::Call { action, error },
    }
}
