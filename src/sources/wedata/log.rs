//! The counts of one run's log.

use super::api::Api;
use super::normalize::LogPlace;
use super::wire::GetInstanceLog;
use crate::logs;
use crate::model::{LogFacts, RunId};
use crate::transport::Error;

/// Pages of one log: what lies behind them is not counted.
const MAX_PAGES: u32 = 50;

/// The documents' own defaults, sent so that a changed default changes nothing. Whether the last one is a line number
/// or a count is not documented.
const FIRST_LINE: u32 = 1;
const LAST_LINE: u32 = 10_000;

/// Reads the log of `run` to its end and counts it; `None` where nobody tells where it is.
///
/// The text is dropped page by page: only counts leave this function.
pub(super) async fn count(
    api: &dyn Api,
    project: &str,
    zone: &str,
    run: &RunId,
    place: &LogPlace,
) -> Result<Option<LogFacts>, Error> {
    let (job, file, broker) = match place {
        LogPlace::Untold => return Ok(None),
        LogPlace::Nowhere => return Ok(Some(LogFacts::default())),
        LogPlace::At { job, file, broker } => (job, file, broker),
    };
    let mut facts = LogFacts::default();
    let mut request = GetInstanceLog {
        project_id: project,
        instance_key: &run.instance,
        life_round_num: run.round,
        schedule_time_zone: zone,
        broker_ip: broker,
        origin_file_name: file,
        execution_job_id: job,
        log_level: "All",
        start_line_num: FIRST_LINE,
        end_line_count: LAST_LINE,
        ext_info: None,
    };
    for _ in 0..MAX_PAGES {
        let Some(page) = api.log(&request).await? else { break };
        let text = page.log_info.text();
        add(&mut facts, &logs::count(text));
        let cursor = page.ext_info.get().cloned();
        // A cursor that stands still, or a page without text, would go on for ever.
        if page.is_end.get() == Some(&true)
            || text.is_empty()
            || cursor.is_none()
            || cursor == request.ext_info
        {
            break;
        }
        request.ext_info = cursor;
    }
    Ok(Some(facts))
}

fn add(sum: &mut LogFacts, page: &LogFacts) {
    for (sum, lines) in sum.lines.iter_mut().zip(page.lines) {
        *sum = sum.saturating_add(lines);
    }
    sum.bytes = sum.bytes.saturating_add(page.bytes);
}
