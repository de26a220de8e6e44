//! The keeper's desk as the tests of sources see it: it remembers what it was handed, and counts nothing.

use crate::model::{
    Batch, BoxFuture, Intake, IntakeClosed, Known, Observation, OpenRun, RunId, RunState, TaskKey, Timestamp,
    Window,
};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// A desk that knows of a run whatever it was last handed.
#[derive(Default)]
pub(crate) struct Desk {
    batches: Mutex<Vec<Batch>>,
    known: Mutex<HashMap<RunId, Known>>,
}

impl Desk {
    /// Every batch since the last call.
    pub(crate) fn take(&self) -> Vec<Batch> {
        std::mem::take(&mut self.batches.lock().unwrap())
    }

    /// A copy of every batch since the last [`Desk::take`].
    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.batches.lock().unwrap().clone()
    }

    /// Every run seen since the last call, as `task run state`, sorted; the batches are dropped.
    pub(crate) fn runs(&self) -> Vec<String> {
        let batches = self.take();
        let shown = |seen: &Observation| {
            let state = match &seen.state {
                RunState::Finished(outcome) => outcome.name(),
                RunState::Unknown(code) => &code.0,
                current => RunState::CURRENT[current.index().unwrap()],
            };
            format!("{} {} {state}", &*seen.task.task, seen.run)
        };
        let mut runs: Vec<String> =
            batches.iter().flat_map(|batch| batch.observations.iter().map(shown)).collect();
        runs.sort();
        runs
    }
}

impl Intake for Desk {
    fn recall<'a>(&'a self, runs: &'a [RunId]) -> BoxFuture<'a, Result<Vec<Known>, IntakeClosed>> {
        let known = self.known.lock().unwrap();
        let recalled = runs.iter().map(|run| known.get(run).copied().unwrap_or(Known::No)).collect();
        Box::pin(std::future::ready(Ok(recalled)))
    }

    fn submit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        let mut known = self.known.lock().unwrap();
        for seen in &batch.observations {
            let now = match seen.state {
                RunState::Finished(outcome) => Known::Finished(outcome, seen.facets()),
                _ => Known::Open,
            };
            known.insert(seen.run.clone(), now);
        }
        self.batches.lock().unwrap().push(batch);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The window of poll number `poll`, of `reach` up to `to`.
pub(crate) fn window(poll: u64, to: Timestamp, reach: Duration) -> Window {
    let from = to.minus(reach);
    Window { poll, from, to, floor: from, first: poll == 1, open: Vec::new() }
}

/// A run that was unfinished when last seen.
pub(crate) fn open(task: &str, run: &str, round: u32, parent: &str, since: Timestamp) -> OpenRun {
    OpenRun {
        run: RunId { instance: run.into(), round },
        task: TaskKey { task: task.into(), ..TaskKey::default() },
        parent: parent.into(),
        planned: None,
        since: Some(since),
    }
}
