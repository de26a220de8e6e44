//! One poll of an organisation.

use super::Batches;
use super::api::{SEARCH, TASK};
use super::memo::{FlowNote, Print};
use super::normalize::{Flow, Reading};
use super::search::Sweep;
use super::tally::Tally;
use super::wire::{FlowInstance, Graph};
use crate::model::{Batch, Intake, Known, RunId, Timestamp, Window};
use crate::sources::lenient::Field;
use crate::sources::{PollError, Read, during};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

/// How far past the present the search reaches, for servers whose clock is ahead.
pub(super) const AHEAD: Duration = Duration::from_secs(60);

/// How long before the first poll's lookback a run may have been planned that ended in it, or still runs.
pub(super) const LONGEST_RUN: Duration = Duration::from_secs(86_400);

/// How long other tasks of a flow run may go on when it is over because one has failed. It should tell no end until
/// they have ended too; to read every failed flow run of that day for the case that it does is not worth its calls.
const AFTERMATH: Duration = Duration::from_secs(3600);

/// Runs under one id that are asked of the state. More reruns than this are simply read.
const ROUNDS: u32 = 4;

/// A poll under way.
pub(super) struct Poll<'a> {
    pub(super) source: &'a Batches,
    pub(super) window: &'a Window,
    pub(super) intake: &'a dyn Intake,
    pub(super) reading: Reading<'a>,
    pub(super) tally: Tally,
    /// The flow runs known to be started by a schedule.
    pub(super) scheduled: HashSet<String>,
}

impl Poll<'_> {
    /// Reads the configured task instances, and nothing else.
    pub(super) async fn read_listed(mut self) -> Result<Read, PollError> {
        let mut batch = Batch::of(self.window);
        for id in &self.source.settings.task_instances {
            self.task(id, &Flow::default(), &mut batch).await?;
        }
        self.close(batch).await
    }

    /// Searches flow runs and reads the tasks of those that changed.
    pub(super) async fn read_found(mut self) -> Result<Read, PollError> {
        let window = self.window;
        let from = window.from.min(window.to.minus(self.source.settings.lookback.0));
        let mut sweep = Sweep::default();
        self.search(&mut sweep, from, window.to.plus(AHEAD)).await?;
        if sweep.torn {
            self.tally.tear();
        }
        if window.first {
            // What is found here and not over is among the open runs from now on. It comes last and holds nothing up
            // where there is too much of it: no shorter lookback would help.
            sweep.torn = false;
            self.search(&mut sweep, from.minus(LONGEST_RUN), from).await?;
            if sweep.torn {
                self.tally.cut();
            }
        }
        self.tally.done();
        self.scheduled = std::mem::take(&mut sweep.scheduled);
        let mut batch = Batch::of(window);
        for cause in &sweep.refused {
            self.tally.refuse(&mut batch, *cause);
        }
        // Those under way first: what is new may be the whole lookback. Of that the newest first: it is what is waited for,
        // and a poll that is cut off there is gone on with by the next.
        sweep.flows.sort_by_cached_key(|flow| {
            let known = self.source.memo.knows(flow.instance_id.text());
            (!known, Reverse(self.reading.planned(flow)))
        });
        for flow in &sweep.flows {
            self.flow(flow).await?;
        }
        // Flow runs planned before the search's window, of which a task was still open.
        let mut kept: HashSet<&str> = sweep.flows.iter().map(|flow| flow.instance_id.text()).collect();
        for open in &window.open {
            if !open.parent.is_empty() && !sweep.has(&open.parent) && kept.insert(&open.parent) {
                self.follow(&open.parent).await?;
            }
        }
        self.source.memo.retain(&kept);
        self.close(batch).await
    }

    async fn search(&self, sweep: &mut Sweep, from: Timestamp, to: Timestamp) -> Result<(), PollError> {
        for flows in &self.source.flow_types {
            sweep.add(&*self.source.api, *flows, from, to).await.map_err(during(SEARCH))?;
        }
        Ok(())
    }

    async fn close(self, mut batch: Batch) -> Result<Read, PollError> {
        let read = self.tally.close(&mut batch, self.window).map_err(during(TASK))?;
        self.intake.submit(batch).await?;
        Ok(read)
    }

    /// Reads a flow run that the search found, unless nothing about it can have changed.
    async fn flow(&mut self, found: &FlowInstance) -> Result<(), PollError> {
        let (id, print) = (found.instance_id.text(), Print::of(found));
        if found.r#virtual == Field::Value(true) {
            return Ok(());
        }
        if found.has_read_pri == Field::Value(false) {
            self.tally.drop_id(id);
            return Ok(());
        }
        let note = self.source.memo.get(id);
        if let Some(note) = &note
            && note.holds(&print, self.window.to)
        {
            if note.lost {
                self.tally.drop_id(id);
            }
            return Ok(());
        }
        if note.is_none() && (self.is_past(found, &print) || self.was_counted(found, &print).await?) {
            self.source.memo.put(id, FlowNote { prints: vec![print], settled: true, ..FlowNote::default() });
            return Ok(());
        }
        // A flow run that was over and has changed was run again, and the graph may look as before.
        let rerun = note.as_ref().is_some_and(|note| note.is_over() && !note.prints.contains(&print));
        self.read(id, Some(print), note.unwrap_or_default(), rerun).await
    }

    /// Reads a flow run that the search does not show any more, of which a run was open.
    async fn follow(&mut self, id: &str) -> Result<(), PollError> {
        let note = self.source.memo.get(id).unwrap_or_default();
        if note.lost {
            self.tally.drop_id(id);
        } else if !note.rests(self.window.to) {
            self.read(id, None, note, false).await?;
        }
        Ok(())
    }

    /// Whether a flow run that nothing is noted of ended so long ago that nothing of it counts.
    fn is_past(&self, found: &FlowInstance, print: &Print) -> bool {
        let margin = if print.is_done() { AHEAD } else { AFTERMATH };
        print.is_final()
            && self.reading.ended(found).is_some_and(|at| at < self.window.floor.minus(margin))
            && !self.window.open.iter().any(|open| *open.parent == *found.instance_id.text())
    }

    /// Whether a flow run that nothing is noted of was over before the last complete poll, and all its tasks are
    /// counted: so a restart costs no call for it. Only a rerun while the exporter was down, which left the flow's own
    /// end where it was, is missed by this.
    async fn was_counted(&self, found: &FlowInstance, print: &Print) -> Result<bool, PollError> {
        let ended = self.reading.ended(found);
        if self.window.first || !print.is_final() || ended.is_none_or(|at| at >= self.window.from) {
            return Ok(false);
        }
        let Field::Value(Graph { tasks: Field::Value(tasks), .. }) = &found.graph else { return Ok(false) };
        for task in tasks {
            let Field::Value(task) = task else { return Ok(false) };
            let run = |round| RunId { instance: task.instance.text().into(), round };
            let runs: Vec<RunId> = (0..=ROUNDS).map(run).collect();
            let known = self.intake.recall(&runs).await?;
            let counted = known.iter().any(|known| matches!(known, Known::Finished(..)));
            if !counted || known.contains(&Known::Open) {
                return Ok(false);
            }
        }
        Ok(!tasks.is_empty())
    }
}
