//! What stands before the simulated clouds: STS, which they do not have, and a proxy that wants a password.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use taskrun_exporter::simulator::tc3;

/// Answers STS itself and hands everything else on.
pub(super) struct Front {
    pub(super) address: SocketAddr,
    answered: Arc<AtomicUsize>,
}

impl Front {
    pub(super) fn start(upstream: SocketAddr) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&answered);
        let address = serve(move |head, body, stream| {
            if head.contains("x-tc-action: assumerole") {
                counted.fetch_add(1, Ordering::Relaxed);
                return answer(stream, "200 OK", &sts(head, body));
            }
            forward(upstream, head, body, stream)
        });
        Self { address, answered }
    }

    /// How often STS was asked.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Keys that are good; a refusal that repeats all it was sent; keys without an end.
fn sts(head: &str, body: &str) -> String {
    let keys = serde_json::json!({
        "Token": tc3::SESSION_TOKEN, "TmpSecretId": tc3::SESSION_ID, "TmpSecretKey": tc3::SESSION_KEY
    });
    let response = if body.contains("roleName/good") {
        serde_json::json!({"Credentials": keys, "ExpiredTime": 4_102_444_800_i64, "RequestId": "r"})
    } else if body.contains("roleName/odd") {
        serde_json::json!({"Credentials": keys, "RequestId": "r"})
    } else {
        let message = format!("refused: {head} {body}");
        serde_json::json!({"Error": {"Code": "AuthFailure.UnauthorizedOperation", "Message": message}})
    };
    serde_json::json!({ "Response": response }).to_string()
}

/// A proxy that lets nobody through, and repeats the password in its page.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Proxy {
    pub(super) fn start(password: &str) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, password) = (Arc::clone(&asked), password.to_owned());
        let address = serve(move |head, _, stream| {
            // That it was shown at all is what the test is about.
            counted.fetch_add(usize::from(head.contains("proxy-authorization: basic ")), Ordering::Relaxed);
            answer(stream, "407 Proxy Authentication Required", &format!("wrong password: {password}"))
        });
        Self { address, asked }
    }

    /// How often somebody came with a password.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Serves one request a connection, each on a thread of its own; the head comes in lower case.
fn serve(answer: impl Fn(&str, &str, &mut TcpStream) -> Option<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, answer) = (listener.local_addr().unwrap(), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), answer) = (stream, Arc::clone(&answer)) else { continue };
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(5))).ok();
                let (head, body) = read(&mut stream)?;
                answer(&head, &body, &mut stream)
            });
        }
    });
    address
}

fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = lower(head);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some((head, body.to_owned()));
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Names in lower case, values as they are, save those of actions and schemes.
fn lower(head: &str) -> String {
    let one = |line: &str| match line.split_once(": ") {
        Some((name, value)) if name.eq_ignore_ascii_case("x-tc-action") => {
            format!("x-tc-action: {}", if value.starts_with("AssumeRole") { "assumerole" } else { value })
        }
        Some((name, value)) => {
            format!("{}: {}", name.to_ascii_lowercase(), value.replace("Basic ", "basic "))
        }
        None => line.to_owned(),
    };
    head.lines().map(one).collect::<Vec<_>>().join("\r\n")
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

fn forward(upstream: SocketAddr, head: &str, body: &str, stream: &mut TcpStream) -> Option<()> {
    let mut there = TcpStream::connect(upstream).ok()?;
    let (first, rest) = head.split_once("\r\n")?;
    there.write_all(format!("{first}\r\nconnection: close\r\n{rest}\r\n\r\n{body}").as_bytes()).ok()?;
    std::io::copy(&mut there, stream).ok().map(|_| ())
}

/// A metadata service that tells this role, and these keys for it.
pub(super) fn metadata(role: String, keys: String) -> SocketAddr {
    serve(move |head, _, stream| {
        let named = head.lines().next()?.contains("security-credentials/ ");
        answer(stream, "200 OK", if named { &role } else { &keys })
    })
}
