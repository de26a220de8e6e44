//! One reading of a flow run and its tasks.

use super::api::{FLOW, TASK};
use super::memo::{FlowNote, Print, Standing, TaskNote};
use super::normalize::Flow;
use super::poll::Poll;
use super::wire::{FlowInstance, Graph};
use crate::model::{Batch, Label, Observation, RejectCause, RunState};
use crate::sources::lenient::Field;
use crate::sources::{PollError, during};
use std::collections::HashMap;

impl Poll<'_> {
    /// Reads a flow run and those of its tasks that may have changed since `note` was taken.
    pub(super) async fn read(
        &mut self,
        id: &str,
        found: Option<Print>,
        mut note: FlowNote,
        rerun: bool,
    ) -> Result<(), PollError> {
        let answer = match self.source.api.flow(id).await {
            Ok(answer) => answer.into_one(),
            Err(error) => {
                if self.tally.failed(id, error).map_err(during(FLOW))? {
                    // Not asked for again before it changes.
                    (note.settled, note.lost) = (true, true);
                    note.prints = found.into_iter().collect();
                    self.source.memo.put(id, note);
                }
                return Ok(());
            }
        };
        let Some(full) = answer else {
            self.tally.drop_id(id);
            return Ok(());
        };
        self.tally.done();
        let mut batch = Batch::of(self.window);
        let mut whole = true;
        let mut tasks = HashMap::new();
        // Those that have not begun, as far as is known without asking.
        let mut idle = Vec::new();
        let flow = about(&full, self.scheduled.contains(id));
        for task in self.graph(&full, &mut batch).iter().flat_map(|graph| graph.tasks.items()) {
            let Field::Value(task) = task else {
                self.tally.refuse(&mut batch, RejectCause::Malformed);
                continue;
            };
            let instance = task.instance.text();
            if instance.is_empty() {
                self.tally.refuse(&mut batch, RejectCause::MissingId);
                continue;
            }
            let before = note.tasks.get(instance);
            let before = before.filter(|before| !rerun && before.status == task.status.text());
            let standing = match before.map(|before| before.standing.clone()) {
                Some(known @ (Standing::Waiting(_) | Standing::Queued(_))) => {
                    idle.extend(known.run().cloned());
                    Some(known)
                }
                Some(known @ (Standing::Done | Standing::Lost)) => Some(known),
                Some(Standing::Moving) | None => self.task(instance, &flow, &mut batch).await?,
            };
            match standing {
                Some(standing) => {
                    tasks.insert(
                        instance.to_owned(),
                        TaskNote { status: task.status.text().to_owned(), standing },
                    );
                }
                None => whole = false,
            }
        }
        let next = self.conclude(&full, &note, found, tasks, whole);
        match next.is_stuck() {
            true => abandon(&mut batch),
            false => batch.still_open.append(&mut idle),
        }
        let news = !batch.observations.is_empty()
            || !batch.still_open.is_empty()
            || !batch.rejected.is_empty()
            || !batch.tasks.is_empty();
        if news {
            self.intake.submit(batch).await?;
        }
        self.source.memo.put(id, next);
        Ok(())
    }

    /// What is to be noted of a flow run, `whole` if all its tasks could be read.
    fn conclude(
        &self,
        full: &FlowInstance,
        before: &FlowNote,
        found: Option<Print>,
        tasks: HashMap<String, TaskNote>,
        whole: bool,
    ) -> FlowNote {
        let (print, now) = (Print::of(full), self.window.to);
        let all = |stands: fn(&Standing) -> bool| tasks.values().all(|task| stands(&task.standing));
        let is_final = whole && print.is_final();
        let settled = is_final && all(Standing::is_over);
        // Of one read for the first time its own end tells; else that it looks as it did.
        let ended = self.reading.ended(full).filter(|_| before.prints.is_empty());
        let since = before.stuck.filter(|_| tasks == before.tasks).or(ended).unwrap_or(now).min(now);
        let is_still = all(|standing| standing.is_over() || matches!(standing, Standing::Waiting(_)));
        let stuck = (is_final && !settled && is_still).then_some(since);
        let prints = found.into_iter().chain([print]).collect();
        FlowNote { prints, settled, stuck, read: now, lost: false, tasks }
    }

    fn graph<'f>(&mut self, full: &'f FlowInstance, batch: &mut Batch) -> Option<&'f Graph> {
        if full.graph == Field::Malformed {
            self.tally.refuse(batch, RejectCause::Malformed);
            // Nothing was learnt of its tasks, least of all that they are gone.
            let open = self.window.open.iter().filter(|open| *open.parent == *full.instance_id.text());
            batch.still_open.extend(open.map(|open| open.run.clone()));
        }
        full.graph.get()
    }

    /// Reads one task instance into `batch`; says where it stands, `None` where it could not be read.
    pub(super) async fn task(
        &mut self,
        id: &str,
        flow: &Flow,
        batch: &mut Batch,
    ) -> Result<Option<Standing>, PollError> {
        let answer = match self.source.api.task(id).await {
            Ok(answer) => answer.into_one(),
            Err(error) => {
                let dropped = self.tally.failed(id, error).map_err(during(TASK))?;
                return Ok(dropped.then_some(Standing::Lost));
            }
        };
        let Some(task) = answer else {
            self.tally.drop_id(id);
            return Ok(Some(Standing::Lost));
        };
        self.tally.done();
        match self.reading.run(&task, flow) {
            Ok(seen) => {
                let standing = standing(&seen);
                batch.observations.push(seen);
                Ok(Some(standing))
            }
            Err(cause) => {
                self.tally.refuse(batch, cause);
                Ok(None)
            }
        }
    }
}

/// Makes the tasks known that will not run, and leaves their runs out of the current ones.
fn abandon(batch: &mut Batch) {
    for seen in batch.observations.extract_if(.., |seen| seen.state == RunState::Waiting) {
        batch.tasks.push((seen.task, seen.info));
    }
}

fn standing(seen: &Observation) -> Standing {
    match seen.state {
        RunState::Finished(_) => Standing::Done,
        RunState::Waiting => Standing::Waiting(seen.run.clone()),
        RunState::Queued => Standing::Queued(seen.run.clone()),
        RunState::Running | RunState::Retrying | RunState::Unknown(_) => Standing::Moving,
    }
}

/// What a flow run tells of its tasks.
fn about(full: &FlowInstance, scheduled: bool) -> Flow {
    let owners = full.graph.get().map_or("", |graph| graph.owners.text().trim_matches(';'));
    Flow {
        id: Label::new(full.flow_id.text()),
        name: Label::new(full.flow_name.text()),
        owner: Label::new(if owners.is_empty() { full.owner.text().trim_matches(';') } else { owners }),
        freq: full.freq.text().to_owned(),
        scheduled,
    }
}
