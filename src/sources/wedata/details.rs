//! What GetTaskInstance and GetInstanceLog tell of runs that the listing showed: waits, rounds between, logs.

use super::api::Api;
use super::normalize::{self, LogPlace, Round, Row};
use super::settings::{Settings, Which};
use super::weight::{Weight, weigh};
use super::wire::{GET_INSTANCE_LOG, GET_TASK_INSTANCE, GetTaskInstance, Instance};
use super::{Keep, log};
use crate::model::{
    Batch, Facets, Intake, IntakeClosed, Known, LogFacts, Observation, RunId, RunState, Timestamp, Window,
};
use crate::sources::{PollError, during};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// Instances asked about in one poll, and the time that may take: a poll has a deadline, and one that is cut off there
/// cannot say how far it came. The others follow in the next polls.
const MAX_INSTANCES: usize = 600;
const MAX_TIME: Duration = Duration::from_secs(30);

/// Rounds before the newest that are looked at: reruns beyond that number between two polls are nobody's doing.
const MAX_ROUNDS: u32 = 64;

/// Transient failures in a row after which the API is taken to be in trouble, and the poll ends.
const MAX_FAILURES: usize = 3;

/// Polls in which an instance alone fails, while others succeed, before the watermark goes on without it.
const MAX_STRIKES: u8 = 3;

/// Instances whose details are submitted as one batch.
const BATCH: usize = 50;

/// What became of the details of a poll.
#[derive(Default)]
pub(super) struct Verdict {
    /// Instances left for a later poll.
    pub(super) left: u64,
    /// The time before which nothing is left; `None` where nothing is.
    pub(super) before: Option<Timestamp>,
    /// The first transient failure, where one ended the reading.
    pub(super) failure: Option<PollError>,
    /// Calls refused for good, by the first of each kind.
    pub(super) refused: Vec<PollError>,
}

/// Reads the details of one poll.
pub(super) struct Details<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) settings: &'a Settings,
    pub(super) keep: &'a Keep,
    pub(super) project: &'a str,
    pub(super) window: &'a Window,
    pub(super) intake: &'a dyn Intake,
    /// The answer that forbade logs, once one did.
    pub(super) forbidden: OnceLock<PollError>,
}

/// What one poll may spend on details.
pub(super) struct Allowance {
    left: usize,
    end: Option<Instant>,
    /// Whether an instance was answered for, so that the API is not to blame for one that was not.
    answered: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: MAX_INSTANCES, end: None, answered: false }
    }
}

impl Allowance {
    /// Takes one instance out of it; `false` where nothing is left.
    fn spend(&mut self) -> bool {
        let now = Instant::now();
        let end = *self.end.get_or_insert_with(|| now + MAX_TIME);
        let any = self.left > 0 && now < end;
        self.left = self.left.saturating_sub(1);
        any
    }
}

/// An instance to ask about.
struct Errand<'r> {
    row: &'r Row,
    changed: Timestamp,
}

impl Details<'_> {
    /// Reads what the settings ask for of `rows` as far as `allowance` reaches, oldest change first, so that only what
    /// comes after the first one left out is to be read again. Rows that tell no change count as changed at `since`.
    pub(super) async fn read(
        &self,
        rows: &[Row],
        since: Timestamp,
        allowance: &mut Allowance,
    ) -> Result<Verdict, PollError> {
        let mut errands = self.errands(rows, since).await?;
        errands.sort_by_key(|errand| errand.changed);
        let mut verdict = Verdict::default();
        let mut failed: Vec<(&Errand<'_>, PollError)> = Vec::new();
        let (mut in_a_row, mut done) = (0, 0);
        let mut batch = Batch::of(self.window);
        let mut stamps = Vec::new();
        for errand in &errands {
            if !allowance.spend() {
                break;
            }
            done += 1;
            let key = &errand.row.seen.run.instance;
            match self.errand(key, &mut batch).await {
                Ok(refused) => {
                    (in_a_row, allowance.answered) = (0, true);
                    self.keep.strikes.forget(key);
                    if refused.is_none() {
                        stamps.push((Arc::clone(key), errand.row.stamp.clone()));
                    }
                    verdict.refuse(refused);
                }
                Err(error) => match weigh(&error) {
                    Weight::Stop => return Err(error),
                    Weight::Transient => {
                        in_a_row += 1;
                        failed.push((errand, error));
                    }
                    Weight::Refused => verdict.refuse(Some(error)),
                    // Every further call would be refused as well: nothing is left that a later poll could read.
                    Weight::Forbidden => {
                        verdict.refuse(Some(error));
                        done = errands.len();
                        break;
                    }
                },
            }
            if in_a_row == MAX_FAILURES {
                allowance.left = 0;
            }
            if stamps.len() >= BATCH {
                self.submit(&mut batch, &mut stamps).await?;
            }
        }
        self.submit(&mut batch, &mut stamps).await?;
        if allowance.answered {
            self.give_up(&mut failed, &mut verdict);
        }
        let undone = || failed.iter().map(|(errand, _)| *errand).chain(errands.iter().skip(done));
        verdict.left = undone().count() as u64;
        verdict.before = undone().map(|errand| errand.changed).min();
        verdict.failure = failed.into_iter().next().map(|(_, error)| error);
        Ok(verdict)
    }

    /// An instance that alone fails in poll after poll must not hold the watermark for ever.
    fn give_up(&self, failed: &mut Vec<(&Errand<'_>, PollError)>, verdict: &mut Verdict) {
        failed.retain(|(errand, error)| {
            let key = &errand.row.seen.run.instance;
            let strikes = self.keep.strikes.get(key).unwrap_or(0).saturating_add(1);
            self.keep.strikes.put(Arc::clone(key), strikes);
            if strikes >= MAX_STRIKES {
                verdict.refuse(Some(error.clone()));
            }
            strikes < MAX_STRIKES
        });
    }

    async fn submit(
        &self,
        batch: &mut Batch,
        stamps: &mut Vec<(Arc<str>, String)>,
    ) -> Result<(), IntakeClosed> {
        if !batch.observations.is_empty() || !batch.rejected.is_empty() {
            self.intake.submit(std::mem::replace(batch, Batch::of(self.window))).await?;
        }
        for (key, stamp) in stamps.drain(..) {
            self.keep.read.put(key, stamp);
        }
        Ok(())
    }

    /// The rows that the settings want more of, less what is known already.
    async fn errands<'r>(&self, rows: &'r [Row], since: Timestamp) -> Result<Vec<Errand<'r>>, IntakeClosed> {
        let fresh = |row: &&Row| self.keep.read.get(&row.seen.run.instance).as_ref() != Some(&row.stamp);
        let rows: Vec<&Row> = rows.iter().filter(fresh).collect();
        let runs: Vec<RunId> = rows.iter().flat_map(|row| runs_of(row)).collect();
        let known = self.intake.recall(&runs).await?;
        let mut known = known.into_iter();
        let mut errands = Vec::new();
        for row in rows {
            let own = known.next().unwrap_or(Known::No);
            let earlier: Vec<Known> = known.by_ref().take(runs_of(row).count() - 1).collect();
            if self.wants(&row.seen, own)
                || (self.settings.detail != Which::Never
                    && (row.runs.is_none() || earlier.iter().any(is_unfinished)))
            {
                errands.push(Errand { row, changed: row.seen.updated.unwrap_or(since) });
            }
        }
        Ok(errands)
    }

    /// Whether the settings ask for more than is known of this run.
    fn wants(&self, seen: &Observation, known: Known) -> bool {
        self.wants_waits(seen, known) || self.wants_log(seen, known)
    }

    fn wants_waits(&self, seen: &Observation, known: Known) -> bool {
        let RunState::Finished(outcome) = seen.state else { return false };
        let rerun = self.settings.detail == Which::Failed && seen.run.round > 0;
        (self.settings.detail.takes(outcome) || rerun) && !has(known, Facets::WAITS) && self.counts(seen)
    }

    /// GetInstanceLog needs what only GetTaskInstance tells, so a wanted log asks for both, whatever `detail` says.
    fn wants_log(&self, seen: &Observation, known: Known) -> bool {
        let RunState::Finished(outcome) = seen.state else { return false };
        self.settings.logs.takes(outcome) && !has(known, Facets::LOG) && self.counts(seen)
    }

    /// Whether the run ended late enough to be counted: no call is spent on others.
    fn counts(&self, seen: &Observation) -> bool {
        let ended = seen.ended.or(seen.updated).or(seen.started).or(seen.planned);
        ended.is_none_or(|ended| ended >= self.window.floor)
    }

    /// Asks about one instance and its logs; what is learned goes to `batch`. A refusal of a log alone is handed back.
    async fn errand(&self, key: &str, batch: &mut Batch) -> Result<Option<PollError>, PollError> {
        match self.instance(key).await? {
            Some(instance) => self.take(instance, batch).await,
            None => Ok(None),
        }
    }

    /// Asks about one instance; `None` where the API has none.
    pub(super) async fn instance(&self, key: &str) -> Result<Option<Instance>, PollError> {
        let zone = self.keep.zone.name.as_str();
        let request =
            GetTaskInstance { project_id: self.project, instance_key: key, schedule_time_zone: zone };
        self.api.instance(&request).await.map_err(during(GET_TASK_INSTANCE.name))
    }

    /// Takes what an answer tells of its rounds, and reads the logs that are wanted. A refusal of a log alone is
    /// handed back; no run is held back for its log.
    pub(super) async fn take(
        &self,
        mut instance: Instance,
        batch: &mut Batch,
    ) -> Result<Option<PollError>, PollError> {
        self.keep.names.complete(&mut instance);
        let rounds = match normalize::rounds(&instance, &self.keep.zone.zone) {
            Ok(rounds) => rounds,
            Err(cause) => {
                batch.reject(cause);
                return Ok(None);
            }
        };
        let runs: Vec<RunId> = rounds.iter().map(|round| round.seen.run.clone()).collect();
        let known = self.intake.recall(&runs).await?;
        let mut trouble: Option<PollError> = None;
        for (Round { mut seen, log }, known) in rounds.into_iter().zip(known) {
            if trouble.is_none() && self.wants_log(&seen, known) {
                match self.log(&seen.run, &log).await {
                    Ok(facts) => seen.log = facts,
                    Err(error) => trouble = Some(error),
                }
            }
            batch.observations.push(seen);
        }
        match trouble {
            Some(error) if weigh(&error) == Weight::Transient => Err(error),
            refused => Ok(refused),
        }
    }

    /// Counts one log. Once one is forbidden no other is asked for in this poll.
    async fn log(&self, run: &RunId, place: &LogPlace) -> Result<Option<LogFacts>, PollError> {
        if let Some(forbidden) = self.forbidden.get() {
            return Err(forbidden.clone());
        }
        let counted = log::count(self.api, self.project, &self.keep.zone.name, run, place).await;
        counted.map_err(during(GET_INSTANCE_LOG.name)).inspect_err(|error| {
            if weigh(error) == Weight::Forbidden {
                self.forbidden.get_or_init(|| error.clone());
            }
        })
    }
}

impl Verdict {
    /// Takes up what became of the details of another slice.
    pub(super) fn add(&mut self, other: Self) {
        self.left += other.left;
        self.before = self.before.into_iter().chain(other.before).min();
        self.failure = self.failure.take().or(other.failure);
        other.refused.into_iter().for_each(|refused| self.refuse(Some(refused)));
    }

    /// Notes a refusal, one of each action and code.
    pub(super) fn refuse(&mut self, refused: Option<PollError>) {
        let Some(refused) = refused else { return };
        let text = refused.to_string();
        if self.refused.iter().all(|noted| noted.to_string() != text) {
            self.refused.push(refused);
        }
    }
}

/// The newest run of a row, then those before it.
fn runs_of(row: &Row) -> impl Iterator<Item = RunId> + '_ {
    let RunId { instance, round: newest } = &row.seen.run;
    let earlier = newest.saturating_sub(MAX_ROUNDS)..*newest;
    std::iter::once(*newest).chain(earlier).map(|round| RunId { instance: Arc::clone(instance), round })
}

fn is_unfinished(known: &Known) -> bool {
    !matches!(known, Known::Finished(..))
}

fn has(known: Known, facet: Facets) -> bool {
    matches!(known, Known::Finished(_, facets) if facets.has(facet))
}

#[cfg(test)]
mod tests;
