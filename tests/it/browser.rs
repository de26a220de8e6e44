//! The status page in a real browser: names from outside run nothing, and the page's own policy lets it look as it should.

use crate::lint::tool;
use bytes::Bytes;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::http::{Exposition, Limits, Page, Server, Wanted};
use taskrun_exporter::model::{CellKey, CellStatus, Failure, PollTrace, Reason, Status, Timestamp};

/// What would leave a trace in the page, were it anything but text.
const HOSTILE: &str = "</p></title></style><script>document.title='owned'</script>\
    <img src=x onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\">";

struct Hostile;

impl Page for Hostile {
    fn metrics(&self, _: Wanted) -> Exposition {
        Bytes::new().into()
    }
    fn ready(&self) -> bool {
        true
    }
    fn healthy(&self) -> bool {
        true
    }
    fn status(&self) -> Status {
        let now = Timestamp::from_secs(1_763_726_400);
        let key = CellKey {
            kind: "wedata",
            source: HOSTILE.into(),
            region: HOSTILE.into(),
            project: HOSTILE.into(),
        };
        let took = Duration::from_secs(1);
        let poll = PollTrace { began: now, took, result: Reason::Auth, requests: 1, records: 0 };
        let cell = CellStatus {
            cell: key,
            up: Some(false),
            last_poll: Some(now),
            next_poll: Some(now),
            last_result: Some(Reason::Auth),
            took: Some(took),
            last_success: None,
            watermark: None,
            backlog: None,
            tasks: 1,
            message: HOSTILE.into(),
            last_error: Some(Arc::new(Failure { at: now, reason: Reason::Auth, message: HOSTILE.into() })),
            trail: [poll].into(),
        };
        let over = CellStatus { message: String::new(), last_result: Some(Reason::Ok), ..cell.clone() };
        Status {
            version: "0",
            started: now,
            now,
            ready: true,
            hung: Some(HOSTILE.into()),
            series: 1,
            cells: vec![cell, over],
            endpoints: Vec::new(),
            quotas: Vec::new(),
            credentials: vec![(HOSTILE.into(), now)],
        }
    }
    fn scraped(&self, _: u16, _: Duration) {}
}

/// The page as the browser has it in the end, and what it logs.
fn browse(address: SocketAddr) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(tool("CHROMIUM"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{address}/"))
        .stdin(Stdio::null())
        .output()
        .expect("Chromium, which tests/tools.sh installs, starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A server of one page that takes what comes for what it says.
fn careless() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let page = format!("<!doctype html><title>taskrun-exporter</title><p>{HOSTILE}</p>");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            // A browser asks for an icon too, and may be gone by then.
            stream.read(&mut [0; 4096]).unwrap_or_default();
            write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len()).unwrap_or_default();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn names_from_outside_are_text_to_a_browser_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(vec![listener], Arc::new(Hostile), None, Limits::default()).unwrap();
    let address = server.addresses()[0];
    let test = move || {
        let (page, log) = browse(address);
        assert!(page.contains("<title>taskrun-exporter</title>"), "{page} {log}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
        for element in ["<script", "<img", "<svg", "owned</title>"] {
            assert!(!page.contains(element), "{element} in {page}");
        }
        assert!(!log.contains("Content Security Policy"), "the page breaks its own policy: {log}");
        // The browser would have obeyed.
        let (page, log) = browse(careless());
        assert!(page.contains("<title>owned</title>"), "{page} {log}");
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}
