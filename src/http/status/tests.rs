use super::*;
use crate::model::{
    BreakerState, CellKey, CellStatus, EndpointStatus, Failure, PollTrace, QuotaStatus, Reason, Status,
    Timestamp,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

fn status() -> Status {
    let now = Timestamp::from_secs(1_763_726_400);
    let hostile = "</td><img src=x onerror=alert(1)>\u{1b}[31m";
    let failure =
        Failure { at: now.minus(Duration::from_secs(75)), reason: Reason::Auth, message: hostile.into() };
    let poll = PollTrace {
        began: now.minus(Duration::from_secs(80)),
        took: Duration::from_millis(250),
        result: Reason::Auth,
        requests: 17,
        records: 23,
    };
    let cell = CellStatus {
        cell: CellKey {
            kind: "tat",
            source: "a<script>alert(1)</script>".into(),
            region: "ap-guangzhou".into(),
            project: "\"'&".into(),
        },
        up: Some(false),
        last_poll: Some(now.minus(Duration::from_secs(75))),
        next_poll: Some(now.plus(Duration::from_secs(12))),
        last_result: Some(Reason::Auth),
        took: Some(Duration::from_millis(250)),
        last_success: None,
        watermark: Some(now.plus(Duration::from_secs(5))),
        backlog: Some(3),
        tasks: 7,
        message: hostile.into(),
        last_error: Some(Arc::new(failure)),
        trail: Arc::new([poll; 3]),
    };
    let endpoint = EndpointStatus {
        account: "main".into(),
        host: "<b>.example.com".into(),
        breaker: BreakerState::Open,
    };
    let quota = QuotaStatus {
        account: "main<i>".into(),
        service: "tat".into(),
        action: "DescribeInvocations".into(),
        last_minute: 120,
        peak_per_second: 15,
        allowed_per_second: Some(16.0),
    };
    Status {
        version: "1.2.3",
        started: now.minus(Duration::from_secs(90_000)),
        now,
        ready: true,
        hung: None,
        series: 42,
        cells: vec![cell],
        endpoints: vec![endpoint],
        quotas: vec![quota],
        credentials: vec![("<u>role".into(), now.plus(Duration::from_secs(5400)))],
    }
}

#[test]
fn names_and_messages_are_inert() {
    let page = html(&Status { hung: Some("<s>the keeper".into()), ..status() });
    for part in ["<script", "<img", "</td>", "\u{1b}", "\"'&", "<b>.ex", "main<i>", "<u>", "<s>"] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains("a&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&quot;&#39;&amp;"));
}

#[test]
fn a_cell_shows_polls_past_and_to_come_what_is_wrong_and_what_it_cost() {
    let page = html(&status());
    for part in [
        "up 1 d 1 h, ready",
        "<section class=\"cell down\">",
        ">1 min 15 s ago</span>, took 250 ms",
        ">in 12 s</span>",
        "<dt>Left to read<dd>3<",
        "<span class=\"tag\">auth</span>",
        "<p class=\"said\">&lt;/td&gt;&lt;img",
        "<td class=\"bad\">auth<td class=\"n\">17<td class=\"n\">23</tr>",
        "<td>tat DescribeInvocations<td class=\"n\">120<td class=\"n warn\">15<td class=\"n\">16.0</tr>",
        "<td class=\"bad\">open: ",
        "<td class=\"good\"><span title=\"2025-11-21T13:30:00.000Z\">in 1 h 30 min</span></tr>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("class=\"alarm\""));
    // What is over is told as such.
    let mut well = status();
    (well.cells[0].last_result, well.cells[0].message) = (Some(Reason::Ok), String::new());
    let page = html(&well);
    assert!(
        page.contains("cell up")
            && page.contains("Last trouble <span")
            && page.contains("ago</span>: auth, &lt;")
    );
}

#[test]
fn a_page_of_thousands_of_cells_stays_small_and_shows_the_worst_first() {
    let mut many = status();
    let mut good = many.cells[0].clone();
    (good.last_result, good.message, good.trail) =
        (Some(Reason::Ok), String::new(), Arc::new([good.trail[0]; 20]));
    let bad = std::mem::replace(&mut many.cells[0], good.clone());
    many.cells.extend(std::iter::repeat_n(good, 5000));
    many.cells.push(bad);
    let page = html(&many);
    assert!(page.len() < 1_200_000, "{} bytes", page.len());
    assert!(page.find("cell down").unwrap() < page.find("cell up").unwrap());
    assert!(page.contains("And 4502 more"));
}

#[test]
fn json_tells_the_same() {
    let read: Value = serde_json::from_str(&json(&status())).unwrap();
    let cell = &read["cells"][0];
    assert_eq!(read["version"], "1.2.3");
    assert_eq!((&read["healthy"], &read["hung"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(cell["up"], false);
    assert_eq!(cell["last_result"], "auth");
    assert_eq!(cell["last_success"], Value::Null);
    assert_eq!(cell["last_poll"], "2025-11-21T11:58:45.000Z");
    assert_eq!(cell["next_poll"], "2025-11-21T12:00:12.000Z");
    assert_eq!(cell["took_seconds"], 0.25);
    assert_eq!(cell["backlog"], 3);
    assert_eq!(cell["last_error"]["class"], "auth");
    assert_eq!((&cell["polls"][2]["requests"], &cell["polls"][2]["records"]), (&17.into(), &23.into()));
    assert_eq!(read["quotas"][0]["allowed_per_second"], 16.0);
    assert_eq!(read["credentials"][0]["expires"], "2025-11-21T13:30:00.000Z");
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
