//! What was seen of each flow run, so that only what changed is asked for. A restart can lose it.

use super::normalize::{is_done, is_final};
use super::wire::FlowInstance;
use crate::model::{RunId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a flow run is watched that is over, and in which tasks wait and none moves: there is a while between the
/// end of one task and the start of the next, and it may only be over because another branch of it has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// How often it is read after that, as long as the search shows it: a task that runs after all is counted late.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// What changes about a flow run when it, or a task in it, runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Print {
    status: Option<i64>,
    started: String,
    ended: String,
}

impl Print {
    pub(super) fn of(flow: &FlowInstance) -> Self {
        Self {
            status: flow.status.get().copied(),
            started: flow.start_time.text().to_owned(),
            ended: flow.end_time.text().to_owned(),
        }
    }

    /// Whether the flow run says that it is over, and so that all its tasks are.
    pub(super) fn is_done(&self) -> bool {
        self.status.is_some_and(is_done)
    }

    /// Whether the flow run says that it is over. Tasks of it may still run: it fails with the first of them.
    pub(super) fn is_final(&self) -> bool {
        self.status.is_some_and(is_final)
    }
}

/// Where a task stood when it was last read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Ended, and handed over.
    Done,
    /// Not started: as long as the graph shows the same status, nothing about it changes.
    Waiting(RunId),
    /// About to start; else the same.
    Queued(RunId),
    /// Running, or between two tries: what it tells may change while its status does not.
    Moving,
    /// The API knows no such task run.
    Lost,
}

impl Standing {
    /// Whether there is nothing more to come of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Lost)
    }

    /// The run that has not started.
    pub(super) fn run(&self) -> Option<&RunId> {
        match self {
            Self::Waiting(run) | Self::Queued(run) => Some(run),
            Self::Done | Self::Moving | Self::Lost => None,
        }
    }
}

/// A task of a flow run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TaskNote {
    /// The status that the graph showed.
    pub(super) status: String,
    pub(super) standing: Standing,
}

/// A flow run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FlowNote {
    /// How it looked in the search and when read: the two may spell one thing differently.
    pub(super) prints: Vec<Print>,
    /// Whether it and all its tasks were over.
    pub(super) settled: bool,
    /// Since when it is over, nothing in it moves, and some of its tasks have never run.
    pub(super) stuck: Option<Timestamp>,
    /// When it was read.
    pub(super) read: Timestamp,
    /// Whether the API refused to tell of it.
    pub(super) lost: bool,
    pub(super) tasks: HashMap<String, TaskNote>,
}

impl FlowNote {
    /// Whether the tasks that have not run are taken for ones that never will: what they waited for has failed.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_some_and(|since| since.plus(PATIENCE) <= self.read)
    }

    /// Whether it was over, as far as it ever will be.
    pub(super) fn is_over(&self) -> bool {
        self.settled || self.is_stuck()
    }

    /// Whether it need not be read at `now` if it looks the same.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        self.settled || (self.is_stuck() && now < self.read.plus(LOOK_AGAIN))
    }

    /// Whether nothing about it can have changed, or nothing that is worth a call at `now`.
    pub(super) fn holds(&self, print: &Print, now: Timestamp) -> bool {
        self.rests(now) && self.prints.contains(print)
    }
}

/// The notes, by flow run.
#[derive(Default)]
pub(super) struct Memo {
    flows: Mutex<HashMap<String, FlowNote>>,
}

impl Memo {
    pub(super) fn get(&self, flow: &str) -> Option<FlowNote> {
        self.lock().get(flow).cloned()
    }

    pub(super) fn knows(&self, flow: &str) -> bool {
        self.lock().contains_key(flow)
    }

    pub(super) fn put(&self, flow: &str, note: FlowNote) {
        self.lock().insert(flow.to_owned(), note);
    }

    /// Forgets every flow run but these. This is what bounds the memo: no more is kept than a poll shows.
    pub(super) fn retain(&self, flows: &HashSet<&str>) {
        self.lock().retain(|flow, _| flows.contains(flow.as_str()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, FlowNote>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
