//! The status page, for people and for programs.

use crate::model::{BreakerState, CellStatus, EndpointStatus, Status, Timestamp};
use serde_json::{Value, json};
use std::fmt::{self, Write};
use std::time::Duration;

/// The page's only style sheet. The policy below names its hash, so nothing else can style or script the page.
const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;color:#1b1f24}\
table{border-collapse:collapse}th,td{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #d0d7de}\
.up{color:#116329}.down{color:#a40e26}.new{color:#57606a}td.n{text-align:right}";

/// What a browser may do with the page: apply [`STYLE`], nothing else.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
style-src 'sha256-9gA55dBrV28/ch3N4xiMorGoJIWVVAAIRdrXsqbtfIo='; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page. Every text from outside is escaped.
pub(super) fn html(status: &Status) -> String {
    let mut page = String::with_capacity(4096 + 512 * status.cells.len());
    // Writing to a String cannot fail.
    match write_html(&mut page, status) {
        Ok(()) => page,
        Err(fmt::Error) => String::new(),
    }
}

fn write_html(page: &mut String, status: &Status) -> fmt::Result {
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>taskrun-exporter</title>\
         <style>{STYLE}</style></head><body><h1>taskrun-exporter</h1>\
         <p>Version {}, up {}, {}, {} series. <a href=\"/metrics\">Metrics</a> · \
         <a href=\"/api/v1/status\">This page as JSON</a></p>",
        Escaped(status.version),
        Span(status.now.since(status.started)),
        if status.ready { "ready" } else { "not ready: not every source was polled yet" },
        status.series,
    )?;
    page.write_str(
        "<table><thead><tr><th>Source<th>Kind<th>Region<th>Project<th>State<th>Last poll<th>Took<th>Result\
         <th>Last success<th>Read up to<th>Backlog<th>Tasks<th>Message</tr></thead><tbody>\n",
    )?;
    for cell in &status.cells {
        write_row(page, cell, status.now)?;
    }
    page.write_str("</tbody></table>")?;
    if !status.endpoints.is_empty() {
        page.write_str(
            "<h2>Endpoints</h2><table><thead><tr><th>Account<th>Host<th>Breaker</tr></thead><tbody>\n",
        )?;
        for endpoint in &status.endpoints {
            write_endpoint(page, endpoint)?;
        }
        page.write_str("</tbody></table>")?;
    }
    page.write_str("</body></html>\n")
}

fn write_endpoint(page: &mut String, endpoint: &EndpointStatus) -> fmt::Result {
    let (class, meaning) = match endpoint.breaker {
        BreakerState::Closed => ("up", "closed: asked"),
        BreakerState::HalfOpen => ("down", "half open: one request tries it"),
        BreakerState::Open => ("down", "open: failed again and again, left alone for seconds"),
    };
    let (account, host) = (Escaped(&endpoint.account), Escaped(&endpoint.host));
    writeln!(page, "<tr><td>{account}<td>{host}<td class=\"{class}\">{meaning}</tr>")
}

fn write_row(page: &mut String, cell: &CellStatus, now: Timestamp) -> fmt::Result {
    let (class, state) = match cell.up {
        Some(true) => ("up", "up"),
        Some(false) => ("down", "down"),
        None => ("new", "not polled yet"),
    };
    write!(
        page,
        "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"{class}\">{state}<td>{}<td>{}<td>{}<td>{}<td>{}",
        Escaped(&cell.cell.source),
        Escaped(cell.cell.kind),
        Escaped(&cell.cell.region),
        Escaped(&cell.cell.project),
        Ago(now, cell.last_poll),
        Span(cell.took),
        cell.last_result.map_or("", |result| result.name()),
        Ago(now, cell.last_success),
        Ago(now, cell.watermark),
    )?;
    page.write_str("<td class=\"n\">")?;
    if let Some(backlog) = cell.backlog {
        write!(page, "{backlog}")?;
    }
    writeln!(page, "<td class=\"n\">{}<td>{}</tr>", cell.tasks, Escaped(&cell.message))
}

/// The same as JSON. Times are RFC 3339, durations seconds; what is not known is null.
pub(super) fn json(status: &Status) -> String {
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
    let cells: Vec<Value> = status
        .cells
        .iter()
        .map(|cell| {
            json!({
                "source": &*cell.cell.source,
                "kind": cell.cell.kind,
                "region": &*cell.cell.region,
                "project": &*cell.cell.project,
                "up": cell.up,
                "last_poll": time(cell.last_poll),
                "last_result": cell.last_result.map(|result| result.name()),
                "took_seconds": cell.took.map(|took| took.as_secs_f64()),
                "last_success": time(cell.last_success),
                "watermark": time(cell.watermark),
                "backlog": cell.backlog,
                "tasks": cell.tasks,
                "message": cell.message,
            })
        })
        .collect();
    let endpoints: Vec<Value> = status
        .endpoints
        .iter()
        .map(|endpoint| {
            json!({
                "account": endpoint.account,
                "host": endpoint.host,
                "breaker": endpoint.breaker.name(),
            })
        })
        .collect();
    let whole = json!({
        "version": status.version,
        "started": status.started.to_string(),
        "now": status.now.to_string(),
        "ready": status.ready,
        "series": status.series,
        "cells": cells,
        "endpoints": endpoints,
    });
    format!("{whole}\n")
}

/// A text from outside inside HTML text or an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A duration in its two largest units; nothing where it is not known.
struct Span(Option<Duration>);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(span) = self.0 else { return Ok(()) };
        let secs = span.as_secs();
        match secs {
            0 => write!(f, "{} ms", span.as_millis()),
            1..60 => write!(f, "{secs} s"),
            60..3600 => write!(f, "{} min {} s", secs / 60, secs % 60),
            3600..86_400 => write!(f, "{} h {} min", secs / 3600, secs % 3600 / 60),
            _ => write!(f, "{} d {} h", secs / 86_400, secs % 86_400 / 3600),
        }
    }
}

/// How long ago something was, with the time itself to hover over. A time ahead of the clock is no time ago.
struct Ago(Timestamp, Option<Timestamp>);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.1 else { return Ok(()) };
        let ago = self.0.since(at).unwrap_or_default();
        write!(f, "<span title=\"{at}\">{} ago</span>", Span(Some(ago)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CellKey, Reason};
    use sha2::{Digest, Sha256};

    fn status() -> Status {
        let now = Timestamp::from_secs(1_763_726_400);
        let cell = CellStatus {
            cell: CellKey {
                kind: "tat",
                source: "a<script>alert(1)</script>".into(),
                region: "ap-guangzhou".into(),
                project: "\"'&".into(),
            },
            up: Some(false),
            last_poll: Some(now.minus(Duration::from_secs(75))),
            last_result: Some(Reason::Auth),
            took: Some(Duration::from_millis(250)),
            last_success: None,
            watermark: Some(now.plus(Duration::from_secs(5))),
            backlog: Some(3),
            tasks: 7,
            message: "</td><img src=x onerror=alert(1)>\u{1b}[31m".into(),
        };
        let started = now.minus(Duration::from_secs(90_000));
        let endpoint = EndpointStatus {
            account: "main".into(),
            host: "<b>.example.com".into(),
            breaker: BreakerState::Open,
        };
        Status {
            version: "1.2.3",
            started,
            now,
            ready: true,
            series: 42,
            cells: vec![cell],
            endpoints: vec![endpoint],
        }
    }

    #[test]
    fn names_and_messages_are_inert() {
        let page = html(&status());
        for part in ["<script", "<img", "</td>", "\u{1b}", "\"'&<"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("a&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("&quot;&#39;&amp;"));
        assert!(page.contains("up 1 d 1 h, ready, 42 series"));
        assert!(page.contains(">1 min 15 s ago<"));
        assert!(page.contains("<td>250 ms<td>auth<td><td>"));
        assert!(page.contains("<tr><td>main<td>&lt;b&gt;.example.com<td class=\"down\">open: "));
    }

    #[test]
    fn json_tells_the_same() {
        let read: Value = serde_json::from_str(&json(&status())).unwrap();
        let cell = &read["cells"][0];
        assert_eq!(read["version"], "1.2.3");
        assert_eq!(cell["up"], false);
        assert_eq!(cell["last_result"], "auth");
        assert_eq!(cell["last_success"], Value::Null);
        assert_eq!(cell["last_poll"], "2025-11-21T11:58:45.000Z");
        assert_eq!(cell["took_seconds"], 0.25);
        assert_eq!(cell["backlog"], 3);
        assert_eq!(read["endpoints"][0]["host"], "<b>.example.com");
        assert_eq!(read["endpoints"][0]["breaker"], "open");
        assert!(cell["message"].as_str().unwrap().starts_with("</td>"));
    }

    #[test]
    fn the_policy_names_the_style_sheet() {
        let hash = base64(&Sha256::digest(STYLE));
        assert!(CONTENT_SECURITY_POLICY.contains(&format!("'sha256-{hash}'")), "the right hash is {hash}");
        assert!(html(&status()).contains(&format!("<style>{STYLE}</style>")));
    }

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let bits =
                group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
            for digit in 0..4 {
                match digit <= group.len() {
                    true => text.push(DIGITS[bits >> (18 - 6 * digit) & 63] as char),
                    false => text.push('='),
                }
            }
        }
        text
    }
}
