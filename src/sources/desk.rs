//! A keeper's desk for tests: remembers what the state would, and every batch.

use crate::model::{
    Batch, BoxFuture, Gaps, Intake, IntakeClosed, Known, Observation, OpenRun, RunId, RunState, TaskKey,
    Timestamp, Window,
};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Counts runs as the state does: once, and not before the floor.
#[derive(Default)]
pub(crate) struct FakeDesk(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    known: HashMap<RunId, Known>,
    counted: Vec<Observation>,
    batches: Vec<Batch>,
    watermark: Option<Timestamp>,
    gaps: Gaps,
    floor: Timestamp,
}

impl FakeDesk {
    /// A desk that counts nothing which ended before `floor`.
    pub(crate) fn with_floor(floor: Timestamp) -> Self {
        Self(Mutex::new(Inner { floor, ..Inner::default() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// The finished runs counted, in the order in which they were.
    pub(crate) fn counted(&self) -> Vec<Observation> {
        self.inner().counted.clone()
    }

    /// What is known of a run.
    pub(crate) fn known(&self, instance: &str, round: u32) -> Known {
        let run = RunId { instance: instance.into(), round };
        self.inner().known.get(&run).copied().unwrap_or(Known::No)
    }

    /// A copy of the batches that [`FakeDesk::batches`] would take.
    pub(crate) fn peek(&self) -> Vec<Batch> {
        self.inner().batches.clone()
    }

    /// Takes the batches submitted since the last call; their runs as `task run state`, sorted.
    pub(crate) fn runs(&self) -> Vec<String> {
        let shown = |seen: &Observation| {
            let state = match &seen.state {
                RunState::Finished(outcome) => outcome.name(),
                RunState::Unknown(code) => &code.0,
                current => RunState::CURRENT[current.index().unwrap()],
            };
            format!("{} {} {state}", &*seen.task.task, seen.run)
        };
        let batches = self.batches();
        let mut runs: Vec<String> =
            batches.iter().flat_map(|batch| batch.observations.iter().map(shown)).collect();
        runs.sort();
        runs
    }

    /// What the batches so far leave to be read before the watermark, as the state would tell the next poll.
    pub(crate) fn gaps(&self) -> Gaps {
        let inner = self.inner();
        let mut gaps = inner.gaps.clone();
        gaps.end_by(inner.watermark.unwrap_or_default());
        gaps
    }

    /// Takes the batches submitted since the last call.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        std::mem::take(&mut self.inner().batches)
    }
}

impl Intake for FakeDesk {
    fn recall<'a>(&'a self, runs: &'a [RunId]) -> BoxFuture<'a, Result<Vec<Known>, IntakeClosed>> {
        let inner = self.inner();
        let known = runs.iter().map(|run| inner.known.get(run).copied().unwrap_or(Known::No)).collect();
        Box::pin(std::future::ready(Ok(known)))
    }

    fn submit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        let mut inner = self.inner();
        for seen in &batch.observations {
            let before = inner.known.get(&seen.run).copied();
            match (&seen.state, before) {
                (RunState::Finished(outcome), Some(Known::Finished(_, facets))) => {
                    let facets = facets.with(seen.facets());
                    inner.known.insert(seen.run.clone(), Known::Finished(*outcome, facets));
                }
                (RunState::Finished(outcome), _) if seen.ended.is_none_or(|ended| ended >= inner.floor) => {
                    inner.known.insert(seen.run.clone(), Known::Finished(*outcome, seen.facets()));
                    inner.counted.push(seen.clone());
                }
                (RunState::Finished(_), _) | (_, Some(Known::Finished(..))) => {}
                _ => drop(inner.known.insert(seen.run.clone(), Known::Open)),
            }
        }
        inner.watermark = inner.watermark.max(batch.watermark);
        if let Some(gaps) = &batch.gaps {
            inner.gaps.clone_from(gaps);
        }
        inner.batches.push(batch);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The window of a poll at `to`, that reads the hour before it.
pub(crate) fn window(to: Timestamp) -> Window {
    let from = to.minus(Duration::from_secs(3600));
    Window { poll: 1, from, to, floor: from, first: false, open: Vec::new(), gaps: Gaps::default() }
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
