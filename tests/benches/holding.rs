//! Connections that are held open, and what a good scrape takes meanwhile.
//!
//! 10,000 clients at once: silent, with the beginning of a request, with a byte of it now and then, with an answer
//! that is never read, with a good answer and then nothing. Printed: how long until the server has closed those that had
//! earned nothing, and the scrapes' times without and with them. Times are of this machine; the ratio is what tells.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends where it cannot be set up"
)]

use bytes::Bytes;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use taskrun_exporter::http::{Exposition, Limits, Page, Server, Wanted};
use taskrun_exporter::model::{Status, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const HELD: usize = 10_000;
/// A page of 2,000 tasks, packed.
const PAGE: usize = 256 * 1024;
const HOLDERS: [&str; 5] = ["silent", "begun", "dripping", "not reading", "idle after an answer"];

struct Ready(Bytes);

impl Page for Ready {
    fn metrics(&self, _: Wanted) -> Exposition {
        self.0.clone().into()
    }
    fn ready(&self) -> bool {
        true
    }
    fn healthy(&self) -> bool {
        true
    }
    fn status(&self) -> Status {
        let now = Timestamp::from_secs(0);
        Status {
            version: "",
            started: now,
            now,
            ready: true,
            hung: None,
            series: 0,
            cells: Vec::new(),
            endpoints: Vec::new(),
            quotas: Vec::new(),
            credentials: Vec::new(),
        }
    }
    fn scraped(&self, _: u16, _: Duration) {}
}

/// One scrape on a connection of its own: how long it took, if it was whole.
async fn scrape(address: SocketAddr) -> Option<Duration> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    (answer.len() > PAGE).then(|| began.elapsed())
}

async fn scrapes(address: SocketAddr, count: usize) -> Vec<Option<Duration>> {
    let mut took = Vec::new();
    for _ in 0..count {
        took.push(scrape(address).await);
        sleep(Duration::from_millis(10)).await;
    }
    took
}

fn tell(what: &str, took: &[Option<Duration>]) -> Duration {
    let mut good: Vec<Duration> = took.iter().flatten().copied().collect();
    good.sort();
    let at = |share: usize| good.get(good.len() * share / 100).or(good.last()).copied().unwrap_or_default();
    println!("{what}: {} of {} good, p50 {:?}, p99 {:?}", good.len(), took.len(), at(50), at(99));
    at(99)
}

/// Holds a connection in one of the ways until the server closes it.
async fn hold(address: SocketAddr, way: usize, open: &AtomicUsize) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let began = Instant::now();
    open.fetch_add(1, Ordering::Relaxed);
    let said: &[u8] = match way {
        0 => b"",
        1 | 2 => b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        3 => b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        _ => b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    stream.write_all(said).await.ok();
    match way {
        2 => {
            while stream.write_all(b"a").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        }
        // Nothing is read: that the server has gone is seen by writing.
        3 => {
            while stream.write_all(b"\r\n").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        }
        _ => drop(stream.read_to_end(&mut Vec::new()).await),
    }
    open.fetch_sub(1, Ordering::Relaxed);
    Some(began.elapsed())
}

#[tokio::main]
async fn main() {
    let page = Arc::new(Ready(Bytes::from(vec![b'#'; PAGE])));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(vec![listener], page, None, Limits::default()).unwrap();
    let address = server.addresses()[0];
    let alone = tell("scrapes alone", &scrapes(address, 300).await);

    let open = Arc::new(AtomicUsize::new(0));
    let (mut holders, began) = (JoinSet::new(), Instant::now());
    for n in 0..HELD {
        let open = Arc::clone(&open);
        holders.spawn(async move { (n % HOLDERS.len(), hold(address, n % HOLDERS.len(), &open).await) });
    }
    let scraping = tokio::spawn(async move { scrapes(address, 300).await });
    let mut longest = [Duration::ZERO; HOLDERS.len()];
    let mut closed = 0;
    // Those that got an answer may idle, within the places there are.
    let until = Duration::from_secs(30);
    while let Ok(Some(Ok((way, took)))) =
        tokio::time::timeout(until.saturating_sub(began.elapsed()), holders.join_next()).await
    {
        closed += 1;
        longest[way] = longest[way].max(took.unwrap_or_default());
    }
    let beside = tell("scrapes beside", &scraping.await.unwrap());
    println!("ratio of p99: {:.1}", beside.as_secs_f64() / alone.as_secs_f64());
    println!("{closed} of {HELD} closed within {until:?}, {} left", open.load(Ordering::Relaxed));
    for (name, longest) in HOLDERS.iter().zip(longest) {
        println!("longest {name}: {longest:?}");
    }
    holders.abort_all();
    drop(server);
}
