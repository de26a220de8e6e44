//! One poll of a namespace.

use super::Functions;
use super::normalize;
use super::pages::Pages;
use super::progress::Note;
use super::tally::{Blame, Tally};
use super::target::Target;
use super::wire::FunctionLog;
use crate::model::{
    Batch, CellKey, Intake, Known, Observation, OpenRun, RejectCause, RunState, Timestamp, Window, Zone,
};
use crate::sources::lenient::{Field, List};
use crate::sources::{PollError, Read, Source, during};
use crate::transport::Error;
use std::sync::PoisonError;
use std::time::Duration;

/// How long the API is left alone after it said that its function logs are withdrawn.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// How long a run may take, asynchronous ones included.
const LONGEST_RUN: Duration = Duration::from_secs(86_400);

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
    let mut tally = Tally::of(window);
    for target in &targets {
        let from = begin(source, target, window);
        match read(source, target, from, window, intake, &mut tally).await? {
            Ok(()) => tally.done(target),
            Err(error) => fail(source, target, from, window, error, &mut tally)?,
        }
    }
    let (batch, read) = tally.close(window).map_err(during("GetFunctionLogs"))?;
    intake.submit(batch).await?;
    Ok(read)
}

/// From when on `target` is to be read.
fn begin(source: &Functions, target: &Target, window: &Window) -> Timestamp {
    let overlap = source.reach().overlap;
    let from = match source.progress.of(target) {
        Some(note) => note.until.minus(overlap),
        // A run that ended just inside the lookback started before it.
        None if window.first => window.from.minus(overlap),
        None => window.from,
    };
    let open = open_runs(target, window).filter_map(|run| run.since).min();
    // Nothing that ended before the floor counts, so nothing before it is worth a call.
    open.map_or(from, |since| from.min(since)).max(window.floor.minus(overlap)).min(window.to)
}

/// The runs of `target` that may still be running.
fn open_runs<'a>(target: &'a Target, window: &'a Window) -> impl Iterator<Item = &'a OpenRun> {
    let oldest = window.to.minus(LONGEST_RUN);
    window.open.iter().filter(move |run| run.task == target.task && run.since.is_some_and(|at| at >= oldest))
}

async fn read(
    source: &Functions,
    target: &Target,
    from: Timestamp,
    window: &Window,
    intake: &dyn Intake,
    tally: &mut Tally,
) -> Result<Result<(), Error>, PollError> {
    let mut pages = Pages::new(&*source.api, target, source.zone, from, window.to);
    let mut rows = 0;
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        };
        rows += page.len();
        hand_over(source, target, &page, window, intake, tally).await?;
    }
    if rows == 0 {
        // No rows is no information: an account without a log topic shows none for runs that there are.
        tally.keep(open_runs(target, window));
    }
    let gap = tally.miss(target, pages.gaps(), window);
    source.progress.write(target, Note { until: gap.unwrap_or(window.to), failed: false });
    Ok(Ok(()))
}

/// Hands over the rows that are news.
async fn hand_over(
    source: &Functions,
    target: &Target,
    page: &List<FunctionLog>,
    window: &Window,
    intake: &dyn Intake,
    tally: &mut Tally,
) -> Result<(), PollError> {
    let mut batch = Batch::of(window);
    for row in page {
        match run(row, target, source.zone) {
            Ok(run) => batch.observations.push(run),
            Err(cause) => {
                tally.refuse_row();
                batch.reject(cause);
            }
        }
    }
    // Most rows were read by the poll before, too: they are not worth a commit.
    let runs: Vec<_> = batch.observations.iter().map(|seen| seen.run.clone()).collect();
    let mut known = intake.recall(&runs).await?.into_iter();
    batch.observations.retain(|seen| known.next().is_none_or(|known| is_news(seen, known)));
    if !batch.observations.is_empty() || !batch.rejected.is_empty() {
        intake.submit(batch).await?;
    }
    Ok(())
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

/// Decides what the failure of one function means for the others.
fn fail(
    source: &Functions,
    target: &Target,
    from: Timestamp,
    window: &Window,
    error: Error,
    tally: &mut Tally,
) -> Result<(), PollError> {
    let blame = Blame::of(&error);
    if blame == Blame::Withdrawn {
        *source.offline.lock().unwrap_or_else(PoisonError::into_inner) = Some(window.to.plus(ASK_AGAIN));
    }
    if blame == Blame::Gone && !target.configured {
        // Deleted since it was listed, or without this qualifier.
        return Ok(());
    }
    // Where it was to be read from, it is to be read from again, whatever the others do to the watermark.
    let until = source.progress.of(target).map_or(from.plus(source.reach().overlap), |note| note.until);
    source.progress.write(target, Note { until, failed: true });
    tally.keep(open_runs(target, window));
    tally.failed(target, blame, error).map_err(during("GetFunctionLogs"))
}

fn withdrawn() -> PollError {
    during("GetFunctionLogs")(Error::Rejected { code: "ActionOffline".to_owned() })
}
