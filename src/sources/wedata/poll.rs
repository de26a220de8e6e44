//! One poll of one project.

use super::Keep;
use super::api::Api;
use super::details::{Details, Verdict};
use super::listing::{Listing, PAGE_SIZE};
use super::normalize::UNFINISHED;
use super::settings::Settings;
use super::weight::{Weight, weigh};
use super::wire::{LIST_INSTANCES, ListInstances};
use crate::model::{Batch, Intake, Timestamp, Window};
use crate::sources::{PollError, Read, during};
use std::sync::OnceLock;
use std::time::Duration;

/// How far ahead instances are planned that are listed: their waiting is shown before their time comes.
const AHEAD: Duration = Duration::from_secs(86400);

/// Reads one project.
pub(super) struct Poll<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) settings: &'a Settings,
    pub(super) keep: &'a Keep,
    pub(super) project: &'a str,
    pub(super) window: &'a Window,
    pub(super) intake: &'a dyn Intake,
}

impl Poll<'_> {
    /// Reads what changed, then what stays open, then the details of what finished.
    pub(super) async fn run(&self) -> Result<Read, PollError> {
        self.keep.names.learn(&self.window.open);
        if !self.settings.instances.is_empty() {
            return self.instances().await;
        }
        let mut trouble = Trouble::default();
        let mut changed = Listing::default();
        let all_changed = self.list(&mut changed, Some(self.window.from), None, &mut trouble).await?;
        let all_open = self.confirm(&changed, &mut trouble).await?;
        let verdict = self.details().read(changed.rows()).await?;
        self.close(all_changed, all_open, changed.left(), verdict, trouble).await
    }

    fn details(&self) -> Details<'_> {
        Details {
            api: self.api,
            settings: self.settings,
            keep: self.keep,
            project: self.project,
            window: self.window,
            intake: self.intake,
            forbidden: OnceLock::new(),
        }
    }

    /// Reads one listing and hands it over at once: a failure is published before any detail is asked for. Pages
    /// read before a call failed are handed over too.
    async fn list(
        &self,
        listing: &mut Listing,
        changed_since: Option<Timestamp>,
        states: Option<&'static [i64]>,
        trouble: &mut Trouble,
    ) -> Result<bool, PollError> {
        let zone = &self.keep.zone;
        let mut request = ListInstances {
            project_id: self.project.to_owned(),
            schedule_time_from: zone.zone.write(self.window.to.minus(self.settings.window.0)),
            schedule_time_to: zone.zone.write(self.window.to.plus(AHEAD)),
            last_update_time_from: changed_since.map(|since| zone.zone.write(since)),
            instance_state_list: states,
            sort_column: "SCHEDULE_DATE",
            sort_type: "ASC",
            page_number: 1,
            page_size: PAGE_SIZE,
            schedule_time_zone: zone.name.clone(),
        };
        let read = listing.read(self.api, &mut request, &self.keep.names, &zone.zone, self.window.to).await;
        let mut batch = Batch::of(self.window);
        batch.observations = listing.rows().iter().map(|row| row.seen.clone()).collect();
        for cause in listing.rejected() {
            batch.reject(*cause);
        }
        trouble.note_rejected(&batch);
        self.intake.submit(batch).await?;
        read.map_err(during(LIST_INSTANCES.name))
    }

    /// Looks for the open runs that the listing of changes did not show, with one listing of all that is unfinished.
    /// On the first poll nothing is known to be open, and what has been waiting since before the lookback is found
    /// by this listing alone.
    ///
    /// Its rows are observed rather than only confirmed: the state decides what is news. What it does not show is
    /// gone, or finished since; the latter is in the next poll's changes.
    async fn confirm(&self, changed: &Listing, trouble: &mut Trouble) -> Result<bool, PollError> {
        let unseen = self.window.open.iter().any(|open| !changed.shows(&open.run.instance));
        if !unseen && !self.window.first {
            return Ok(true);
        }
        self.list(&mut Listing::default(), None, Some(&UNFINISHED), trouble).await
    }

    /// Ends the poll: hands over the watermark and says how it went.
    ///
    /// The watermark goes up to the oldest change whose details a later poll can still read, so that they are not
    /// lost with a crash in between. Calls refused for good do not hold it: waiting for a right that nobody grants
    /// would stop the counting of runs, which needs no details. They are told as `partial`, at every poll that
    /// meets them, and the rows still inside the overlap are asked about again, so that a right granted in time
    /// loses nothing.
    async fn close(
        &self,
        all_changed: bool,
        all_open: bool,
        unread: u64,
        verdict: Verdict,
        mut trouble: Trouble,
    ) -> Result<Read, PollError> {
        let mut last = Batch::of(self.window);
        last.complete = all_changed && all_open;
        last.backlog = Some(verdict.left + if all_changed { 0 } else { unread });
        if all_changed {
            last.watermark = Some(verdict.before.map_or(self.window.to, |before| before.min(self.window.to)));
        }
        self.intake.submit(last).await?;
        if let Some(failure) = verdict.failure {
            return Err(failure);
        }
        if !all_changed {
            return Ok(Read::Torn(format!(
                "{unread} changed instances could not be listed; the listing kept moving or is too long"
            )));
        }
        if !all_open {
            return Ok(Read::Torn("the unfinished instances could not all be listed".into()));
        }
        if verdict.left > 0 {
            // Every run is counted, so what is shown is fresh; what is left stands in the backlog.
            trouble.note(format!("details of {} instances are left for the next polls", verdict.left));
        }
        for refused in &verdict.refused {
            trouble.note(format!(
                "{refused}: waits, rounds between and logs that it would tell are not counted"
            ));
        }
        Ok(trouble.read())
    }

    /// Reads the configured instances one by one, for accounts that may not list.
    async fn instances(&self) -> Result<Read, PollError> {
        let details = self.details();
        let mut trouble = Trouble::default();
        let mut last = Batch::of(self.window);
        let mut complete = true;
        let mut failure = None;
        let mut refusal = None;
        for key in &self.settings.instances {
            let told = match details.instance(key).await {
                Ok(Some(instance)) => details.take(instance, &mut last).await,
                Ok(None) => {
                    trouble.note(format!("there is no instance {key:?}"));
                    complete = false;
                    continue;
                }
                Err(error) => Err(error),
            };
            match told {
                Ok(None) => {}
                Ok(Some(refused)) => trouble.note(refused.to_string()),
                Err(error) => match weigh(&error) {
                    Weight::Stop => return Err(error),
                    Weight::Refused => {
                        trouble.note(format!("{key:?}: {error}"));
                        complete = false;
                        refusal.get_or_insert(error);
                    }
                    Weight::Transient => drop(failure.get_or_insert(error)),
                    Weight::Forbidden => {
                        failure = Some(error);
                        break;
                    }
                },
            }
        }
        trouble.note_rejected(&last);
        // Where not one instance could be read, the poll has failed.
        let failure = failure.or(refusal.filter(|_| last.observations.is_empty()));
        last.complete = complete && failure.is_none();
        last.watermark = failure.is_none().then_some(self.window.to);
        self.intake.submit(last).await?;
        failure.map_or_else(|| Ok(trouble.read()), Err)
    }
}

/// What went wrong without ending the poll.
#[derive(Default)]
struct Trouble(Vec<String>);

/// Causes told in one line; the rest is a number.
const TOLD: usize = 3;

impl Trouble {
    fn note(&mut self, what: String) {
        self.0.push(what);
    }

    fn note_rejected(&mut self, batch: &Batch) {
        for (cause, count) in &batch.rejected {
            self.note(format!("{count} records refused ({})", cause.name()));
        }
    }

    fn read(self) -> Read {
        let more = self.0.len().saturating_sub(TOLD);
        let mut told: Vec<String> = self.0.into_iter().take(TOLD).collect();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        if told.is_empty() { Read::Whole } else { Read::Refused(told.join("; ")) }
    }
}

#[cfg(test)]
pub(super) mod bench;
#[cfg(test)]
mod tests;
