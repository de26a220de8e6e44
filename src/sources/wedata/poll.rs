//! One poll of one project.

use super::Keep;
use super::api::Api;
use super::course::Course;
use super::details::Details;
use super::listing::{Listing, PAGE_SIZE, Reading};
use super::normalize::UNFINISHED;
use super::settings::Settings;
use super::slice::Slice;
use super::trouble::Trouble;
use super::weight::{Weight, weigh};
use super::wire::{LIST_INSTANCES, ListInstances};
use crate::model::{Batch, Gaps, Intake, RunId, Window};
use crate::sources::{CATCH_UP, PollError, Read, during};
use crate::transport::{Priority, at};
use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

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
    /// Reads what changed, then what stays open, then the details of what finished, and then what earlier polls left.
    /// More changes than one reading takes are read in slices, the newest first. With each the watermark goes on, and
    /// what is left is a gap before it: a poll that is cut off has not been in vain, and the next begins with what is new.
    pub(super) async fn run(&self) -> Result<Read, PollError> {
        self.keep.names.learn(&self.window.open);
        if !self.settings.instances.is_empty() {
            return self.instances().await;
        }
        let mut trouble = Trouble::default();
        let mut course = Course::of(self.window);
        let mut unseen: HashSet<&str> = self.window.open.iter().map(|open| &*open.run.instance).collect();
        // When it began to read what is not the newest.
        let mut behind = None;
        while behind.is_none_or(|since: Instant| since.elapsed() < CATCH_UP)
            && let Some(slice) = course.next()
        {
            let step = self.step(slice, &mut course, &mut unseen, &mut trouble);
            let read = if behind.is_some() { at(Priority::Backfill, step).await? } else { step.await? };
            if read {
                behind.get_or_insert_with(Instant::now);
                if course.goes_on() {
                    self.intake.submit(course.progress()).await?;
                }
            }
        }
        self.close(course, trouble).await
    }

    /// Reads one slice, or halves it where that is too much at once; whether it was read.
    async fn step(
        &self,
        slice: Slice,
        course: &mut Course<'_>,
        unseen: &mut HashSet<&str>,
        trouble: &mut Trouble,
    ) -> Result<bool, PollError> {
        let mut changed = Listing::default();
        let halves = self.halves(slice).filter(|_| course.may_cut());
        let reading = self.list(&mut changed, slice, None, halves.is_some(), trouble).await?;
        if let Some(halves) = halves.filter(|_| reading == Reading::TooLong) {
            course.halve(halves, &changed);
            return Ok(false);
        }
        course.pass(slice, reading, &changed);
        unseen.retain(|open| !changed.shows(open));
        // Before the watermark moves: a poll cut off after that is followed by one that is not the first any more.
        if course.all_open.is_none() {
            course.all_open = Some(self.confirm(unseen, trouble, &mut course.still_open).await?);
        }
        course.take(self.details(), slice, changed.rows()).await?;
        Ok(true)
    }

    /// Both halves of a slice that is too long to be read at once.
    fn halves(&self, slice: Slice) -> Option<(Slice, Slice)> {
        slice.halves(self.window.to.minus(self.settings.window.0), self.window.to)
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

    /// Reads one listing and hands it over at once, unless it is to be cut: a failure is published before any detail is
    /// asked for. Pages read before a call failed are handed over too.
    async fn list(
        &self,
        listing: &mut Listing,
        slice: Slice,
        states: Option<&'static [i64]>,
        can_be_cut: bool,
        trouble: &mut Trouble,
    ) -> Result<Reading, PollError> {
        let zone = &self.keep.zone;
        let mut request = ListInstances {
            project_id: self.project.to_owned(),
            schedule_time_from: zone.zone.write(self.window.to.minus(self.settings.window.0)),
            schedule_time_to: zone.zone.write(self.window.to.plus(AHEAD)),
            last_update_time_from: slice.from.map(|from| zone.zone.write(from)),
            last_update_time_to: slice.to.map(|to| zone.zone.write(to)),
            instance_state_list: states,
            sort_column: "SCHEDULE_DATE",
            sort_type: "ASC",
            page_number: 1,
            page_size: PAGE_SIZE,
            schedule_time_zone: zone.name.clone(),
        };
        let present = (&zone.zone, self.window.to);
        let read = listing.read(self.api, &mut request, &self.keep.names, present, can_be_cut).await;
        if can_be_cut && matches!(read, Ok(Reading::TooLong)) {
            // Its rows are read again in slices: the first page of a long listing is not what is newest.
            return Ok(Reading::TooLong);
        }
        let mut batch = Batch::of(self.window);
        batch.observations = listing.rows().iter().map(|row| row.seen.clone()).collect();
        for cause in listing.rejected() {
            batch.reject(*cause);
        }
        trouble.note_rejected(&batch);
        self.intake.submit(batch).await?;
        if let (Ok(Reading::Whole), left @ 1..) = (&read, listing.left()) {
            trouble.note(format!("ListInstances counts {left} instances more than it shows"));
        }
        read.map_err(during(LIST_INSTANCES.name))
    }

    /// Looks for the open runs that the listing of changes did not show, with one listing of all that is unfinished.
    /// On the first poll nothing is known to be open, and what has been waiting since before the lookback is found
    /// by this listing alone.
    ///
    /// Its rows are observed rather than only confirmed: the state decides what is news. What it does not show is
    /// gone, or finished since; the latter is in the next poll's changes. In the polls between two such listings
    /// what is unseen is taken to be `still_open`, because no change of it was shown.
    async fn confirm(
        &self,
        unseen: &HashSet<&str>,
        trouble: &mut Trouble,
        still_open: &mut Vec<RunId>,
    ) -> Result<bool, PollError> {
        if unseen.is_empty() && !self.window.first {
            return Ok(true);
        }
        if !self.window.first && !self.keep.watch.is_due(self.window.to) {
            let open = self.window.open.iter().filter(|open| unseen.contains(&*open.run.instance));
            still_open.extend(open.map(|open| open.run.clone()));
            return Ok(true);
        }
        let mut all = true;
        let mut missing = unseen.clone();
        let mut slices = vec![Slice::since(None)];
        while let Some(slice) = slices.pop() {
            let mut listing = Listing::default();
            // As for the changes: what was too long at a second's length may be so at any.
            let halves = self.halves(slice).filter(|_| all);
            let reading =
                self.list(&mut listing, slice, Some(&UNFINISHED), halves.is_some(), trouble).await?;
            missing.retain(|open| !listing.shows(open));
            match halves.filter(|_| reading == Reading::TooLong) {
                Some((older, newer)) => slices.extend([newer, older]),
                None => all &= reading == Reading::Whole,
            }
        }
        self.keep.watch.done(self.window.to, all && missing.is_empty());
        Ok(all)
    }

    /// Ends the poll: hands over the watermark and says how it went.
    ///
    /// The newest changes whose details a later poll can still read stay after the watermark, older ones in a gap, so
    /// that they are not lost with a crash in between. Calls refused for good hold nothing: waiting for a right that
    /// nobody grants would stop the counting of runs, which needs no details. They are told as `partial`, at every
    /// poll that meets them, and the rows still inside the overlap are asked about again, so that a right granted in
    /// time loses nothing.
    async fn close(&self, course: Course<'_>, mut trouble: Trouble) -> Result<Read, PollError> {
        let mut last = course.progress();
        let rest = course.rest();
        let Course { torn, verdict, all_open, still_open, .. } = course;
        let all_open = all_open.unwrap_or(false);
        last.complete = torn.is_none() && all_open;
        last.still_open = still_open;
        self.intake.submit(last).await?;
        if let Some(failure) = verdict.failure {
            return Err(failure);
        }
        if let Some(torn) = torn {
            return Ok(Read::Torn(torn));
        }
        if !all_open {
            return Ok(Read::Torn("the unfinished instances could not all be listed".into()));
        }
        if let Some((from, to)) = rest {
            return Ok(Read::Torn(format!("what changed from {from} to {to} is left for the next polls")));
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
        if failure.is_none() {
            last.watermark = Some(self.window.to);
            // Of a time when it could list: what they hold of these instances is read by now.
            last.gaps = Some(Gaps::default());
        }
        self.intake.submit(last).await?;
        failure.map_or_else(|| Ok(trouble.read()), Err)
    }
}

#[cfg(test)]
pub(super) mod bench;
#[cfg(test)]
mod tests;
