//! The HTTP server that all simulated clouds share.

use super::body::Body;
use super::faults::{Fault, spoil};
use super::{Answer, Calls, Content, Dice, Face, Faults, Request, SimClock, World, stamp};
use crate::model::Clock;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most a request may hold: the documented limit of signed POSTs.
const MOST_BYTES: usize = 10 << 20;

/// What simulated clouds are started with.
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The world.
    pub world: World,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// The present; shared with an exporter that is to live in the same time.
    pub clock: Arc<SimClock>,
}

/// The simulated clouds.
#[derive(Debug)]
pub struct Simulator;

/// Simulated clouds that are up.
pub struct Running {
    /// Where they listen.
    pub addr: SocketAddr,
    /// What is shared with the connections: for tests in the same process.
    pub clouds: Arc<Clouds>,
    done: JoinHandle<()>,
}

impl Running {
    /// `http://ADDR`, for the configuration of a client.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Returns when everything has stopped, after the token given to [`Simulator::start`] was cancelled.
    pub async fn stopped(self) {
        // A task that panicked has stopped too.
        drop(self.done.await);
    }
}

/// What every connection needs.
pub struct Clouds {
    pub(super) world: World,
    pub(super) faces: Vec<Box<dyn Face>>,
    /// The present.
    pub clock: Arc<SimClock>,
    /// What came in.
    pub calls: Calls,
    pub(super) faults: Mutex<Faults>,
    served: AtomicI64,
}

impl Clouds {
    /// Replaces what goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    async fn serve(&self, request: Request) -> Result<Reply, Infallible> {
        if let Some(answer) = self.control(&request) {
            return Ok(self.reply(answer, false));
        }
        let claim = self.faces.iter().find_map(|face| Some((face, face.claim(&request)?)));
        let Some((face, claim)) = claim else {
            return Ok(self.reply(Answer::json(404, serde_json::json!({"message": "no API matched"})), false));
        };
        let n = self.served.fetch_add(1, Ordering::Relaxed);
        let dice = Dice::new(self.world.seed()).named("faults");
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let strike = faults.strike(dice, n, &claim.action);
        let admitted = self.calls.admit(face.kind(), &claim, request.header("host").unwrap_or_default());
        if let Some(delay) = strike.delay() {
            tokio::time::sleep(delay).await;
        }
        let answer = match (admitted, strike.trouble()) {
            (Err(trouble), _) | (Ok(()), Some(trouble)) => face.refuse(&trouble),
            _ if strike.has(Fault::Server) => Answer::html(502, "<html><h1>502 Bad Gateway</h1></html>"),
            _ if strike.has(Fault::Html) => Answer::html(200, "<html><form>Please log in</form></html>"),
            _ => {
                let request = Request { skew: strike.skew(), ..request };
                let mut answer = face.answer(&request, &self.world, self.clock.now());
                spoil(&mut answer, &strike);
                answer
            }
        };
        Ok(self.reply(answer, strike.has(Fault::Torn)))
    }

    fn reply(&self, answer: Answer, torn: bool) -> Reply {
        let (content_type, body) = match answer.content {
            Content::Json(value) => ("application/json", Bytes::from(value.to_string())),
            Content::Html(text) => ("text/html", Bytes::from_static(text.as_bytes())),
        };
        let mut reply = hyper::Response::new(Body::new(body, torn));
        *reply.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
        let date = stamp::format(self.clock.now().secs(), 0, "%a, %d %b %Y %H:%M:%S GMT");
        reply.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(content_type));
        if let Ok(date) = date.parse() {
            reply.headers_mut().insert("date", date);
        }
        reply
    }
}

type Reply = hyper::Response<Body>;

impl Simulator {
    /// Binds, and serves `faces` until `stop` is cancelled.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub async fn start(
        options: Options,
        faces: Vec<Box<dyn Face>>,
        stop: CancellationToken,
    ) -> io::Result<Running> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let clouds = Arc::new(Clouds {
            world: options.world,
            faces,
            clock: options.clock,
            calls: Calls::default(),
            faults: Mutex::new(options.faults),
            served: AtomicI64::new(0),
        });
        let done = tokio::spawn(accept(listener, clouds.clone(), stop));
        Ok(Running { addr, clouds, done })
    }
}

async fn accept(listener: TcpListener, clouds: Arc<Clouds>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // Out of file descriptors, most likely: trying again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (clouds, stop) = (clouds.clone(), stop.clone());
        connections.spawn(async move {
            let service = service_fn(|request| read_and_serve(&clouds, request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                // What clients do to their connections, and torn bodies, are no news here.
                _ = connection.as_mut() => return,
                () = stop.cancelled() => {}
            }
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(Duration::from_secs(1), connection).await);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn read_and_serve(clouds: &Clouds, request: hyper::Request<Incoming>) -> Result<Reply, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_BYTES).collect().await else {
        return Ok(clouds.reply(Answer::json(413, serde_json::json!({"message": "too large"})), false));
    };
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
        skew: 0,
    };
    clouds.serve(request).await
}
