//! One poll of one region.

use super::Keep;
use super::api::Api;
use super::chunks::{Answer, in_chunks};
use super::listing::{self, Listing};
use super::normalize::{Activity, Share};
use super::settings::Settings;
use super::wire::{
    DESCRIBE_INVOCATION_TASKS, DESCRIBE_INVOCATIONS, DescribeInvocationTasks, DescribeInvocations,
    Invocation, LIMIT, Task,
};
use crate::model::{Batch, BoxFuture, Intake, Known, Label, RunId, RunState, Timestamp, Window};
use crate::sources::lenient::Field;
use crate::sources::{PollError, Read, during};
use crate::transport::Error;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The longest time a command may take. The first poll looks this much further back, for what was created before
/// the lookback and ended inside it; later polls know what is open.
const LONGEST: Duration = Duration::from_secs(86400);

/// Reads one region.
pub(super) struct Poll<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) settings: &'a Settings,
    pub(super) keep: &'a Keep,
    pub(super) window: &'a Window,
    pub(super) intake: &'a dyn Intake,
}

/// A finished share that is not counted yet.
struct Due<'l> {
    activity: &'l Activity,
    share: &'l Share,
    workflow: Label,
}

impl Poll<'_> {
    /// Reads the invocations, then the tasks that finished.
    pub(super) async fn run(&self) -> Result<Read, PollError> {
        self.keep.names.learn(&self.window.open);
        let mut trouble = Vec::new();
        let mut listing = Listing::default();
        let read = self.list(&mut listing, &mut trouble).await;
        // What was read before a call failed is handed over all the same, only without a watermark.
        trouble.extend(
            self.keep.names.complete(self.api, &listing.activities).await?.map(|refused| refused.to_string()),
        );
        let whole = {
            let due = self.hand_over(&listing).await?;
            let whole = read?;
            self.finish(&due, &mut trouble).await?;
            whole
        };
        if !listing.rejected.is_empty() {
            let causes: BTreeSet<&str> = listing.rejected.iter().map(|cause| cause.name()).collect();
            let causes: Vec<&str> = causes.into_iter().collect();
            trouble.push(format!("{} records refused ({})", listing.rejected.len(), causes.join(", ")));
        }
        let mut last = Batch::of(self.window);
        if whole {
            last.complete = true;
            last.watermark = Some(self.window.to);
            last.backlog = Some(0);
        }
        self.intake.submit(last).await?;
        Ok(match (whole, trouble.is_empty()) {
            (false, _) => Read::Torn("more invocations than are read in one poll; narrow the filters".into()),
            (true, true) => Read::Whole,
            (true, false) => Read::Refused(trouble.join("; ")),
        })
    }

    /// Lists what is new, then asks by id for the open invocations that the pages did not show.
    async fn list(&self, listing: &mut Listing, trouble: &mut Vec<String>) -> Result<bool, PollError> {
        let ids = &self.settings.invocation_ids;
        let named = during(DESCRIBE_INVOCATIONS.name);
        if !ids.is_empty() {
            let refused = self.by_id(listing, ids).await.map_err(named)?;
            trouble.extend(refused.map(|error| format!("invocation_ids: {error}")));
            return Ok(true);
        }
        let horizon = if self.window.first { self.window.from.minus(LONGEST) } else { self.window.from };
        let whole = listing
            .page(self.api, self.settings.sent_filters(), horizon)
            .await
            .map_err(during(DESCRIBE_INVOCATIONS.name))?;
        let parents: BTreeSet<&Arc<str>> = self.window.open.iter().map(|open| &open.parent).collect();
        let unseen: Vec<String> = parents
            .into_iter()
            .filter(|parent| !parent.is_empty() && !listing.shows(parent))
            .map(|parent| parent.to_string())
            .collect();
        // One that the API has forgotten is gone; it leaves the current runs by not being shown.
        self.by_id(listing, &unseen).await.map_err(named)?;
        Ok(whole)
    }

    async fn by_id(&self, listing: &mut Listing, ids: &[String]) -> Result<Option<Error>, Error> {
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
        let read = in_chunks(ids, &mut found, call).await;
        listing.take(found);
        read
    }

    /// Hands over everything that can be told without asking for tasks, and gives the finished shares that are not
    /// counted yet.
    async fn hand_over<'l>(&self, listing: &'l Listing) -> Result<Vec<Due<'l>>, PollError> {
        let mut batch = Batch::of(self.window);
        for cause in &listing.rejected {
            batch.reject(*cause);
        }
        let runs: Vec<RunId> =
            listing.activities.iter().flat_map(|a| &a.shares).map(|s| s.run.clone()).collect();
        let mut known = self.intake.recall(&runs).await?.into_iter();
        let mut due = Vec::new();
        for activity in &listing.activities {
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
        self.intake.submit(batch).await?;
        Ok(due)
    }

    /// Asks for the tasks that finished, 100 at a time, and hands each hundred over at once.
    ///
    /// A run's exit code and times are counted when the run is, so a run is held back until its task is read: a
    /// refused call ends the poll with the watermark where it was, nothing is lost, and the trouble is plain to see.
    /// Whoever does not want to grant the right sets `tasks = false`.
    async fn finish(&self, due: &[Due<'_>], trouble: &mut Vec<String>) -> Result<(), PollError> {
        let api = self.api;
        for due in due.chunks(LIMIT) {
            let ids: Vec<String> = due.iter().map(|due| due.share.run.instance.to_string()).collect();
            let call = |invocation_task_ids: Vec<String>| -> BoxFuture<'_, Answer<Task>> {
                Box::pin(async move {
                    let ask =
                        DescribeInvocationTasks { invocation_task_ids, limit: LIMIT, hide_output: true };
                    let answer = api.tasks(&ask).await?;
                    Ok(answer.invocation_task_set.items().iter().filter_map(Field::get).cloned().collect())
                })
            };
            let mut found = Vec::new();
            let refused =
                in_chunks(&ids, &mut found, call).await.map_err(during(DESCRIBE_INVOCATION_TASKS.name))?;
            trouble.extend(refused.map(|error| during(DESCRIBE_INVOCATION_TASKS.name)(error).to_string()));
            let tasks: HashMap<&str, &Task> =
                found.iter().map(|task| (task.invocation_task_id.text(), task)).collect();
            let mut batch = Batch::of(self.window);
            for Due { activity, share, workflow } in due {
                let seen = match tasks.get(&*share.run.instance) {
                    Some(task) => activity.observe_task(share, workflow, task),
                    // The invocation says that it finished; that alone is counted where the task is not to be had.
                    None => activity.observe(share, workflow),
                };
                if seen.ended.is_some_and(|ended: Timestamp| ended < self.window.floor) {
                    self.keep.past.put(Arc::clone(&share.run.instance), ());
                }
                batch.observations.push(seen);
            }
            self.intake.submit(batch).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
