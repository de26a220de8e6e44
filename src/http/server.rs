//! Listening, accepting, draining.

use super::connection::serve;
use super::places::{Place, Places};
use super::routes::Site;
use super::{Limits, Page, Reload};
use crate::web_config::Gate;
use socket2::SockRef;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// The pauses after an accept that failed for want of descriptors or memory: the first, doubled up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Connections that the system holds until they are accepted, within its own bound. Beyond it some of a crowd believe that
/// they are connected, and hear of nothing for a minute.
const BACKLOG: i32 = 4096;

/// The HTTP server. Dropping it closes everything at once.
pub struct Server {
    stop: CancellationToken,
    listeners: JoinSet<()>,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Serves everybody on every listener, without TLS. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// Where a listener cannot be used.
    pub fn start(
        listeners: Vec<StdListener>,
        page: Arc<dyn Page>,
        reload: Option<Reload>,
        limits: Limits,
    ) -> io::Result<Self> {
        Self::behind(Arc::new(Gate::open()), listeners, page, reload, limits)
    }

    /// Serves whom `gate` lets in, as [`Server::start`] does.
    ///
    /// # Errors
    /// Where a listener cannot be used.
    pub fn behind(
        gate: Arc<Gate>,
        listeners: Vec<StdListener>,
        page: Arc<dyn Page>,
        reload: Option<Reload>,
        limits: Limits,
    ) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let site = Arc::new(Site::new(gate, page, reload, limits.max_concurrent_scrapes));
        let places = Places::new(limits.max_connections);
        let mut addresses = Vec::new();
        let mut accepting = JoinSet::new();
        for listener in listeners {
            listener.set_nonblocking(true)?;
            SockRef::from(&listener).listen(BACKLOG)?;
            let socket = TcpListener::from_std(listener)?;
            addresses.push(socket.local_addr()?);
            let (site, places, stop) = (Arc::clone(&site), Arc::clone(&places), stop.clone());
            let listener = Listener { socket, site, places, limits, stop };
            accepting.spawn(listener.run());
        }
        Ok(Self { stop, listeners: accepting, addresses })
    }

    /// Where it listens, in the order of the listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops listening, finishes the answers under way, and cuts what is left after `grace`. Returns whether nothing was.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.stop.cancel();
        let drained = async { while self.listeners.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(grace, drained).await.is_ok();
        self.listeners.shutdown().await;
        in_time
    }
}

/// One listening socket and the connections that came in through it.
struct Listener {
    socket: TcpListener,
    site: Arc<Site>,
    places: Arc<Places>,
    limits: Limits,
    stop: CancellationToken,
}

impl Listener {
    async fn run(self) {
        let mut connections = JoinSet::new();
        self.accept(&mut connections).await;
        // New connections are refused from here on, and do not wait in a queue that nobody reads.
        drop(self.socket);
        while let Some(ended) = connections.join_next().await {
            reap(ended);
        }
    }

    /// Accepts until stopped.
    async fn accept(&self, connections: &mut JoinSet<()>) {
        // Kept over the turns of the loop: a connection that waits for its place must not be lost to one that ends.
        let mut next = pin!(self.next());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                Some(ended) = connections.join_next() => reap(ended),
                accepted = &mut next => {
                    if let Some((stream, place)) = accepted {
                        let (site, limits, stop) = (Arc::clone(&self.site), self.limits, self.stop.clone());
                        connections.spawn(async move {
                            serve(stream, &site, limits, place, &stop).await;
                        });
                    }
                    next.set(self.next());
                }
            }
        }
    }

    /// The next connection and its place. Accepted first and placed then, so that a listener without visitors takes no
    /// place from the others.
    async fn next(&self) -> Option<(TcpStream, Place)> {
        let mut pause = BACKOFF.0;
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    // An answer is handed over whole: waiting to fill packets could only delay its end.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "cannot set TCP_NODELAY");
                    }
                    return Some((stream, self.places.take().await?));
                }
                Err(error) if concerns_one_peer(&error) => {}
                Err(error) => {
                    if pause == BACKOFF.0 {
                        tracing::warn!(%error, "cannot accept connections; trying again until it works");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
                }
            }
        }
    }
}

/// Whether a failed accept says something of the one connection only.
fn concerns_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn reap(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("answering a request failed in the exporter's own code; please report this");
    }
}
