//! What one connection is about, and until when it may be.

use super::places::Place;
use super::{Limits, Refused};
use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The state of one connection: told by its bytes and its answers, asked for the deadline.
pub(super) struct Pulse {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    place: Place,
    /// When each answer under way was asked for, by the order of asking.
    answers: BTreeMap<u64, Instant>,
    next: u64,
    /// Answers of which a part is still to be handed over.
    sending: usize,
    /// Whether bytes wait for the client to read.
    blocked: bool,
    /// When a part of an answer was handed over, or bytes were taken.
    moved: Instant,
    /// When it began to wait for the client.
    waiting: Instant,
    /// When the first byte of a request came, while waiting.
    began: Option<Instant>,
    /// Whether a request was answered with what it asked for.
    earned: bool,
    /// Whether requests come one after the other, so that a byte is the beginning of one.
    in_turn: bool,
}

impl Pulse {
    /// Of a connection that has just come in.
    pub(super) fn new(limits: Limits, mut place: Place) -> Arc<Self> {
        place.wait();
        let now = Instant::now();
        let state = State {
            place,
            answers: BTreeMap::new(),
            next: 0,
            sending: 0,
            blocked: false,
            moved: now,
            waiting: now,
            began: None,
            earned: false,
            in_turn: true,
        };
        Arc::new(Self { limits, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests come beside each other from here on (HTTP/2), and a byte may be anything.
    pub(super) fn interleave(&self) {
        self.state().in_turn = false;
    }

    /// A request has come; its answer is under way as long as what is returned lives.
    pub(super) fn ask(self: &Arc<Self>) -> Answering {
        let mut state = self.state();
        let (id, now) = (state.next, Instant::now());
        state.next += 1;
        state.answers.insert(id, now);
        state.place.work();
        Answering { pulse: Arc::clone(self), id, sending: false }
    }

    /// Until when the connection may go on as it does, and what is wrong with it when it does not.
    pub(super) fn due(&self) -> (Instant, Option<Refused>) {
        let (state, limits) = (self.state(), &self.limits);
        if let Some(first) = state.answers.values().next() {
            let stalled = (state.sending > 0).then(|| state.moved + limits.write_timeout);
            let whole = *first + limits.response_timeout;
            return (stalled.map_or(whole, |stalled| stalled.min(whole)), Some(Refused::SlowReader));
        }
        if state.blocked {
            return (state.moved + limits.write_timeout, Some(Refused::SlowReader));
        }
        match state.began {
            // A client that has asked for nothing yet has no more time for beginning late.
            Some(began) if state.earned => (began + limits.header_timeout, Some(Refused::SlowRequest)),
            None if state.earned => (state.waiting + limits.idle_timeout, None),
            _ => (state.waiting + limits.header_timeout, Some(Refused::SlowRequest)),
        }
    }
}

/// An answer under way.
pub(super) struct Answering {
    pulse: Arc<Pulse>,
    id: u64,
    sending: bool,
}

impl Answering {
    /// The answer is there, and is handed over from now on; whether it is what was asked for.
    pub(super) fn send(&mut self, good: bool) {
        let mut state = self.pulse.state();
        state.sending += usize::from(!std::mem::replace(&mut self.sending, true));
        state.moved = Instant::now();
        state.earned |= good;
    }

    /// A part of it was handed over.
    pub(super) fn moved(&self) {
        self.pulse.state().moved = Instant::now();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.sending -= usize::from(self.sending);
        state.answers.remove(&self.id);
        if state.answers.is_empty() {
            (state.waiting, state.began) = (Instant::now(), None);
            state.place.wait();
        }
    }
}

/// A stream whose bytes are felt by the pulse.
pub(super) struct Felt<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Felt<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        let mut state = self.pulse.state();
        let blocked = polled.is_pending();
        if !blocked || !state.blocked {
            state.moved = Instant::now();
        }
        state.blocked = blocked;
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let mut state = self.pulse.state();
        if buf.filled().len() > before && state.in_turn && state.answers.is_empty() && state.began.is_none() {
            state.began = Some(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
