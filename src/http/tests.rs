//! A real server on a real socket, and clients that behave and misbehave.

mod holding;

use super::{Exposition, Limits, Page, Refused, Reload, Server, Wanted};
use crate::model::{Status, Timestamp};
use bytes::Bytes;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Longer than anything here may take on a machine under load.
const PATIENCE: Duration = Duration::from_secs(30);
/// A deadline short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);
const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_CLOSE: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

struct Fixed {
    chunks: Vec<Bytes>,
    ready: AtomicBool,
    scraped: Mutex<Vec<u16>>,
    refused: Mutex<Vec<Refused>>,
    told: Notify,
}

impl Fixed {
    fn new(chunks: Vec<Bytes>) -> Arc<Self> {
        Arc::new(Self {
            chunks,
            ready: AtomicBool::new(false),
            scraped: Mutex::default(),
            refused: Mutex::default(),
            told: Notify::new(),
        })
    }

    fn small() -> Arc<Self> {
        Self::new(vec![Bytes::from_static(b"a 1\n"), Bytes::from_static(b"b 2\n")])
    }

    /// More than loopback sockets hold, so that a client that does not read is felt.
    fn large() -> Arc<Self> {
        Self::new(vec![Bytes::from(vec![b'#'; 1 << 20]); 64])
    }

    /// The bytes of its exposition.
    fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// Waits until as many scrapes were told of.
    async fn scraped(&self, count: usize) -> Vec<u16> {
        let enough = async {
            loop {
                let told = self.told.notified();
                let codes = self.scraped.lock().unwrap().clone();
                if codes.len() >= count {
                    return codes;
                }
                told.await;
            }
        };
        timeout(PATIENCE, enough).await.unwrap()
    }
}

impl Page for Fixed {
    fn metrics(&self, _: Wanted) -> Exposition {
        Exposition::new(self.chunks.clone())
    }
    fn ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
    fn healthy(&self) -> bool {
        true
    }
    fn status(&self) -> Status {
        let now = Timestamp::from_secs(1_763_726_400);
        Status {
            version: "1.2.3",
            started: now,
            now,
            ready: self.ready(),
            series: 2,
            cells: Vec::new(),
            endpoints: Vec::new(),
            hung: None,
            quotas: Vec::new(),
            credentials: Vec::new(),
        }
    }
    fn scraped(&self, code: u16, _: Duration) {
        self.scraped.lock().unwrap().push(code);
        self.told.notify_waiters();
    }
    fn refused(&self, refused: Refused) {
        self.refused.lock().unwrap().push(refused);
    }
}

fn serve_with(page: &Arc<Fixed>, reload: Option<Reload>, limits: Limits) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = Arc::clone(page) as Arc<dyn Page>;
    let server = Server::start(vec![listener], page, reload, limits).unwrap();
    let address = server.addresses()[0];
    (server, address)
}

fn serve(page: &Arc<Fixed>, limits: Limits) -> (Server, SocketAddr) {
    serve_with(page, None, limits)
}

async fn connect(address: SocketAddr, request: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    stream
}

/// Everything until the server closes, however it does.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("the server never closes") {
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer to a request that closes the connection.
async fn ask(address: SocketAddr, request: &str) -> String {
    rest(&mut connect(address, request).await).await
}

async fn fetch(address: SocketAddr, method: &str, path: &str) -> String {
    ask(address, &format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

/// Reads one whole answer of known length and leaves the connection open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        let read = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

fn code(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test]
async fn pages_answer_with_length_and_type() {
    let page = Fixed::small();
    let (_server, address) = serve(&page, Limits::default());
    let metrics = fetch(address, "GET", "/metrics?x=1").await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(metrics.contains("content-length: 8\r\n") && metrics.contains("x-content-type-options: nosniff"));
    assert!(metrics.ends_with("\r\n\r\na 1\nb 2\n"));
    assert_eq!(page.scraped(1).await, [200]);

    let html = fetch(address, "GET", "/").await;
    assert!(
        html.contains("content-type: text/html")
            && html.contains("content-security-policy: default-src 'none'")
    );
    let json = fetch(address, "GET", "/api/v1/status").await;
    assert!(json.contains("content-type: application/json") && json.contains("\"version\":\"1.2.3\""));
    assert_eq!(code(&fetch(address, "GET", "/-/healthy").await), "200");
    assert_eq!(code(&fetch(address, "GET", "/-/ready").await), "503");
    page.ready.store(true, Ordering::SeqCst);
    assert_eq!(code(&fetch(address, "GET", "/-/ready").await), "200");
}

#[tokio::test]
async fn head_tells_the_same_without_the_body() {
    let (_server, address) = serve(&Fixed::small(), Limits::default());
    for path in ["/metrics", "/", "/-/ready"] {
        let (get, head) = (fetch(address, "GET", path).await, fetch(address, "HEAD", path).await);
        let headers = |answer: &str| {
            let head = answer.split_once("\r\n\r\n").unwrap().0;
            let mut lines: Vec<_> =
                head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(headers(&get), headers(&head));
        assert!(head.ends_with("\r\n\r\n"), "{head}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let (_server, address) = serve(&Fixed::small(), Limits::default());
    for method in ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "FOO"] {
        let refusal = fetch(address, method, "/metrics").await;
        assert_eq!(code(&refusal), "405", "{method}");
        assert!(refusal.contains("allow: GET, HEAD\r\n"));
    }
    let long = format!("/{}", "x".repeat(10_000));
    for path in ["/metrics/", "//metrics", "/%6detrics", "/../metrics", "/-", "/metricsx", &long] {
        assert_eq!(code(&fetch(address, "GET", path).await), "404", "{path}");
    }
}

#[tokio::test]
async fn odd_headers_change_nothing() {
    let (_server, address) = serve(&Fixed::small(), Limits::default());
    let long = "a/b,".repeat(1000);
    for header in [
        "Accept: */*;q=0",
        "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        "Accept: text/plain;version=9.9.9",
        &format!("Accept: {long}"),
        "Accept-Encoding: identity;q=0",
        "X-Prometheus-Scrape-Timeout-Seconds: nan",
        "X-Prometheus-Scrape-Timeout-Seconds: -1",
    ] {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n");
        let metrics = ask(address, &request).await;
        assert!(
            metrics.contains("text/plain; version=0.0.4") && metrics.ends_with("b 2\n"),
            "{header}: {metrics}"
        );
    }
}

#[tokio::test]
async fn what_a_scraper_asks_for_is_what_the_answer_says() {
    let (_server, address) = serve(&Fixed::small(), Limits::default());
    for (method, headers, kind, packed) in [
        (
            "GET",
            "Accept: application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            false,
        ),
        (
            "HEAD",
            "Accept: text/plain\r\nAccept-Encoding: gzip",
            "text/plain; version=0.0.4; charset=utf-8",
            true,
        ),
        (
            "GET",
            "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited\r\nAccept-Encoding: gzip;q=0",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            false,
        ),
    ] {
        let request =
            format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n");
        let answer = ask(address, &request).await;
        assert!(answer.contains(&format!("content-type: {kind}\r\n")), "{headers}: {answer}");
        assert_eq!(answer.contains("content-encoding: gzip\r\n"), packed, "{headers}: {answer}");
        assert!(answer.contains("vary: Accept, Accept-Encoding\r\n"), "{answer}");
        assert_eq!(answer.ends_with("b 2\n"), method == "GET", "{answer}");
    }
}

#[tokio::test]
async fn reload_answers_as_it_went() {
    let page = Fixed::small();
    let (_off, address) = serve(&page, Limits::default());
    let refusal = fetch(address, "POST", "/-/reload").await;
    assert_eq!(code(&refusal), "403");
    assert!(refusal.contains("enable_reload"), "{refusal}");

    let good = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&good);
    let reload: Reload = Box::new(move || {
        let good = seen.load(Ordering::SeqCst);
        Box::pin(async move {
            if good {
                Ok("sources added: b".to_owned())
            } else {
                Err("sources.a: unknown account".to_owned())
            }
        })
    });
    let (_on, address) = serve_with(&page, Some(reload), Limits::default());
    for method in ["POST", "PUT"] {
        let taken = fetch(address, method, "/-/reload").await;
        assert!(code(&taken) == "200" && taken.ends_with("reloaded: sources added: b\n"), "{taken}");
    }
    good.store(false, Ordering::SeqCst);
    let failed = fetch(address, "POST", "/-/reload").await;
    assert!(code(&failed) == "500" && failed.contains("sources.a: unknown account"), "{failed}");
    let get = fetch(address, "GET", "/-/reload").await;
    assert!(code(&get) == "405" && get.contains("allow: POST"), "{get}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let (_server, address) = serve(&Fixed::small(), Limits::default());
    let mut stream = connect(address, GET).await;
    for _ in 0..3 {
        assert!(answer(&mut stream).await.ends_with("b 2\n"));
        stream.write_all(GET.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn slow_silent_and_idle_clients_are_closed() {
    let limits = Limits { header_timeout: SHORT, idle_timeout: SHORT, ..Limits::default() };
    let (_server, address) = serve(&Fixed::small(), limits);
    let began = Instant::now();
    for first in ["", "GET /metrics HTTP/1.1\r\nHost:", GET] {
        let mut stream = connect(address, first).await;
        if first == GET {
            answer(&mut stream).await;
        }
        rest(&mut stream).await;
    }
    // A byte now and then does not buy more time.
    let mut stream = connect(address, "GET /metrics HTTP/1.1\r\n").await;
    let dripping = async {
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    timeout(PATIENCE, dripping).await.unwrap();
    assert!(began.elapsed() >= 4 * SHORT);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_and_its_place_freed() {
    let page = Fixed::large();
    let limits = Limits { response_timeout: SHORT, max_concurrent_scrapes: 1, ..Limits::default() };
    let (server, address) = serve(&page, limits);
    let mut stalled = connect(address, GET).await;
    assert_eq!(page.scraped(1).await, [200]);
    assert!((rest(&mut stalled).await.len() as u64) < page.len());
    assert!(server.stop(PATIENCE).await);
}

#[tokio::test]
async fn too_many_scrapes_are_told_to_come_again() {
    let page = Fixed::large();
    let limits = Limits { max_concurrent_scrapes: 2, ..Limits::default() };
    let (_server, address) = serve(&page, limits);
    let mut first = connect(address, GET_CLOSE).await;
    let second = connect(address, GET_CLOSE).await;
    // Once the first bytes are there, the places are taken.
    for stream in [&first, &second] {
        timeout(PATIENCE, stream.readable()).await.unwrap().unwrap();
    }
    let refused = fetch(address, "GET", "/metrics").await;
    assert!(code(&refused) == "503" && refused.contains("retry-after: 5\r\n"), "{refused}");
    assert_eq!(page.scraped(1).await, [503]);
    // Whoever looks what is the matter sees it.
    for path in ["/", "/api/v1/status", "/-/healthy"] {
        assert_eq!(code(&fetch(address, "GET", path).await), "200", "{path}");
    }

    drop(second);
    assert_eq!(rest(&mut first).await.len() as u64 / page.len(), 1);
    assert_eq!(page.scraped(3).await, [503, 200, 200]);
    assert_eq!(code(&fetch(address, "GET", "/").await), "200");
}

#[tokio::test]
async fn one_listener_without_visitors_leaves_the_places_to_the_others() {
    let listeners: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let server = Server::start(listeners, Fixed::small(), None, limits).unwrap();
    for address in server.addresses() {
        assert_eq!(code(&fetch(*address, "GET", "/metrics").await), "200");
    }
}

#[tokio::test]
async fn a_stop_finishes_the_scrape_under_way() {
    let page = Fixed::large();
    // Idle connections must go because of the stop, not because they were idle for long.
    let (server, address) = serve(&page, Limits { header_timeout: 2 * PATIENCE, ..Limits::default() });
    let mut reading = connect(address, GET).await;
    let mut idle = connect(address, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await;
    answer(&mut idle).await;
    let silent = connect(address, "").await;
    timeout(PATIENCE, reading.readable()).await.unwrap().unwrap();

    let stopping = tokio::spawn(server.stop(PATIENCE));
    // The idle connection goes first: then the server is draining, and nobody gets in any more.
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!stopping.is_finished());
    assert!(rest(&mut reading).await.len() as u64 > page.len());
    assert!(timeout(PATIENCE, stopping).await.unwrap().unwrap());
    drop(silent);
}

#[tokio::test]
async fn a_stop_cuts_what_is_left_after_the_grace() {
    let page = Fixed::large();
    let (server, address) = serve(&page, Limits::default());
    let mut stalled = connect(address, GET).await;
    timeout(PATIENCE, stalled.readable()).await.unwrap().unwrap();
    assert!(!server.stop(SHORT).await);
    assert!((rest(&mut stalled).await.len() as u64) < page.len());
}

#[tokio::test]
async fn malformed_requests_are_refused_and_harm_nobody() {
    let page = Fixed::small();
    let (_server, address) = serve(&page, Limits { header_timeout: SHORT, ..Limits::default() });
    let huge = format!("GET /metrics HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(64 * 1024));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000));
    for (request, refusal) in [
        (&b"GET\r\n\r\n"[..], "400"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"GET /metrics HTTP/0.9\r\n\r\n", "400"),
        (b"GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nbad header\r\n\r\n", "400"),
        (b"GET /met\x00rics HTTP/1.1\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"),
        (b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n", "400"),
        (huge.as_bytes(), "431"),
        (many.as_bytes(), "431"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let sent = stream.write_all(request).await;
        let answer = rest(&mut stream).await;
        // A server that closes before it has read all may take its answer away with a reset.
        let reset = request.len() > 4096 && (sent.is_err() || answer.is_empty());
        assert!(reset || code(&answer) == refusal, "{:?}: {answer}", &request[..request.len().min(60)]);
    }
    let smuggled =
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
        0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = rest(&mut connect(address, smuggled).await).await;
    assert!(!answer.contains("a 1\n"), "a request hidden in another was answered: {answer}");
    assert_eq!(code(&fetch(address, "GET", "/metrics").await), "200");
}

#[tokio::test]
async fn many_scrapes_at_once_see_the_same_whole() {
    let page = Fixed::small();
    let (_server, address) = serve(&page, Limits { max_connections: 8, ..Limits::default() });
    let mut scrapes = tokio::task::JoinSet::new();
    for _ in 0..200 {
        scrapes.spawn(async move { ask(address, GET_CLOSE).await });
    }
    while let Some(answer) = scrapes.join_next().await {
        assert!(answer.unwrap().ends_with("\r\n\r\na 1\nb 2\n"));
    }
    assert_eq!(page.scraped(200).await, [200; 200]);
}
