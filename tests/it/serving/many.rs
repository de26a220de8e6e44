//! Many at once, and a page that changes under them.

use super::site::{PATIENCE, SCRAPE, Site, ask};
use crate::page::Page;
use crate::rig::{Rig, source};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskrun_exporter::app::page::LivePage;
use taskrun_exporter::http::{Limits, Server};
use taskrun_exporter::model::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_scrapes_are_answered_or_told_to_come_again() {
    let body = "x 1\n".repeat(4096);
    let site = Arc::new(Site::open(body.clone(), Limits::default()));
    let mut scrapes = JoinSet::new();
    for _ in 0..100 {
        let (site, body) = (Arc::clone(&site), body.clone());
        scrapes.spawn(async move {
            let mut good = 0;
            for _ in 0..100 {
                let answer = ask(site.address, SCRAPE).await;
                let busy = answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: ");
                let whole = answer.starts_with("HTTP/1.1 200") && answer.ends_with(&body);
                assert!(busy || whole, "{}", &answer[..answer.len().min(200)]);
                good += usize::from(whole);
            }
            good
        });
    }
    let good: usize = scrapes.join_all().await.into_iter().sum();
    assert!(good > 9_000, "{good} of 10,000");
}

/// What `make hold` does with 10,000, small enough for every day.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_held_connections_keep_nobody_from_scraping() {
    const HELD: usize = 1000;
    let limits = Limits { max_connections: 64, header_timeout: Duration::from_secs(2), ..Limits::default() };
    let site = Site::open("x 1\n", limits);
    let began = Instant::now();
    let mut held = JoinSet::new();
    for n in 0..HELD {
        let address = site.address;
        held.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Never a byte; the beginning of a request; a request that gets nothing.
            let begun = ["", "GET /metrics HTTP/1.1\r\nHost:", "GET /no HTTP/1.1\r\nHost: x\r\n\r\n"][n % 3];
            stream.write_all(begun.as_bytes()).await.ok();
            timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("held on").ok();
        });
    }
    for _ in 0..50 {
        assert!(ask(site.address, SCRAPE).await.ends_with("x 1\n"));
    }
    held.join_all().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_sees_the_page_before_or_after_a_swap_and_no_mixture() {
    let bodies = ["a 1\n".repeat(100_000), "b 2\n".repeat(120_000)];
    let site = Arc::new(Site::open(bodies[0].clone(), Limits::default()));
    let done = Arc::new(AtomicBool::new(false));
    let (swapped, ended, pages) = (Arc::clone(&site), Arc::clone(&done), bodies.clone());
    let swapping = tokio::task::spawn_blocking(move || {
        let mut swaps = 0;
        while !ended.load(Ordering::Relaxed) {
            swaps += 1;
            *swapped.page.0.lock().unwrap() = pages[swaps % 2].clone().into();
        }
        swaps
    });
    for _ in 0..100 {
        let answer = ask(site.address, SCRAPE).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(bodies.iter().any(|whole| whole == body), "{} bytes", body.len());
    }
    done.store(true, Ordering::Relaxed);
    assert!(swapping.await.unwrap() > 100);
}

/// A server with the pages of an exporter that has not polled yet.
async fn fresh() -> (Rig, Server, std::net::SocketAddr) {
    let rig = Rig::start(&source("tat"), 1).await;
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let page = LivePage::new(rig.keeper.clone(), Arc::clone(&rig.own), clock);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(vec![listener], Arc::new(page), None, Limits::default()).unwrap();
    let address = server.addresses()[0];
    (rig, server, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_poll_there_is_a_page_without_tasks() {
    let (_rig, _server, address) = fresh().await;
    let answer = ask(address, SCRAPE).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let page = Page::read(body);
    assert_eq!(page.value("taskrun_exporter_build_info", &[]), Some(1.0));
    let told: BTreeSet<&str> = page.samples.iter().map(|sample| sample.name.as_str()).collect();
    let own = ["taskrun_exporter_", "taskrun_api_", "taskrun_credentials_", "process_"];
    for name in told {
        assert!(own.iter().any(|own| name.starts_with(own)), "{name} before anything was polled");
    }
    // Ready is who has loaded what is remembered and built a page of it: a cloud that is down keeps nobody unready.
    for path in ["/-/ready", "/-/healthy"] {
        assert!(ask(address, &SCRAPE.replace("/metrics", path)).await.starts_with("HTTP/1.1 200"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_a_series() {
    let (_rig, _server, address) = fresh().await;
    let series = || async {
        let answer = ask(address, SCRAPE).await;
        let page = Page::read(answer.split_once("\r\n\r\n").unwrap().1);
        let series: BTreeSet<String> =
            page.samples.iter().map(|sample| format!("{}{:?}", sample.name, sample.labels)).collect();
        series
    };
    ask(address, SCRAPE).await;
    let before = series().await;
    for method in ["POST", "PUT", "TRACE", "FOO", "OPTIONS", "get"] {
        for path in ["/metrics", "/nowhere", "/%2e%2e/x", "/-/reload", "/metrics?a=b"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-{method}: y\r\nConnection: close\r\n\r\n");
            ask(address, &request).await;
        }
    }
    ask(address, "\x16\x03\x01garbage\r\n\r\n").await;
    assert_eq!(series().await, before);
}
