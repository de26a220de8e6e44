//! One connection.

use super::places::Place;
use super::pulse::{Felt, Pulse};
use super::routes::Site;
use super::{Limits, Refused};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The most bytes of request line and headers together; scrapes need some hundred.
const MAX_HEAD: usize = 32 * 1024;
/// The most headers.
const MAX_HEADERS: usize = 100;
/// Requests beside each other on one connection of HTTP/2; scrapers and browsers need a few.
const MAX_STREAMS: u32 = 32;

/// Serves one connection until the client goes, a deadline passes, the place is needed, or `stop`: then the answers under
/// way are finished.
pub(super) async fn serve<S>(
    stream: S,
    site: &Arc<Site>,
    limits: Limits,
    place: Place,
    stop: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let leave = place.leave();
    let pulse = Pulse::new(limits, place);
    let stream = Felt::new(stream, Arc::clone(&pulse));
    let guard = Guard { site, pulse: &pulse, leave: &leave, stop };
    let Some(tls) = site.gate().tls() else { return guard.http1(TokioIo::new(stream)).await };
    let shaking = TlsAcceptor::from(tls).accept(stream);
    let stream = tokio::select! {
        shaken = shaking => match shaken {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "no TLS with this client");
                return site.refused(Refused::Handshake);
            }
        },
        () = stop.cancelled() => return,
        () = leave.cancelled() => return site.refused(Refused::Crowded),
        // All of it is before the first request, which has but one deadline.
        () = tokio::time::sleep_until(pulse.due().0) => return site.refused(Refused::Handshake),
    };
    let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(stream);
    if second { guard.http2(stream).await } else { guard.http1(stream).await }
}

/// What a connection is served and watched with.
struct Guard<'a> {
    site: &'a Arc<Site>,
    pulse: &'a Arc<Pulse>,
    leave: &'a CancellationToken,
    stop: &'a CancellationToken,
}

/// A connection that can be asked to end after the answers under way.
trait Graceful: Future<Output = hyper::Result<()>> {
    fn finish(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: Read + Write + Unpin,
    S: hyper::service::HttpService<Incoming, ResBody = super::body::Chunks>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Graceful for http2::Connection<I, S, TokioExecutor>
where
    I: Read + Write + Unpin,
    S: hyper::service::HttpService<Incoming, ResBody = super::body::Chunks>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    TokioExecutor: hyper::rt::bounds::Http2ServerConnExec<S::Future, super::body::Chunks>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Guard<'_> {
    async fn http1(self, stream: impl Read + Write + Unpin) {
        // Every deadline is the pulse's; hyper's own would cut connections that wait for the next scrape.
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_header_size(MAX_HEAD).max_headers(MAX_HEADERS).writev(true);
        let (site, pulse) = (Arc::clone(self.site), Arc::clone(self.pulse));
        let service = service_fn(move |request| answer(Arc::clone(&site), Arc::clone(&pulse), request));
        self.watch(http.serve_connection(stream, service)).await;
    }

    async fn http2(self, stream: impl Read + Write + Unpin) {
        self.pulse.interleave();
        let mut http = http2::Builder::new(TokioExecutor::new());
        let head = u32::try_from(MAX_HEAD).unwrap_or(u32::MAX);
        http.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_header_list_size(head);
        let (site, pulse) = (Arc::clone(self.site), Arc::clone(self.pulse));
        let service = service_fn(move |request| answer(Arc::clone(&site), Arc::clone(&pulse), request));
        self.watch(http.serve_connection(stream, service)).await;
    }

    /// Drives a connection, and looks at its deadline whenever something has happened on it.
    async fn watch(self, connection: impl Graceful) {
        let mut connection = pin!(connection);
        let (mut stop, mut leave) = (pin!(self.stop.cancelled()), pin!(self.leave.cancelled()));
        let mut alarm = pin!(tokio::time::sleep_until(self.pulse.due().0));
        let mut draining = false;
        let refused = poll_fn(|cx| {
            if !draining && stop.as_mut().poll(cx).is_ready() {
                draining = true;
                connection.as_mut().finish();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return Poll::Ready(None);
            }
            if leave.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Some(Refused::Crowded));
            }
            loop {
                let (due, refused) = self.pulse.due();
                if due != alarm.deadline() {
                    alarm.as_mut().reset(due);
                }
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                // Another task may have moved the deadline meanwhile.
                if self.pulse.due().0 == due {
                    return Poll::Ready(refused);
                }
            }
        });
        if let Some(refused) = refused.await {
            tracing::debug!(reason = refused.name(), "connection closed");
            self.site.refused(refused);
        }
    }
}

async fn answer(
    site: Arc<Site>,
    pulse: Arc<Pulse>,
    request: Request<Incoming>,
) -> Result<Response<super::body::Chunks>, Infallible> {
    let mut answering = pulse.ask();
    let mut reply = site.answer(&request).await;
    answering.send(reply.status().is_success());
    reply.body_mut().felt_by(answering);
    Ok(reply)
}
