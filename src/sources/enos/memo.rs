//! What was seen of each flow run, so that only what changed is asked for. A restart can lose it.

use super::normalize::{is_done, is_final};
use super::wire::FlowInstance;
use crate::model::RunId;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    Idle(RunId),
    /// Running, or between two tries: what it tells may change while its status does not.
    Moving,
    /// The API knows no such task run.
    Lost,
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
    /// Whether the API refused to tell of it.
    pub(super) lost: bool,
    pub(super) tasks: HashMap<String, TaskNote>,
}

impl FlowNote {
    /// Whether nothing about it can have changed.
    pub(super) fn holds(&self, print: &Print) -> bool {
        self.settled && self.prints.contains(print)
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
