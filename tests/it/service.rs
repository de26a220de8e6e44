//! What an operator trusts the running daemon with: reloads, a quick start, a log that nobody reads, a clean end.

use crate::cli::{Daemon, ask, config, eventually, exporter, get, signal};
use crate::clouds::{TestClouds, clouds};
use crate::page::Page;
use std::io::{Read, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Sends a POST without a body.
fn post(address: SocketAddr, path: &str) -> (u16, String) {
    ask(
        address,
        &format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_over_http_says_what_changed_and_is_all_or_nothing() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 8, "").await;
    let file = config(&running.addr.to_string(), "");
    let test = move || {
        let start = |enabled: &str| {
            let mut command = exporter();
            command.env("TASKRUN_WEB__ENABLE_RELOAD", enabled).args(["run", "--config", file.path()]);
            Daemon::start(&mut command)
        };
        let mut off = start("false");
        assert_eq!(post(off.address(), "/-/reload").0, 403);
        off.signal("-TERM");
        assert_eq!(off.ended(), Some(0));

        let daemon = start("true");
        let address = daemon.address();
        eventually("polled", || get(address, "/api/v1/status").1.contains("\"last_result\":\"ok\""));
        assert!(post(address, "/-/reload").1.contains("nothing has changed; polled on without a break: 1"));
        let good = std::fs::read_to_string(file.path()).unwrap();
        let source = good[good.find("[sources.").unwrap()..].replace("commands", "more");
        let both = format!("{good}\n{source}").replace("\"2s\"", "\"2s\"\nbudget = 0.5");
        std::fs::write(file.path(), &both).unwrap();
        // Both at once: one after the other is answered, and both tell the truth.
        let second = std::thread::spawn(move || post(address, "/-/reload"));
        let (first, second) = (post(address, "/-/reload"), second.join().unwrap());
        assert_eq!((first.0, second.0), (200, 200), "{first:?} {second:?}");
        let told = format!("{}{}", first.1, second.1);
        assert!(told.contains("added: sources.more; changed: accounts.main.budget;"), "{told}");
        assert!(told.contains("nothing has changed; polled on without a break: 2"), "{told}");
        eventually("the new source", || get(address, "/").1.contains("<h3>more"));

        for (broken, said) in [
            (both.replace("kind = \"tat\"", "kind = \"tta\""), "did you mean"),
            (
                both.replace("[\"127.0.0.1:0\"]", "[\"127.0.0.1:1\"]"),
                "web.listen: cannot change while running",
            ),
            ("[".to_owned(), "config"),
        ] {
            std::fs::write(file.path(), broken).unwrap();
            let refused = post(address, "/-/reload");
            assert!(refused.0 == 500 && (refused.1.contains(said) || said == "config"), "{refused:?}");
            assert!(get(address, "/").1.contains("<h3>more"), "all goes on as before");
        }
        let page = Page::read(&get(address, "/metrics").1);
        assert_eq!(page.value("taskrun_exporter_config_last_reload_successful", &[]), Some(0.0));
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}

#[test]
fn it_serves_within_a_second_of_its_start_with_every_upstream_down() {
    // Nobody listens there.
    let file = config("127.0.0.1:1", "");
    // The best of three: the machine may be busy.
    let fastest = (0..3).map(|_| {
        let began = Instant::now();
        let mut daemon = Daemon::start(exporter().args(["run", "--config", file.path()]));
        let address = daemon.address();
        assert_eq!((get(address, "/metrics").0, get(address, "/-/ready").0), (200, 200));
        let took = began.elapsed();
        daemon.signal("-TERM");
        assert_eq!(daemon.ended(), Some(0));
        took
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

/// Ends with the test, however that ends.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_delays_no_poll_no_scrape_and_no_end() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 8, "").await;
    let file = config(&running.addr.to_string(), "[log]\nlevel = \"trace\"\n");
    let test = move || {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let mut command = exporter();
        command.args(["run", "--config", file.path()]).stderr(Stdio::from(writer.try_clone().unwrap()));
        let mut daemon = Reaped(command.spawn().unwrap());
        drop(command);
        let address = address_in(&mut reader);
        // From here on the pipe is full: whoever writes to it waits, this thread first of all.
        let filling = std::thread::spawn(move || writer.write_all(&vec![b'x'; 1 << 21]));
        let polls = || Page::read(&get(address, "/metrics").1).sum("taskrun_source_polls_total", &[]);
        let before = polls();
        eventually("polls go on", || polls() >= before + 3.0);
        let began = Instant::now();
        (0..20).for_each(|_| assert_eq!(get(address, "/metrics").0, 200));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert!(!filling.is_finished(), "the pipe was never full");
        assert!(signal("-TERM", &daemon.0.id().to_string()));
        let until = Instant::now() + Duration::from_secs(10);
        let status = loop {
            if let Some(status) = daemon.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "waits for its log's reader");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0));
        drop(reader);
        assert!(filling.join().unwrap().is_err());
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}

/// Reads a log as far as the line that says where is served, and not a byte more.
fn address_in(log: &mut impl Read) -> SocketAddr {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        log.read_exact(&mut byte).unwrap();
        if byte != *b"\n" {
            line.push(byte[0]);
            continue;
        }
        let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
        if let Some((_, address)) = text.split_once("address=").filter(|_| text.contains("serving metrics")) {
            return address.trim().parse().unwrap();
        }
    }
}
