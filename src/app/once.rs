//! Every source polled once, and the page on standard output.

use super::run::{keeper, runtime};
use super::{Prepared, fail, prepare, say, usage};
use crate::cli::{Exit, OnceArgs};
use crate::expose::{self, Format, Packer};
use crate::keeper::Keeper;
use crate::ledger::Memory;
use crate::model::Clock;
use crate::schedule::{self, Scheduled};
use crate::telemetry::Telemetry;
use std::sync::Arc;

pub(super) fn once(args: &OnceArgs) -> Exit {
    let Prepared { config, clock, own, mut scheduled, .. } = match prepare(&args.config) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    if let Some(name) = &args.source {
        scheduled.retain(|one| *one.name == **name);
        if scheduled.is_empty() {
            let names: Vec<&str> = config.sources.iter().map(|section| section.name.as_str()).collect();
            return usage(&format!("--source: there is no [sources.{name}]; there are {}", names.join(", ")));
        }
    }
    let _telemetry = match Telemetry::start(&config.log, Arc::clone(&clock)) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error.into()),
    };
    let polled = runtime().and_then(|runtime| {
        let (keeper, _thread) = keeper(&config, Box::new(Memory), &scheduled, &clock, &own)?;
        let all = runtime.block_on(poll(&scheduled, &keeper, &*clock));
        Ok((keeper.published(), all))
    });
    match polled {
        Ok((published, all)) => {
            let tail = expose::tail(&expose::own(&own, Format::Text), Format::Text, &mut Packer::default());
            let page: Vec<u8> = published.page.document(Format::Text).plain(&tail).flatten().collect();
            let page = String::from_utf8_lossy(&page);
            let said = say(&page);
            if all { said } else { Exit::Failure }
        }
        Err(error) => fail(&error),
    }
}

/// Polls each source to the end, one after the other. A source that fails does not keep the next from its turn; one that
/// leaves something for the next poll, as a daemon's must, is polled again as long as less is left each time, be that
/// details, or runs that it did not come to.
async fn poll(scheduled: &[Scheduled], desk: &Keeper, clock: &dyn Clock) -> bool {
    let mut all = true;
    for one in scheduled {
        let mut left = u64::MAX;
        loop {
            let whole = schedule::once(one, desk, clock).await;
            let now = backlog(one, desk);
            if now == 0 || now >= left {
                all &= whole && now == 0;
                break;
            }
            left = now;
        }
    }
    all
}

/// What the cells of a source are known to have left unread.
fn backlog(of: &Scheduled, desk: &Keeper) -> u64 {
    let published = desk.published();
    let cells = published.cells.iter();
    cells
        .filter(|status| status.cell.source == of.name && status.cell.region == of.region)
        .filter_map(|status| status.backlog)
        .sum()
}
