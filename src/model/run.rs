//! Runs: one execution of one task, as a source saw it.

use super::{NativeGauge, RejectCause, TaskInfo, TaskKey, Timestamp};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What makes a run the same run in two polls. Unique inside a cell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunId {
    /// The API's id: InstanceKey, InvocationTaskId, RequestId, instanceId.
    pub instance: Arc<str>,
    /// Which execution under that id: life round, runNum, RetryNum; 0 where an id runs once.
    pub round: u32,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.round == 0 {
            f.write_str(&self.instance)
        } else {
            write!(f, "{}#{}", self.instance, self.round)
        }
    }
}

/// How a finished run ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// It did what it should.
    Success,
    /// It failed for good.
    Failed,
    /// It was ended for taking too long.
    Timeout,
    /// Somebody stopped it, or it never started because somebody did.
    Cancelled,
    /// The scheduler decided not to run it.
    Skipped,
}

impl Outcome {
    /// Every outcome, in the order of [`Outcome::index`].
    pub const ALL: [Self; 5] = [Self::Success, Self::Failed, Self::Timeout, Self::Cancelled, Self::Skipped];

    /// The label value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// The place in [`Outcome::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether it adds to `consecutive_failures`.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Timeout)
    }
}

/// A state code no document names.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UnknownState(pub Arc<str>);

/// Where a run stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RunState {
    /// Waiting for its time, an event or another task.
    Waiting,
    /// Ready, waiting for a place to run.
    Queued,
    /// Running.
    Running,
    /// A try failed and another follows in the same run.
    Retrying,
    /// Ended.
    Finished(Outcome),
    /// An undocumented code: kept, counted, never taken for an end.
    Unknown(UnknownState),
}

impl RunState {
    /// The label values of the states a run passes through, in the order of [`RunState::index`].
    pub const CURRENT: [&'static str; 4] = ["waiting", "queued", "running", "retrying"];

    /// The place in [`RunState::CURRENT`], `None` for ended and unknown.
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::Waiting => Some(0),
            Self::Queued => Some(1),
            Self::Running => Some(2),
            Self::Retrying => Some(3),
            Self::Finished(_) | Self::Unknown(_) => None,
        }
    }
}

/// The two waits before a run starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitPhase {
    /// For other tasks or events.
    Upstream,
    /// For a place to run.
    Dispatch,
}

impl WaitPhase {
    /// Every phase.
    pub const ALL: [Self; 2] = [Self::Upstream, Self::Dispatch];

    /// The label value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Dispatch => "dispatch",
        }
    }
}

/// How long a run waited before it started; `None` where the source does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waits {
    /// For other tasks or events.
    pub upstream: Option<Duration>,
    /// For a place to run.
    pub dispatch: Option<Duration>,
}

/// The log levels that lines are counted under.
pub const LOG_LEVELS: [&str; 5] = ["debug", "info", "warn", "error", "other"];

/// What a run's log held, as counts: its text is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogFacts {
    /// Lines by level, in the order of [`LOG_LEVELS`].
    pub lines: [u64; LOG_LEVELS.len()],
    /// Bytes of text.
    pub bytes: u64,
}

/// Which parts of a run's story an observation tells, and which are counted already.
///
/// The end is published before the details are read, so these arrive apart and each is counted once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Facets(pub u8);

impl Facets {
    /// The waits of the run's phases.
    pub const WAITS: Self = Self(1);
    /// The counts of the run's log.
    pub const LOG: Self = Self(2);

    /// Whether every facet of `other` is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A run as one answer of a source shows it. Fields the source does not tell are `None`, never zero.
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    /// Whose run.
    pub task: TaskKey,
    /// What is told of the task.
    pub info: TaskInfo,
    /// Which run.
    pub run: RunId,
    /// Where it stands.
    pub state: RunState,
    /// The id of what contains it and can be asked for (TAT: InvocationId; EnOS: flowInstId), else empty.
    pub parent: Arc<str>,
    /// When it was to run.
    pub planned: Option<Timestamp>,
    /// When its record was made.
    pub created: Option<Timestamp>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When its record last changed: stands in for the end of a run that has none, such as one cancelled
    /// before it started.
    pub updated: Option<Timestamp>,
    /// The source's own figure for its duration; start and end go before it.
    pub cost: Option<Duration>,
    /// Its return or exit code.
    pub return_code: Option<i64>,
    /// The memory it used, in bytes.
    pub memory_bytes: Option<u64>,
    /// The time it is billed for.
    pub billed: Option<Duration>,
    /// Automatic retries within the run; `None` where the kind knows none.
    pub retries: Option<u32>,
    /// The waits before it started, with [`Facets::WAITS`].
    pub waits: Option<Waits>,
    /// The counts of its log, with [`Facets::LOG`].
    pub log: Option<LogFacts>,
    /// The time to the task's next run, where the source tells.
    pub expected_interval: Option<Duration>,
    /// Values of the kind's own gauges; shown for the task's newest run.
    pub native: Vec<(&'static NativeGauge, f64)>,
    /// What in its record could not be used; counted when the run is.
    pub flaws: Vec<RejectCause>,
}

impl Observation {
    /// An observation that tells nothing but whose run stands where.
    pub fn new(task: TaskKey, run: RunId, state: RunState) -> Self {
        Self {
            task,
            info: TaskInfo::default(),
            run,
            state,
            parent: "".into(),
            planned: None,
            created: None,
            started: None,
            ended: None,
            updated: None,
            cost: None,
            return_code: None,
            memory_bytes: None,
            billed: None,
            retries: None,
            waits: None,
            log: None,
            expected_interval: None,
            native: Vec::new(),
            flaws: Vec::new(),
        }
    }

    /// Which facets it tells.
    pub fn facets(&self) -> Facets {
        let mut facets = Facets::default();
        if self.waits.is_some() {
            facets = facets.with(Facets::WAITS);
        }
        if self.log.is_some() {
            facets = facets.with(Facets::LOG);
        }
        facets
    }
}
