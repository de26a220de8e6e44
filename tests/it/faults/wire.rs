//! A wire between a client and the simulated clouds, on which everything can go wrong.

use super::change;
use super::message::{Asked, Told, forward, next};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What is wrong with the wire, or with what stands at its end.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Nobody listens.
    Refused,
    /// Connections are neither accepted nor refused.
    BlackHole,
    /// Accepted, and never answered.
    Silent,
    /// The right answer, a byte at a time.
    Drip,
    /// Half the answer, and the end of the connection.
    Cut,
    /// Half the answer, and a reset.
    Reset,
    /// A length that promises more than there is.
    Longer,
    /// A length that promises half of what there is.
    Shorter,
    /// A body without an end.
    Endless,
    /// Little on the wire, a lot when it is unpacked.
    Bomb,
    /// Connections that are open when it begins die with their next request.
    Dead,
    /// This in place of every answer: status, header lines, body.
    Told(u16, &'static [&'static str], &'static str),
    /// The right answer with its JSON changed.
    Json(fn(&mut Value, &Asked)),
    /// The right answer with its bytes changed.
    Bytes(fn(Vec<u8>) -> Vec<u8>),
    /// The first page of every listing again and again, with a total that promises many more.
    SamePage,
}

/// A fault, whom it strikes and how often.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// Strikes calls whose action contains this.
    pub(crate) only: &'static str,
    /// Strikes so many calls.
    pub(crate) shots: usize,
}

struct State {
    upstream: OnceLock<SocketAddr>,
    plan: Mutex<(u64, Plan)>,
    /// The calls since the plan was made.
    asked: Mutex<Vec<Asked>>,
    /// The first page of each listing.
    pages: Mutex<HashMap<String, Vec<u8>>>,
}

/// The wire; its near end is `addr`.
pub(crate) struct Wire {
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
    line: tokio::sync::Mutex<Line>,
}

/// What holds the port.
enum Line {
    Open(JoinHandle<()>),
    /// Bound, but nobody listens.
    Held(TcpSocket),
    /// Listening with a full queue.
    Full {
        _queue: TcpListener,
        _places: Vec<TcpStream>,
    },
    Nothing,
}

impl Line {
    async fn close(self) {
        if let Self::Open(accepting) = self {
            accepting.abort();
            accepting.await.unwrap_err();
        }
    }
}

impl Wire {
    pub(crate) async fn open() -> Self {
        let plan = Plan { fault: Fault::None, only: "", shots: usize::MAX };
        let state = State {
            upstream: OnceLock::new(),
            plan: Mutex::new((0, plan)),
            asked: Mutex::default(),
            pages: Mutex::default(),
        };
        let state = Arc::new(state);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let line = Line::Open(tokio::spawn(accept(listener, Arc::clone(&state))));
        Self { addr, state, line: tokio::sync::Mutex::new(line) }
    }

    /// Says what is at the other end.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        self.state.upstream.set(upstream).unwrap();
    }

    /// Replaces what is wrong.
    pub(crate) async fn set(&self, plan: Plan) {
        {
            let mut held = self.state.plan.lock().unwrap();
            *held = (held.0 + 1, plan);
        }
        self.state.asked.lock().unwrap().clear();
        let mut line = self.line.lock().await;
        let wants_open = !matches!(plan.fault, Fault::Refused | Fault::BlackHole);
        if wants_open && matches!(*line, Line::Open(_)) {
            return;
        }
        let before = std::mem::replace(&mut *line, Line::Nothing);
        *line = match (plan.fault, before) {
            (Fault::Refused, before) => {
                before.close().await;
                Line::Held(self.bind())
            }
            (Fault::BlackHole, before) => {
                before.close().await;
                // The queue holds one more than it is told to.
                let listener = self.bind().listen(1).unwrap();
                Line::Full { _queue: listener, _places: fill(self.addr).await }
            }
            (_, Line::Held(socket)) => self.listen(socket),
            (_, before) => {
                before.close().await;
                self.listen(self.bind())
            }
        };
    }

    fn bind(&self) -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.addr).unwrap();
        socket
    }

    fn listen(&self, socket: TcpSocket) -> Line {
        let listener = socket.listen(1024).unwrap();
        Line::Open(tokio::spawn(accept(listener, Arc::clone(&self.state))))
    }

    /// The actions asked for since the last change.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().iter().map(|asked| asked.action.clone()).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Line::Open(accepting) = self.line.get_mut() {
            accepting.abort();
        }
    }
}

/// Takes every place in the queue of a listener that accepts nobody.
async fn fill(addr: SocketAddr) -> Vec<TcpStream> {
    let mut taken = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(addr)).await
    {
        taken.push(stream);
        assert!(taken.len() < 100, "the queue is never full");
    }
    taken
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    /// The first answer to a listing, whichever page is asked for.
    fn again(&self, body: Vec<u8>, asked: &Asked) -> Vec<u8> {
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
        let mut listed = false;
        change::each(&mut value, change::TOTALS, &mut |total| {
            (*total, listed) = (1000.into(), true);
        });
        // What makes one page another is a number behind one of these names.
        let paging = ["\"PageNumber\":", "\"Offset\":", "\"pageNo\":"];
        let mut key = asked.action.clone() + &asked.body;
        for name in paging {
            if let Some(at) = key.find(name) {
                let from = at + name.len();
                let digits = key[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
                key.replace_range(from..from + digits, "");
            }
        }
        if !listed {
            return body;
        }
        let mut pages = self.pages.lock().unwrap();
        pages.entry(key).or_insert_with(|| value.to_string().into_bytes()).clone()
    }

    /// What befalls this call, on a connection that is as old as the plan with this number.
    fn strike(&self, asked: &Asked, born: u64) -> Fault {
        self.asked.lock().unwrap().push(asked.clone());
        let mut held = self.plan.lock().unwrap();
        let (since, plan) = &mut *held;
        let old = born < *since;
        if !asked.action.contains(plan.only) || plan.shots == 0 || (matches!(plan.fault, Fault::Dead) && !old)
        {
            return Fault::None;
        }
        plan.shots -= 1;
        plan.fault
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) -> Option<()> {
    let (mut read, born) = (Vec::new(), state.plan.lock().unwrap().0);
    loop {
        let asked = next(&mut stream, &mut read).await?;
        let fault = state.strike(&asked, born);
        answer(&mut stream, fault, &asked, &state).await?;
    }
}

/// Answers one call; `None` where the connection is over.
async fn answer(stream: &mut TcpStream, fault: Fault, asked: &Asked, state: &State) -> Option<()> {
    match fault {
        Fault::Silent => return std::future::pending().await,
        Fault::Dead => return None,
        Fault::Told(status, headers, body) => {
            let told = Told::new(status, headers, body.as_bytes());
            return stream.write_all(&told.bytes()).await.ok();
        }
        Fault::Endless => {
            stream.write_all(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            loop {
                stream.write_all(chunk.as_bytes()).await.ok()?;
            }
        }
        Fault::Bomb => {
            let told = Told::new(200, &["content-encoding: gzip"], &bomb());
            return stream.write_all(&told.bytes()).await.ok();
        }
        _ => {}
    }
    let mut told = forward(*state.upstream.get().unwrap(), asked).await.ok()?;
    let half = told.body.len() / 2;
    match fault {
        Fault::Json(change) => {
            // What the wire cannot read it cannot change.
            if let Ok(mut value) = serde_json::from_slice(&told.body) {
                change(&mut value, asked);
                told.body = value.to_string().into_bytes();
            }
        }
        Fault::Bytes(change) => told.body = change(told.body),
        Fault::SamePage => told.body = state.again(told.body, asked),
        Fault::Drip => {
            for byte in told.bytes() {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return Some(());
        }
        Fault::Cut | Fault::Reset => {
            stream
                .write_all(&[told.head(told.body.len()), told.body[..half].to_vec()].concat())
                .await
                .ok()?;
            if matches!(fault, Fault::Reset) {
                // What is on its way is not taken back by the reset.
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.set_zero_linger().ok()?;
            }
            return None;
        }
        Fault::Longer => {
            stream.write_all(&[told.head(told.body.len() + 100), told.body].concat()).await.ok()?;
            return None;
        }
        Fault::Shorter => return stream.write_all(&[told.head(half), told.body].concat()).await.ok(),
        _ => {}
    }
    stream.write_all(&told.bytes()).await.ok()
}

/// 32 MiB of spaces in 32 KiB: one MiB, packed, again and again.
fn bomb() -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    packer.finish().unwrap().repeat(32)
}
