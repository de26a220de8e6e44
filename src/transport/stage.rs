//! A tiny server for tests: says what it is told to, byte for byte, and remembers what it was asked.

use crate::credentials::{CredentialsError, Provider, Triple};
use crate::model::{ApiCall, BoxFuture, BreakerState, Clock, Observer, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
pub(super) enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, and nothing more, ever.
    Hang(Vec<u8>),
    /// The first bytes once, then the second ones until the client goes away.
    Endless(Vec<u8>, Vec<u8>),
}

impl Reply {
    /// A whole answer.
    pub(super) fn json(status: u16, body: &str) -> Self {
        Self::with(status, "content-type: application/json\r\n", body.as_bytes())
    }

    /// A whole answer with these header lines.
    pub(super) fn with(status: u16, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The server: one reply per request, in order; after the last one connections are refused by closing them.
pub(super) struct Stage {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stage {
    pub(super) async fn open(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, replies) = (Arc::clone(&asked), Arc::new(Mutex::new(VecDeque::from(replies))));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&replies), Arc::clone(&seen)));
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: Arc<Mutex<Vec<Asked>>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), body.as_bytes().to_vec());
        }
    };
    let mut asked = Asked { head, body: String::new() };
    let length: usize = asked.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    while body.len() < length {
        socket.read_buf(&mut body).await.ok()?;
    }
    asked.body = String::from_utf8(body).unwrap();
    seen.lock().unwrap().push(asked);
    let reply = replies.lock().unwrap().pop_front()?;
    match reply {
        Reply::Bytes(bytes) => {
            socket.write_all(&bytes).await.ok()?;
            socket.shutdown().await.ok()
        }
        Reply::Hang(bytes) => {
            socket.write_all(&bytes).await.ok()?;
            std::future::pending().await
        }
        Reply::Endless(first, rest) => {
            socket.write_all(&first).await.ok()?;
            loop {
                socket.write_all(&rest).await.ok()?;
            }
        }
    }
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }
}

/// 2025-03-28T00:00:00Z.
pub(super) const NOW: i64 = 1_743_120_000;

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(Still)
}

/// Writes down what it is told.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) calls: Mutex<Vec<String>>,
    pub(super) rates: Mutex<Vec<f64>>,
    pub(super) waits: Mutex<Duration>,
    pub(super) breakers: Mutex<Vec<String>>,
    pub(super) skews: Mutex<Vec<f64>>,
}

impl Notes {
    /// The codes of the calls so far.
    pub(super) fn codes(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| call.rsplit(' ').next().unwrap().to_owned()).collect()
    }
}

impl Observer for Notes {
    fn api_call(&self, call: ApiCall<'_>) {
        let ApiCall { account, service, action, region, code, .. } = call;
        self.calls.lock().unwrap().push(format!("{account} {service} {action} {region} {code}"));
    }
    fn rate_limit_wait(&self, _: &str, _: &'static str, _: &'static str, waited: Duration) {
        *self.waits.lock().unwrap() += waited;
    }
    fn rate_limit(&self, _: &str, _: &'static str, _: &'static str, per_second: f64) {
        self.rates.lock().unwrap().push(per_second);
    }
    fn breaker(&self, _: &str, _: &str, state: Option<BreakerState>) {
        self.breakers.lock().unwrap().push(state.map_or("gone", BreakerState::name).to_owned());
    }
    fn clock_skew(&self, _: &str, ahead: f64) {
        self.skews.lock().unwrap().push(ahead);
    }
    fn credentials_expiry(&self, _: &str, _: Option<Timestamp>) {}
}

/// Hands out the first of its keys until it is told that they are no good.
pub(super) struct Keys {
    pub(super) ids: Vec<&'static str>,
    pub(super) dropped: AtomicUsize,
}

impl Keys {
    pub(super) fn of(ids: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { ids: ids.to_vec(), dropped: AtomicUsize::new(0) })
    }
}

impl Provider for Keys {
    fn get(&self) -> BoxFuture<'_, Result<Triple, CredentialsError>> {
        let at = self.dropped.load(Ordering::Relaxed).min(self.ids.len().saturating_sub(1));
        let found = self.ids.get(at).map(|id| Triple {
            secret_id: (*id).to_owned(),
            secret_key: "dummySecretKey".into(),
            token: id.starts_with("tmp").then(|| format!("token-of-{id}").into()),
            expires: None,
        });
        Box::pin(async move { found.ok_or_else(|| CredentialsError::NotFound("nowhere".into())) })
    }

    fn invalidate(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
