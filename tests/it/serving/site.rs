//! A server with a page that the test sets.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::http::{Exposition, Limits, Page, Server, Wanted};
use taskrun_exporter::model::{Status, Timestamp};
use taskrun_exporter::web_config::Gate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Shown(pub(crate) Mutex<bytes::Bytes>);

impl Page for Shown {
    fn metrics(&self, _: Wanted) -> Exposition {
        self.0.lock().unwrap().clone().into()
    }
    fn ready(&self) -> bool {
        true
    }
    fn healthy(&self) -> bool {
        true
    }
    fn status(&self) -> Status {
        let now = Timestamp::from_secs(1_763_726_400);
        Status {
            version: "1",
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

pub(crate) struct Site {
    pub(crate) page: Arc<Shown>,
    pub(crate) address: SocketAddr,
    _server: Server,
}

impl Site {
    pub(crate) fn new(body: impl Into<bytes::Bytes>, gate: Arc<Gate>, limits: Limits) -> Self {
        let page = Arc::new(Shown(Mutex::new(body.into())));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::behind(gate, vec![listener], Arc::clone(&page) as _, None, limits).unwrap();
        Self { page, address: server.addresses()[0], _server: server }
    }

    pub(crate) fn open(body: impl Into<bytes::Bytes>, limits: Limits) -> Self {
        Self::new(body, Arc::new(Gate::open()), limits)
    }
}

/// The whole answer to a request, as far as it came.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address).await else { return String::new() };
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).await.is_ok() {
        // What was read before a reset is there all the same.
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server never closes").ok();
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
