//! One connection.

use super::Limits;
use super::routes::Site;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The most bytes of request line and headers together; scrapes need some hundred.
const MAX_HEAD: usize = 32 * 1024;
/// The most headers.
const MAX_HEADERS: usize = 100;

/// Serves one connection until the client goes, a deadline passes, or `stop`: then the answer under way is finished.
pub(super) async fn serve<S>(stream: S, site: &Arc<Site>, limits: Limits, stop: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (due, deadline) = watch::channel(None);
    let service = service_fn(|request| {
        let answering = Answering::until(&due, Instant::now() + limits.response_timeout);
        let site = Arc::clone(site);
        async move {
            let mut reply = site.answer(&request).await;
            reply.body_mut().hold(answering);
            Ok::<_, Infallible>(reply)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .writev(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut overdue = pin!(overdue(deadline));
    let mut draining = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut overdue => {
                tracing::debug!("connection closed: its client does not read the answer");
                return;
            }
        }
    }
}

/// When the answer under way must be handed over; taken back when it is.
struct Answering(watch::Sender<Option<Instant>>);

impl Answering {
    fn until(due: &watch::Sender<Option<Instant>>, at: Instant) -> Self {
        due.send_replace(Some(at));
        Self(due.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

/// Waits until an answer is not handed over in time.
async fn overdue(mut due: watch::Receiver<Option<Instant>>) {
    loop {
        let at = *due.borrow_and_update();
        let changed = match at {
            None => due.changed().await,
            Some(at) => tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                changed = due.changed() => changed,
            },
        };
        if changed.is_err() {
            // Nobody is left to set a deadline.
            return std::future::pending().await;
        }
    }
}
