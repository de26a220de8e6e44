//! Every cell of one source, polled to completion once.

use super::Scheduled;
use super::poll::Poll;
use super::survey::Survey;
use super::trouble::Trouble;
use crate::model::{Clock, Desk, IntakeClosed};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long one poll may take: whoever waits for it can stop it, and there is no next one to go on.
const DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// Discovers the cells of `scheduled` and polls each of them once, one after the other.
///
/// Returns whether everything there was to read was read. Records that had to be refused do not make it a failure: the
/// source did what it should, and they are counted.
///
/// # Cancel
/// The poll under way is dropped; what was submitted before stands.
pub async fn once(scheduled: &Scheduled, desk: &dyn Desk, clock: &dyn Clock) -> bool {
    run(scheduled, desk, clock).await.unwrap_or(false)
}

async fn run(scheduled: &Scheduled, desk: &dyn Desk, clock: &dyn Clock) -> Result<bool, IntakeClosed> {
    let stop = CancellationToken::new();
    let survey = Survey { scheduled, desk, clock, stop: &stop };
    let Some(cells) = survey.run(&mut Trouble::default()).await? else { return Ok(false) };
    let mut all = true;
    for cell in cells {
        let plan = scheduled.plan(cell);
        let poll =
            Poll { plan: &plan, source: &scheduled.source, desk, clock, deadline: DEADLINE, stop: &stop };
        let (verdict, _) = poll.run(|| 0).await?;
        Trouble::default().tell(&plan.key, &verdict);
        all &= verdict.fresh;
    }
    Ok(all)
}
