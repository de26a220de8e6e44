//! Bodies of answers: sent whole, or torn in the middle.

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// How long a torn body pauses before the connection breaks, so that its half is on the wire by then: what is
/// still buffered when a body fails is never sent.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Body {
    rest: Option<Bytes>,
    torn: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Body {
    /// A torn body promises all of `bytes` and breaks off after half of them.
    pub(super) fn new(bytes: Bytes, torn: bool) -> Self {
        Self { rest: Some(bytes), torn, pause: None }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.rest.take() {
            let bytes = if self.torn { bytes.slice(..bytes.len() / 2) } else { bytes };
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.torn {
            return Poll::Ready(None);
        }
        ready!(self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE))).as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && !self.torn
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(SizeHint::default, |bytes| {
            SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or_default())
        })
    }
}
