//! One poll of one region.

use super::api::Api;
use super::chunks::{Answer, in_chunks};
use super::listing::{self, Listing, Page};
use super::normalize::{Activity, Share};
use super::settings::Settings;
use super::wire::{
    DESCRIBE_INVOCATION_TASKS, DESCRIBE_INVOCATIONS, DescribeInvocationTasks, DescribeInvocations,
    Invocation, LIMIT, Task, TaskPage,
};
use super::{Keep, OVERLAP};
use crate::model::{
    Batch, BoxFuture, Intake, Known, Label, Observation, RejectCause, RunId, RunState, Timestamp, Window,
};
use crate::sources::lenient::Field;
use crate::sources::{PollError, Read, during};
use crate::transport::Error;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The longest time a command may take. The first poll looks this much further back, for what was created before
/// the lookback and ended inside it; later polls know what is open.
pub(super) const LONGEST: Duration = Duration::from_secs(86400);

/// Ids named in one line; the rest is a number.
const NAMED: usize = 3;

/// Reads one region.
pub(super) struct Poll<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) settings: &'a Settings,
    pub(super) keep: &'a Keep,
    pub(super) window: &'a Window,
    pub(super) intake: &'a dyn Intake,
}

/// A finished share that is not counted yet.
pub(super) struct Due<'l> {
    pub(super) activity: &'l Activity,
    pub(super) share: &'l Share,
    pub(super) workflow: Label,
}

impl Poll<'_> {
    /// Reads the invocations page by page, and after each page the tasks on it that finished: the newest are shown
    /// first, and a reading cut short has lost only what it had not reached.
    pub(super) async fn run(&self) -> Result<Read, PollError> {
        self.keep.names.learn(&self.window.open);
        let mut trouble = Trouble::default();
        let whole = if self.settings.invocation_ids.is_empty() {
            self.pages(&mut trouble).await?
        } else {
            let mut listing = Listing::back_to(self.window.from, Vec::new(), None);
            let refused = self.by_id(&mut listing, &self.settings.invocation_ids, &mut trouble).await?;
            trouble.notes.extend(refused.map(|error| format!("invocation_ids: {error}")));
            trouble.notes.extend(missing(&self.settings.invocation_ids, &listing));
            true
        };
        let mut last = Batch::of(self.window);
        if whole {
            last.complete = true;
            last.watermark = Some(self.window.to);
            last.backlog = Some(0);
        }
        self.intake.submit(last).await?;
        if !whole {
            return Ok(Read::Torn(
                "more invocations than are read in one poll; the next ones go on from here".into(),
            ));
        }
        Ok(trouble.read())
    }

    /// Reads what is new, then by id the open invocations that the pages did not show; `false` where there was more
    /// than one poll reads.
    async fn pages(&self, trouble: &mut Trouble) -> Result<bool, PollError> {
        let horizon = if self.window.first { self.window.from.minus(LONGEST) } else { self.window.from };
        let mut listing = Listing::back_to(horizon, self.settings.sent_filters(), self.keep.progress());
        while let Some(page) = listing.next(self.api).await.map_err(during(DESCRIBE_INVOCATIONS.name))? {
            self.take(&page, trouble).await?;
            if let Some(progress) = listing.progress(self.window.to.minus(OVERLAP)) {
                self.keep.advance(Some(progress));
            }
        }
        let parents: BTreeSet<&Arc<str>> = self.window.open.iter().map(|open| &open.parent).collect();
        let unseen: Vec<String> = parents
            .into_iter()
            .filter(|parent| !parent.is_empty() && !listing.shows(parent))
            .map(|parent| parent.to_string())
            .collect();
        // One that the API has forgotten is gone; it leaves the current runs by not being shown.
        self.by_id(&mut listing, &unseen, trouble).await?;
        if listing.is_whole() {
            self.keep.advance(None);
        }
        Ok(listing.is_whole())
    }

    async fn by_id(
        &self,
        listing: &mut Listing,
        ids: &[String],
        trouble: &mut Trouble,
    ) -> Result<Option<Error>, PollError> {
        let api = self.api;
        let call = |invocation_ids: Vec<String>| -> BoxFuture<'_, Answer<Field<Invocation>>> {
            Box::pin(async move {
                let ask =
                    DescribeInvocations { invocation_ids, limit: LIMIT, ..DescribeInvocations::default() };
                let answer = api.invocations(&ask).await?;
                let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
                listing::rows(answer.invocation_set, total)
            })
        };
        let mut found = Vec::new();
        let refused = in_chunks(ids, &mut found, call).await.map_err(during(DESCRIBE_INVOCATIONS.name))?;
        self.take(&listing.take(found).0, trouble).await?;
        Ok(refused)
    }

    /// Hands over one page and what its finished tasks tell.
    async fn take(&self, page: &Page, trouble: &mut Trouble) -> Result<(), PollError> {
        let refused = self.keep.names.complete(self.api, &page.activities).await?;
        trouble.notes.extend(refused.map(|error| error.to_string()));
        trouble.rejected.extend_from_slice(&page.rejected);
        let due = self.hand_over(page).await?;
        self.finish(&due, trouble).await
    }

    /// Hands over everything that can be told without asking for tasks, and gives the finished shares that are not
    /// counted yet.
    async fn hand_over<'l>(&self, page: &'l Page) -> Result<Vec<Due<'l>>, PollError> {
        let mut batch = Batch::of(self.window);
        for cause in &page.rejected {
            batch.reject(*cause);
        }
        let runs: Vec<RunId> =
            page.activities.iter().flat_map(|a| &a.shares).map(|s| s.run.clone()).collect();
        let mut known = self.intake.recall(&runs).await?.into_iter();
        let mut due = Vec::new();
        for activity in &page.activities {
            let workflow = self.keep.names.of(&activity.command);
            batch.items.extend(activity.items(&workflow));
            // What was over before the floor is never counted, so nothing is asked about it.
            let past = activity.over().is_some_and(|over| over < self.window.floor);
            for share in &activity.shares {
                let known = known.next().unwrap_or(Known::No);
                match (&share.state, known) {
                    (RunState::Finished(_), Known::Finished(..)) => {}
                    (RunState::Finished(_), _)
                        if past || self.keep.past.get(&share.run.instance).is_some() => {}
                    (RunState::Finished(_), _) if self.settings.tasks => {
                        due.push(Due { activity, share, workflow: workflow.clone() });
                    }
                    _ => batch.observations.push(activity.observe(share, &workflow)),
                }
            }
        }
        if !batch.items.is_empty() || !batch.observations.is_empty() || !batch.rejected.is_empty() {
            self.intake.submit(batch).await?;
        }
        Ok(due)
    }

    /// Asks for the tasks that finished, 100 at a time, and hands each hundred over at once.
    ///
    /// A run's exit code and times are counted when the run is, so a run is held back until its task is read: a
    /// refused call ends the poll with the watermark where it was, nothing is lost, and the trouble is plain to see.
    /// Whoever does not want to grant the right sets `tasks = false`.
    async fn finish(&self, due: &[Due<'_>], trouble: &mut Trouble) -> Result<(), PollError> {
        let api = self.api;
        for due in due.chunks(LIMIT) {
            let ids: Vec<String> = due.iter().map(|due| due.share.run.instance.to_string()).collect();
            let call = |invocation_task_ids: Vec<String>| -> BoxFuture<'_, Answer<Task>> {
                Box::pin(async move {
                    let ask =
                        DescribeInvocationTasks { invocation_task_ids, limit: LIMIT, hide_output: true };
                    Ok(tasks(api.tasks(&ask).await?))
                })
            };
            let mut found = Vec::new();
            let refused =
                in_chunks(&ids, &mut found, call).await.map_err(during(DESCRIBE_INVOCATION_TASKS.name))?;
            trouble
                .notes
                .extend(refused.map(|error| during(DESCRIBE_INVOCATION_TASKS.name)(error).to_string()));
            let batch = Batch { observations: observe(due, &found), ..Batch::of(self.window) };
            for seen in &batch.observations {
                if seen.ended.is_some_and(|ended: Timestamp| ended < self.window.floor) {
                    self.keep.past.put(Arc::clone(&seen.run.instance), ());
                }
            }
            self.intake.submit(batch).await?;
        }
        Ok(())
    }
}

/// The tasks of an answer that can be read.
pub(super) fn tasks(answer: TaskPage) -> Vec<Task> {
    answer.invocation_task_set.items().iter().filter_map(Field::get).cloned().collect()
}

/// What finished shares come to, with the tasks found for them.
pub(super) fn observe(due: &[Due<'_>], found: &[Task]) -> Vec<Observation> {
    let tasks: HashMap<&str, &Task> =
        found.iter().map(|task| (task.invocation_task_id.text(), task)).collect();
    let one = |Due { activity, share, workflow }: &Due<'_>| match tasks.get(&*share.run.instance) {
        Some(task) => activity.observe_task(share, workflow, task),
        // The invocation says that it finished; that alone is counted where the task is not to be had.
        None => activity.observe(share, workflow),
    };
    due.iter().map(one).collect()
}

/// Names the configured ids that no answer showed; `None` where each was.
fn missing(ids: &[String], listing: &Listing) -> Option<String> {
    let missing: Vec<&String> = ids.iter().filter(|id| !listing.shows(id)).collect();
    let named: Vec<String> = missing.iter().take(NAMED).map(|id| format!("{id:?}")).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!missing.is_empty()).then(|| format!("invocation_ids: there is no {}{more}", named.join(", ")))
}

/// What went wrong without ending the poll.
#[derive(Default)]
struct Trouble {
    notes: BTreeSet<String>,
    rejected: Vec<RejectCause>,
}

impl Trouble {
    fn read(self) -> Read {
        let mut told: Vec<String> = self.notes.into_iter().collect();
        if !self.rejected.is_empty() {
            let causes: BTreeSet<&str> = self.rejected.iter().map(|cause| cause.name()).collect();
            let causes: Vec<&str> = causes.into_iter().collect();
            told.push(format!("{} records refused ({})", self.rejected.len(), causes.join(", ")));
        }
        if told.is_empty() { Read::Whole } else { Read::Refused(told.join("; ")) }
    }
}

#[cfg(test)]
mod tests;
