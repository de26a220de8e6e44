//! One poll of a namespace.

use super::Functions;
use super::normalize;
use super::pages::Pages;
use super::position::Position;
use super::progress::Note;
use super::tally::{Blame, Tally};
use super::target::Target;
use super::wire::FunctionLog;
use crate::model::{
    Batch, CellKey, Intake, IntakeClosed, Known, Observation, OpenRun, RejectCause, RunState, Stretch,
    Window, Zone,
};
use crate::sources::lenient::{Field, List};
use crate::sources::{CATCH_UP, PollError, Read, Source, during};
use crate::transport::{Error, Priority, at};
use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;

/// How long the API is left alone after it said that its function logs are withdrawn.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// How long a run may take, asynchronous ones included.
const LONGEST_RUN: Duration = Duration::from_secs(86_400);

/// How often a long poll says how far it is: what is cut off after that goes on from there.
const SAVE: Duration = Duration::from_secs(10);

pub(super) async fn poll(
    source: &Functions,
    cell: &CellKey,
    window: &Window,
    intake: &dyn Intake,
) -> Result<Read, PollError> {
    if let Some(until) = *source.offline.lock().unwrap_or_else(PoisonError::into_inner)
        && window.to < until
    {
        return Err(withdrawn());
    }
    let listed = source
        .catalogue
        .wanted(&*source.api, &source.settings, &cell.project, window.to)
        .await
        .map_err(during("ListFunctions"))?;
    let mut targets: Vec<Target> = listed
        .iter()
        .flat_map(|function| Target::of(&cell.project, function, &source.settings.qualifiers))
        .collect();
    source.progress.retain(&cell.project, &targets);
    source.progress.sort(&mut targets);
    let position = Position::of(window, &targets, source.reach().overlap);
    let tally = Tally::of(window);
    let mut poll = Poll { source, window, intake, position, tally, saved: Instant::now() };
    let ended = poll.run(&targets).await;
    if let Err(error) = ended {
        poll.save().await?;
        return Err(error);
    }
    let (mut batch, read) =
        poll.tally.close(window, poll.position.behind()).map_err(during("GetFunctionLogs"))?;
    batch.gaps = Some(poll.position.left());
    intake.submit(batch).await?;
    Ok(read)
}

/// A poll under way.
struct Poll<'a> {
    source: &'a Functions,
    window: &'a Window,
    intake: &'a dyn Intake,
    position: Position,
    tally: Tally,
    /// When it last said how far it is.
    saved: Instant,
}

impl Poll<'_> {
    /// Reads what is new of every function, then what is left of them.
    async fn run(&mut self, targets: &[Target]) -> Result<(), PollError> {
        for target in targets {
            let open: Vec<&OpenRun> = open_runs(target, self.window).collect();
            let since = open.iter().filter_map(|run| run.since).min();
            let newest = self.position.newest(&target.part, since);
            match self.visit(target, newest).await? {
                Ok(rows) => {
                    if rows == 0 {
                        // No rows is no information: an account without a log topic shows none for runs that there are.
                        self.tally.keep(open.into_iter());
                    }
                    self.tally.done(target);
                }
                Err(error) => self.fail(target, error)?,
            }
        }
        at(Priority::Backfill, self.catch_up(targets)).await
    }

    /// Reads what earlier polls left, and what is not the newest of this one, newest first. All calls for what is old
    /// are made here.
    async fn catch_up(&mut self, targets: &[Target]) -> Result<(), PollError> {
        let targets: HashMap<&str, &Target> =
            targets.iter().map(|target| (target.part.as_str(), target)).collect();
        let began = Instant::now();
        while began.elapsed() < CATCH_UP
            && let Some((part, stretch)) = self.position.next()
        {
            let Some(target) = targets.get(part.as_str()) else {
                self.position.forget(&part);
                continue;
            };
            if let Err(error) = self.visit(target, stretch).await? {
                self.fail(target, error)?;
            }
        }
        Ok(())
    }

    /// Reads a stretch of a function; says how many rows there were.
    async fn visit(&mut self, target: &Target, stretch: Stretch) -> Result<Result<usize, Error>, PollError> {
        let source = self.source;
        let mut pages = Pages::new(&*source.api, target, source.zone, stretch);
        let mut rows = 0;
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    self.note(target, stretch, &mut pages);
                    return Ok(Err(error));
                }
            };
            rows += page.len();
            self.hand_over(target, &page).await?;
            self.note(target, stretch, &mut pages);
            if self.saved.elapsed() >= SAVE {
                self.save().await?;
            }
        }
        self.note(target, stretch, &mut pages);
        source.progress.write(target, Note { at: self.window.to, failed: false });
        Ok(Ok(rows))
    }

    /// Notes how far the reading of a stretch is.
    fn note(&mut self, target: &Target, stretch: Stretch, pages: &mut Pages<'_>) {
        let from = pages.unread_to().map_or(stretch.from, |end| end.max(stretch.from));
        self.position.read(&target.part, Stretch { from, ..stretch });
        for missing in self.tally.miss(target, pages.take_missing(), self.window) {
            self.position.miss(&target.part, missing);
        }
    }

    /// Says how far the poll is.
    async fn save(&mut self) -> Result<(), IntakeClosed> {
        self.saved = Instant::now();
        if !self.tally.has_read() {
            return Ok(());
        }
        let mut batch = Batch::of(self.window);
        batch.watermark = Some(self.window.to);
        batch.gaps = Some(self.position.left());
        batch.backlog = Some(self.tally.missing());
        self.intake.submit(batch).await
    }

    /// Hands over the rows that are news.
    async fn hand_over(&mut self, target: &Target, page: &List<FunctionLog>) -> Result<(), PollError> {
        let mut batch = Batch::of(self.window);
        for row in page {
            match run(row, target, self.source.zone) {
                Ok(run) => batch.observations.push(run),
                Err(cause) => {
                    self.tally.refuse_row();
                    batch.reject(cause);
                }
            }
        }
        // Most rows were read by the poll before, too: they are not worth a commit.
        let runs: Vec<_> = batch.observations.iter().map(|seen| seen.run.clone()).collect();
        let mut known = self.intake.recall(&runs).await?.into_iter();
        batch.observations.retain(|seen| known.next().is_none_or(|known| is_news(seen, known)));
        if !batch.observations.is_empty() || !batch.rejected.is_empty() {
            self.intake.submit(batch).await?;
        }
        Ok(())
    }

    /// Decides what the failure of one function means for the others.
    fn fail(&mut self, target: &Target, error: Error) -> Result<(), PollError> {
        let (source, window) = (self.source, self.window);
        let blame = Blame::of(&error);
        match blame {
            Blame::Withdrawn => {
                *source.offline.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(window.to.plus(ASK_AGAIN));
            }
            // Deleted since it was listed, not made yet, or without this qualifier: nothing is left to be read.
            Blame::Gone => self.position.forget(&target.part),
            Blame::Refused | Blame::Broken => self.position.put_aside(&target.part),
            Blame::Everywhere => {}
        }
        if blame == Blame::Gone && !target.configured {
            return Ok(());
        }
        source.progress.write(target, Note { at: window.to, failed: true });
        self.tally.keep(open_runs(target, window));
        self.tally.failed(target, blame, error).map_err(during("GetFunctionLogs"))
    }
}

/// The runs of `target` that may still be running.
fn open_runs<'a>(target: &'a Target, window: &'a Window) -> impl Iterator<Item = &'a OpenRun> {
    let oldest = window.to.minus(LONGEST_RUN);
    window.open.iter().filter(move |run| run.task == target.task && run.since.is_some_and(|at| at >= oldest))
}

/// Reads one row.
///
/// # Errors
/// Why it cannot be a run.
pub(super) fn run(row: &Field<FunctionLog>, target: &Target, zone: Zone) -> Result<Observation, RejectCause> {
    match row {
        Field::Value(row) => normalize::run(row, &target.task, &target.info, zone),
        Field::Absent | Field::Malformed => Err(RejectCause::Malformed),
    }
}

fn is_news(seen: &Observation, known: Known) -> bool {
    match (&seen.state, known) {
        (RunState::Finished(outcome), Known::Finished(counted, facets)) => {
            *outcome != counted || !facets.has(seen.facets())
        }
        _ => true,
    }
}

fn withdrawn() -> PollError {
    during("GetFunctionLogs")(Error::Rejected { code: "ActionOffline".into() })
}
