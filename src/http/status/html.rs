//! The status page as HTML: no script, no asset, every text from outside escaped.

use super::STYLE;
use super::text::{Ago, Escaped, Span, Until};
use crate::model::{
    BreakerState, CellStatus, EndpointStatus, PollTrace, QuotaStatus, Reason, Status, Timestamp,
};
use std::fmt::{self, Write};

/// The most cells that are shown, what needs looking at first; the JSON has all of them.
const MAX_CELLS: usize = 500;
/// The most cells whose last polls are shown one by one.
const MAX_TRAILS: usize = 100;
/// The most actions and endpoints that are shown.
const MAX_ROWS: usize = 300;
/// The share of what is allowed from which on an action's busiest second stands out.
const BUSY: f64 = 0.9;

/// The page. Every text from outside is escaped.
pub(in crate::http) fn html(status: &Status) -> String {
    let mut page = String::with_capacity(16 * 1024 + 1024 * status.cells.len().min(MAX_CELLS));
    // Writing to a String cannot fail.
    match write_page(&mut page, status) {
        Ok(()) => page,
        Err(fmt::Error) => String::new(),
    }
}

/// How a cell stands, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Down,
    Part,
    New,
    Up,
}

impl Standing {
    fn of(cell: &CellStatus) -> Self {
        match (cell.up, cell.last_result) {
            (_, None) => Self::New,
            (_, Some(result)) => Self::after(result),
        }
    }

    fn after(result: Reason) -> Self {
        match result {
            Reason::Ok => Self::Up,
            Reason::Partial => Self::Part,
            Reason::Cancelled => Self::New,
            _ => Self::Down,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Part => "part",
            Self::New => "new",
            Self::Up => "up",
        }
    }
}

fn write_page(page: &mut String, status: &Status) -> fmt::Result {
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>taskrun-exporter</title>\
         <style>{STYLE}</style></head>\n<body><header><h1>taskrun-exporter</h1>\
         <p>Version {}, up {}, {}</p>\
         <nav><a href=\"/metrics\">Metrics</a><a href=\"/api/v1/status\">This page as JSON</a>\
         <a href=\"/-/ready\">Ready</a><a href=\"/-/healthy\">Healthy</a></nav></header>\n",
        Escaped(status.version),
        Span(status.now.since(status.started)),
        if status.ready { "ready" } else { "not ready" },
    )?;
    if let Some(hung) = &status.hung {
        writeln!(page, "<p class=\"alarm\">Work does not go on: {}</p>", Escaped(hung))?;
    }
    write_sums(page, status)?;
    write_cells(page, status)?;
    if !status.quotas.is_empty() {
        page.write_str(
            "<h2>API requests of the last minute</h2><div class=\"wide\"><table><thead><tr><th>Account<th>Action\
             <th class=\"n\">Requests<th class=\"n\">Busiest second<th class=\"n\">Allowed a second</tr></thead><tbody>\n",
        )?;
        for quota in status.quotas.iter().take(MAX_ROWS) {
            write_quota(page, quota)?;
        }
        page.write_str("</tbody></table></div>\n")?;
    }
    if !status.endpoints.is_empty() {
        page.write_str(
            "<h2>Endpoints</h2><div class=\"wide\"><table><thead><tr><th>Account<th>Host<th>Breaker</tr></thead><tbody>\n",
        )?;
        for endpoint in status.endpoints.iter().take(MAX_ROWS) {
            write_endpoint(page, endpoint)?;
        }
        page.write_str("</tbody></table></div>\n")?;
    }
    if !status.credentials.is_empty() {
        page.write_str(
            "<h2>Credentials that end</h2><div class=\"wide\"><table><thead><tr><th>Account<th>End</tr></thead><tbody>\n",
        )?;
        for (account, expires) in status.credentials.iter().take(MAX_ROWS) {
            let ends = *expires > status.now;
            let class = if ends { "good" } else { "bad" };
            write!(page, "<tr><td>{}<td class=\"{class}\">", Escaped(account))?;
            match ends {
                true => writeln!(page, "{}</tr>", Until(status.now, *expires))?,
                false => writeln!(page, "{}</tr>", Ago(status.now, Some(*expires)))?,
            }
        }
        page.write_str("</tbody></table></div>\n")?;
    }
    writeln!(
        page,
        "<footer>As of {}. Everything here is of this process; what is counted is at /metrics. \
         Manual: <code>man taskrun-exporter</code>, <code>taskrun-exporter metrics</code> and \
         <code>/usr/share/doc/taskrun-exporter</code>.</footer></body></html>",
        status.now
    )
}

fn write_sums(page: &mut String, status: &Status) -> fmt::Result {
    let standing = |wanted| status.cells.iter().filter(|cell| Standing::of(cell) == wanted).count();
    let backlog: u64 = status.cells.iter().filter_map(|cell| cell.backlog).sum();
    let tasks: u64 = status.cells.iter().map(|cell| cell.tasks).sum();
    let open = status.endpoints.iter().filter(|one| one.breaker != BreakerState::Closed).count();
    write!(
        page,
        "<ul class=\"sums\"><li><b>{} of {}</b>polled well",
        standing(Standing::Up),
        status.cells.len()
    )?;
    for (count, what) in [
        (standing(Standing::Down) as u64, "failing"),
        (standing(Standing::Part) as u64, "read in part"),
        (standing(Standing::New) as u64, "not polled yet"),
        (open as u64, "endpoints left alone"),
    ] {
        if count > 0 {
            write!(page, "<li><b>{count}</b>{what}")?;
        }
    }
    writeln!(
        page,
        "<li><b>{backlog}</b>left to read<li><b>{tasks}</b>tasks<li><b>{}</b>series</ul>",
        status.series
    )
}

fn write_cells(page: &mut String, status: &Status) -> fmt::Result {
    page.write_str("<h2>Sources</h2>\n")?;
    let mut cells: Vec<&CellStatus> = status.cells.iter().collect();
    cells.sort_by_key(|cell| Standing::of(cell));
    for (place, cell) in cells.iter().take(MAX_CELLS).enumerate() {
        write_cell(page, cell, status.now, place < MAX_TRAILS)?;
    }
    if cells.len() > MAX_CELLS {
        writeln!(
            page,
            "<p>And {} more, all of them not worse than these: see <a href=\"/api/v1/status\">the JSON</a>.</p>",
            cells.len() - MAX_CELLS
        )?;
    }
    Ok(())
}

fn write_cell(page: &mut String, cell: &CellStatus, now: Timestamp, with_trail: bool) -> fmt::Result {
    let standing = Standing::of(cell);
    let state = match (cell.last_result, cell.up) {
        (None, _) => "not polled yet",
        (Some(Reason::Ok), _) => "up",
        (Some(reason), _) => reason.name(),
    };
    write!(
        page,
        "<section class=\"cell {}\"><h3>{} <span class=\"tag\">{state}</span> <small>{}",
        standing.class(),
        Escaped(&cell.cell.source),
        Escaped(cell.cell.kind),
    )?;
    for part in [&cell.cell.region, &cell.cell.project] {
        if !part.is_empty() {
            write!(page, " · {}", Escaped(part))?;
        }
    }
    page.write_str("</small></h3><dl>")?;
    write_times(page, cell, now)?;
    page.write_str("</dl>")?;
    write_trouble(page, cell, now)?;
    if with_trail && !cell.trail.is_empty() {
        write_trail(page, &cell.trail, now)?;
    }
    page.write_str("</section>\n")
}

fn write_times(page: &mut String, cell: &CellStatus, now: Timestamp) -> fmt::Result {
    if cell.last_poll.is_some() {
        write!(page, "<div><dt>Last poll<dd>{}, took {}</div>", Ago(now, cell.last_poll), Span(cell.took))?;
    }
    if let Some(next) = cell.next_poll {
        write!(page, "<div><dt>Next poll<dd>{}</div>", Until(now, next))?;
    }
    if cell.last_success.is_some() && cell.last_result != Some(Reason::Ok) {
        write!(page, "<div><dt>Last read whole<dd>{}</div>", Ago(now, cell.last_success))?;
    }
    if cell.watermark.is_some() {
        write!(page, "<div><dt>Read up to<dd>{}</div>", Ago(now, cell.watermark))?;
    }
    if let Some(backlog) = cell.backlog {
        write!(page, "<div><dt>Left to read<dd>{backlog}</div>")?;
    }
    write!(page, "<div><dt>Tasks<dd>{}</div>", cell.tasks)
}

/// What is wrong; where nothing is, what was.
fn write_trouble(page: &mut String, cell: &CellStatus, now: Timestamp) -> fmt::Result {
    if !cell.message.is_empty() {
        return write!(page, "<p class=\"said\">{}</p>", Escaped(&cell.message));
    }
    let Some(error) = &cell.last_error else { return Ok(()) };
    write!(
        page,
        "<p class=\"said over\">Last trouble {}: {}, {}</p>",
        Ago(now, Some(error.at)),
        error.reason.name(),
        Escaped(&error.message)
    )
}

fn write_trail(page: &mut String, trail: &[PollTrace], now: Timestamp) -> fmt::Result {
    page.write_str("<details><summary>Last polls <span class=\"dots\">")?;
    // The newest last, as a line is read.
    for poll in trail.iter().rev() {
        write!(page, "<i class=\"{}\"></i>", Standing::after(poll.result).class())?;
    }
    page.write_str(
        "</span></summary><div class=\"wide\"><table><thead><tr><th>Began<th class=\"n\">Took<th>Result\
         <th class=\"n\">Requests<th class=\"n\">Records</tr></thead><tbody>\n",
    )?;
    for poll in trail {
        let class = match Standing::after(poll.result) {
            Standing::Up | Standing::New => "",
            Standing::Part => "warn",
            Standing::Down => "bad",
        };
        writeln!(
            page,
            "<tr><td>{}<td class=\"n\">{}<td class=\"{class}\">{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
            Ago(now, Some(poll.began)),
            Span(Some(poll.took)),
            poll.result.name(),
            poll.requests,
            poll.records
        )?;
    }
    page.write_str("</tbody></table></div></details>")
}

#[expect(clippy::cast_precision_loss, reason = "requests of one second")]
fn write_quota(page: &mut String, quota: &QuotaStatus) -> fmt::Result {
    let busy = quota.allowed_per_second.is_some_and(|allowed| quota.peak_per_second as f64 > allowed * BUSY);
    write!(
        page,
        "<tr><td>{}<td>{} {}<td class=\"n\">{}<td class=\"n{}\">{}<td class=\"n\">",
        Escaped(&quota.account),
        Escaped(&quota.service),
        Escaped(&quota.action),
        quota.last_minute,
        if busy { " warn" } else { "" },
        quota.peak_per_second,
    )?;
    match quota.allowed_per_second {
        Some(allowed) => writeln!(page, "{allowed:.1}</tr>"),
        None => writeln!(page, "–</tr>"),
    }
}

fn write_endpoint(page: &mut String, endpoint: &EndpointStatus) -> fmt::Result {
    let (class, meaning) = match endpoint.breaker {
        BreakerState::Closed => ("good", "closed: asked"),
        BreakerState::HalfOpen => ("warn", "half open: one request tries it"),
        BreakerState::Open => ("bad", "open: failed again and again, left alone for seconds"),
    };
    let (account, host) = (Escaped(&endpoint.account), Escaped(&endpoint.host));
    writeln!(page, "<tr><td>{account}<td>{host}<td class=\"{class}\">{meaning}</tr>")
}
