//! The vocabulary every other module shares: time, tasks, runs, batches, reports, records.
//!
//! Nothing here does I/O, reads a clock or knows a wire format.

mod batch;
mod cell;
mod endpoint;
mod gap;
mod histogram;
mod label;
mod observer;
mod record;
mod report;
mod restored;
mod run;
mod seen;
mod status;
mod task;
mod time;
mod zone;

pub use batch::{Batch, Desk, Intake, IntakeClosed, Item, ItemSet, Known, OpenRun, RejectCause, Window};
pub use cell::{CellKey, CellPlan, Reach};
pub use endpoint::{BreakerState, EndpointStatus};
pub use gap::{Gap, Gaps, Stretch};
pub use histogram::{Histogram, NativeBuckets, ZERO_THRESHOLD};
pub use label::{Label, fnv1a};
pub use observer::{ApiCall, Observer, Quiet};
pub use record::{
    ActiveRun, Buckets, CellMeta, Delta, DurationCounts, FailedRun, FinishedRun, ItemRecord, LastSuccess,
    Native, OrderKey, TaskRecord,
};
pub use report::{PollReport, Pulse, Reason};
pub use restored::{Restored, RestoredCell};
pub use run::{
    Facets, LOG_LEVELS, LogFacts, Observation, Outcome, RunId, RunState, UnknownState, WaitPhase, Waits,
};
pub use seen::{RunKey, Seen, SeenChange, SeenRun, Slice};
pub use status::{CellStatus, Failure, PollTrace, QuotaStatus, Status};
pub use task::{NativeGauge, TaskInfo, TaskKey};
pub use time::{Clock, Timestamp};
pub use zone::Zone;

/// A future that can live in a `dyn` trait.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
