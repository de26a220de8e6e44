//! What passes between a source and the keeper of the state.

use super::{BoxFuture, Facets, Gaps, Observation, Outcome, RunId, TaskInfo, TaskKey, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// What a poll is to read.
#[derive(Clone, Debug)]
pub struct Window {
    /// Which poll of the cell this is, counted from 1.
    pub poll: u64,
    /// Whatever changed at or after this time is to be read: the watermark less the overlap, or the
    /// present less the lookback on the very first poll.
    pub from: Timestamp,
    /// The time the poll begins; also the highest watermark it may propose.
    pub to: Timestamp,
    /// Runs that ended before this are never counted, whoever shows them.
    pub floor: Timestamp,
    /// Whether the cell was never read completely before.
    pub first: bool,
    /// The runs last seen unfinished, oldest first.
    pub open: Vec<OpenRun>,
    /// What changed before the watermark and is to be read all the same: earlier polls did not come to it.
    pub gaps: Gaps,
}

impl Window {
    /// All there is to read where a cell has no parts: what is new, and the gaps.
    pub fn unread(&self) -> Gaps {
        let mut unread = self.gaps.clone();
        unread.add("", self.from, self.to);
        unread
    }

    /// The watermark to propose while `unread` is left of [`Window::unread`]: the end of the newest stretch that was
    /// read; `None` where nothing new was. What is left before it is a gap.
    pub fn reached(&self, unread: &Gaps) -> Option<Timestamp> {
        match unread.of("").last() {
            Some(newest) if newest.to >= self.to => Some(newest.from).filter(|from| *from > self.from),
            _ => Some(self.to),
        }
    }
}

/// A run that was unfinished when last seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenRun {
    /// Which run.
    pub run: RunId,
    /// Its task's key.
    pub task: TaskKey,
    /// The id of what contains it and can be asked for (TAT: InvocationId; EnOS: flowInstId), else empty.
    pub parent: Arc<str>,
    /// When it was to run, where known.
    pub planned: Option<Timestamp>,
    /// When it started, else was planned, else created.
    pub since: Option<Timestamp>,
}

/// What the state knows of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing, or forgotten since.
    No,
    /// Seen, not finished.
    Open,
    /// Finished and counted, with these facets counted too.
    Finished(Outcome, Facets),
}

/// The keeper's desk, as a source sees it.
pub trait Intake: Send + Sync {
    /// What is known of each of `runs`, in their order.
    fn recall<'a>(&'a self, runs: &'a [RunId]) -> BoxFuture<'a, Result<Vec<Known>, IntakeClosed>>;

    /// Hands over a batch; returns when it is committed and may be shown.
    fn submit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<(), IntakeClosed>>;
}

/// The keeper is stopping; the poll should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the exporter is stopping")]
pub struct IntakeClosed;

/// A counted set of things that are not runs, shown as a gauge by status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ItemSet {
    /// TAT invocations, by InvocationStatus.
    TatInvocations,
    /// TAT invocation tasks, by TaskStatus.
    TatInvocationTasks,
}

/// One thing of an [`ItemSet`] and the status it has now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Which set.
    pub set: ItemSet,
    /// The thing's id.
    pub id: Arc<str>,
    /// Its status, in the API's words.
    pub status: super::Label,
    /// When it was created: it leaves the gauge when that is longer ago than the lookback.
    pub at: Timestamp,
    /// The task labels it is counted under; default for a gauge per cell.
    pub task: TaskKey,
}

/// Why a record, or a value in one, was refused. The label `cause`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RejectCause {
    /// A record without the id that would make it one.
    MissingId,
    /// A record or field of the wrong shape.
    Malformed,
    /// A time text that cannot be read.
    InvalidTimestamp,
    /// A time in the future, or decades ago.
    ImpossibleTimestamp,
    /// A run that ended before it started.
    NegativeDuration,
    /// A duration that is not a number, or longer than a year.
    ImpossibleDuration,
    /// A figure that is negative or not finite where it must not be.
    ImpossibleValue,
}

impl RejectCause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::MissingId,
        Self::Malformed,
        Self::InvalidTimestamp,
        Self::ImpossibleTimestamp,
        Self::NegativeDuration,
        Self::ImpossibleDuration,
        Self::ImpossibleValue,
    ];

    /// The label value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingId => "missing_id",
            Self::Malformed => "malformed",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::ImpossibleTimestamp => "impossible_timestamp",
            Self::NegativeDuration => "negative_duration",
            Self::ImpossibleDuration => "impossible_duration",
            Self::ImpossibleValue => "impossible_value",
        }
    }
}

/// What one poll, or a part of one, found.
///
/// A poll may submit several. Only the last of a poll that read everything sets `complete`; one sets `watermark` where
/// it and those before it hold everything up to there that is in no gap.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The poll it belongs to: [`Window::poll`].
    pub poll: u64,
    /// The runs seen; any order, repetitions allowed.
    pub observations: Vec<Observation>,
    /// Tasks known to exist, run or not.
    pub tasks: Vec<(TaskKey, TaskInfo)>,
    /// Things counted by status.
    pub items: Vec<Item>,
    /// Ids among [`Window::open`] that were looked for and are still there unchanged.
    pub still_open: Vec<RunId>,
    /// Records refused whole, by cause.
    pub rejected: Vec<(RejectCause, u64)>,
    /// Everything that changed before this time has been handed over, but for the gaps. Never past [`Window::to`].
    pub watermark: Option<Timestamp>,
    /// All that is left to read before the watermark, in the place of what was; `None` where that is as it was. Those
    /// after the watermark mean nothing: what changed there is read anyway.
    pub gaps: Option<Gaps>,
    /// Whether the batches of this poll together showed every unfinished run there is.
    pub complete: bool,
    /// Rows known to be left unread.
    pub backlog: Option<u64>,
}

impl Batch {
    /// An empty batch of the poll that `window` describes.
    pub fn of(window: &Window) -> Self {
        Self { poll: window.poll, ..Self::default() }
    }

    /// Counts one refused record.
    pub fn reject(&mut self, cause: RejectCause) {
        match self.rejected.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => *count += 1,
            None => self.rejected.push((cause, 1)),
        }
    }
}

/// The keeper of the state, as the workers see it.
pub trait Desk: Send + Sync {
    /// Begins a poll of a cell, which becomes known by its first one; says what to read.
    fn begin<'a>(&'a self, plan: &'a super::CellPlan) -> BoxFuture<'a, Result<Window, IntakeClosed>>;

    /// Where the batches of one cell go.
    fn intake(&self, cell: &super::CellKey) -> Arc<dyn Intake>;

    /// Records how a poll went; returns when it may be shown, with what is known of the cell now.
    fn report(&self, report: super::PollReport) -> BoxFuture<'_, Result<super::Pulse, IntakeClosed>>;

    /// Says that a cell is polled at another interval from now on than its plan said.
    fn pace<'a>(
        &'a self,
        cell: &'a super::CellKey,
        interval: Duration,
    ) -> BoxFuture<'a, Result<(), IntakeClosed>>;

    /// Takes out of the exposition the cells of a source in a region that are not in `found`: those of an earlier
    /// configuration, or that went while nobody looked. `of` is any cell of that source and region.
    fn keep_only<'a>(
        &'a self,
        of: &'a super::CellKey,
        found: Vec<super::CellKey>,
    ) -> BoxFuture<'a, Result<(), IntakeClosed>>;

    /// Takes a cell that exists no more out of the exposition.
    fn retire(&self, cell: super::CellKey) -> BoxFuture<'_, Result<(), IntakeClosed>>;
}
