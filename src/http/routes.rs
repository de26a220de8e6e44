//! From a request to its answer.

use super::body::Chunks;
use super::{Exposition, Page, Refused, Reload, Wanted, status};
use crate::expose::Format;
use crate::web_config::{Gate, Refusal};
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The content type of an exposition.
const fn metrics_type(format: Format) -> &'static str {
    match format {
        Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Format::Protobuf => {
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// Seconds after which a refused scrape may come again: about the time a slow one takes.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");
/// Status pages made or sent at once. They have places of their own: when scrapes take all of theirs, people look.
const MOST_PAGES: usize = 8;

/// All there is to ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    Metrics,
    Status,
    StatusJson,
    Healthy,
    Ready,
    Reload,
}

impl Route {
    /// Of a path, which must match to the byte: no decoding, no normalising.
    fn of(path: &str) -> Option<Self> {
        match path {
            "/metrics" => Some(Self::Metrics),
            "/" => Some(Self::Status),
            "/api/v1/status" => Some(Self::StatusJson),
            "/-/healthy" => Some(Self::Healthy),
            "/-/ready" => Some(Self::Ready),
            "/-/reload" => Some(Self::Reload),
            _ => None,
        }
    }

    /// The value of `Allow`.
    fn allow(self) -> &'static str {
        match self {
            Self::Reload => "POST, PUT",
            _ => "GET, HEAD",
        }
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Self::Reload => method == Method::POST || method == Method::PUT,
            _ => method == Method::GET || method == Method::HEAD,
        }
    }
}

/// The pages and what they are made from.
pub(super) struct Site {
    gate: Arc<Gate>,
    page: Arc<dyn Page>,
    reload: Option<Reload>,
    /// Places for scrapes, which take memory and time.
    scrapes: Arc<Semaphore>,
    /// Places for the status page.
    pages: Arc<Semaphore>,
}

impl Site {
    /// `reload` is `None` where the configuration does not allow it over HTTP.
    pub(super) fn new(
        gate: Arc<Gate>,
        page: Arc<dyn Page>,
        reload: Option<Reload>,
        max_concurrent_scrapes: usize,
    ) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        Self { gate, page, reload, scrapes: places(max_concurrent_scrapes), pages: places(MOST_PAGES) }
    }

    /// What stands before every page.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Takes down that somebody was not served.
    pub(super) fn refused(&self, refused: Refused) {
        self.page.refused(refused);
    }

    /// The answer, for those who may have one. Depends on method, path, and what a client accepts; neither query nor body
    /// are looked at.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Chunks> {
        let mut reply = match self.gate.admit(request.headers()).await {
            Ok(()) => self.route(request).await,
            Err(Refusal::TooMany) => {
                self.refused(Refused::RateLimit);
                text(StatusCode::TOO_MANY_REQUESTS, "more requests than rate_limit allows\n")
            }
            Err(Refusal::Unauthorized) => {
                self.refused(Refused::Unauthorized);
                let mut refusal = text(StatusCode::UNAUTHORIZED, "name and password are missing or wrong\n");
                refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
                refusal
            }
            Err(Refusal::Busy) => self.busy(),
        };
        self.gate.adorn(reply.headers_mut());
        reply
    }

    async fn route<B>(&self, request: &Request<B>) -> Response<Chunks> {
        let Some(route) = Route::of(request.uri().path()) else {
            return text(StatusCode::NOT_FOUND, "no such page; see / and /metrics\n");
        };
        if !route.takes(request.method()) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(route.allow()));
            return refusal;
        }
        match route {
            Route::Metrics => self.metrics(request.headers()),
            Route::Status => {
                let mut reply = self.placed(HTML, || status::html(&self.page.status()));
                reply.headers_mut().insert(
                    HeaderName::from_static("content-security-policy"),
                    HeaderValue::from_static(status::CONTENT_SECURITY_POLICY),
                );
                reply
            }
            Route::StatusJson => self.placed(JSON, || status::json(&self.page.status())),
            Route::Healthy => say(self.page.healthy(), "healthy\n", "not healthy; see the log and /\n"),
            Route::Ready => say(self.page.ready(), "ready\n", "not ready; see the log\n"),
            Route::Reload => self.reload().await,
        }
    }

    fn metrics(&self, headers: &HeaderMap) -> Response<Chunks> {
        let mut scrape = Scrape { page: Arc::clone(&self.page), code: StatusCode::OK, began: Instant::now() };
        let Ok(place) = Arc::clone(&self.scrapes).try_acquire_owned() else {
            scrape.code = StatusCode::SERVICE_UNAVAILABLE;
            return self.busy();
        };
        let wanted = Wanted::of(headers);
        let mut reply = reply(StatusCode::OK, metrics_type(wanted.format), self.page.metrics(wanted));
        let headers = reply.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if wanted.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        reply.body_mut().hold(scrape);
        reply.body_mut().hold(place);
        reply
    }

    /// An answer that is made now, where there is a place for it.
    fn placed(&self, content_type: &'static str, make: impl FnOnce() -> String) -> Response<Chunks> {
        let Ok(place) = Arc::clone(&self.pages).try_acquire_owned() else { return self.busy() };
        let mut reply = reply(StatusCode::OK, content_type, Bytes::from(make()).into());
        reply.body_mut().hold(place);
        reply
    }

    fn busy(&self) -> Response<Chunks> {
        self.refused(Refused::Busy);
        let mut refusal = text(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; come again\n");
        refusal.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        refusal
    }

    async fn reload(&self) -> Response<Chunks> {
        let Some(reload) = &self.reload else {
            return text(
                StatusCode::FORBIDDEN,
                "reloading over HTTP is off; set web.enable_reload = true, or send SIGHUP\n",
            );
        };
        // In a task of its own: a client that goes away must not leave it half done.
        let ended = tokio::spawn(reload()).await;
        match ended.unwrap_or_else(|_| Err("the reload itself failed; see the log".to_owned())) {
            Ok(changes) => text(StatusCode::OK, format!("reloaded: {changes}\n")),
            Err(error) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("not reloaded, all goes on as before:\n{error}\n"),
            ),
        }
    }
}

/// Tells the page of a scrape when its last byte is handed over, or its client is gone.
struct Scrape {
    page: Arc<dyn Page>,
    code: StatusCode,
    began: Instant,
}

impl Drop for Scrape {
    fn drop(&mut self) {
        let took: Duration = self.began.elapsed();
        self.page.scraped(self.code.as_u16(), took);
    }
}

fn say(yes: bool, good: &'static str, bad: &'static str) -> Response<Chunks> {
    if yes { text(StatusCode::OK, good) } else { text(StatusCode::SERVICE_UNAVAILABLE, bad) }
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Response<Chunks> {
    reply(code, TEXT, body.into().into())
}

fn reply(code: StatusCode, content_type: &'static str, body: Exposition) -> Response<Chunks> {
    let mut reply = Response::new(Chunks::new(body));
    *reply.status_mut() = code;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    reply
}
