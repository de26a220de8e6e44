//! Keeps calls below the documented rates, whoever makes them.

mod pace;
mod queue;
#[cfg(test)]
mod tests;
mod window;

pub(super) use pace::Rate;

use super::Priority;
use pace::Pace;
use queue::{Queue, Ticket};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What a documented limit counts by. The account is missing because a limiter belongs to one.
///
/// **Source**: Tencent Cloud counts by action, access point (so host) and sub-account, over one second, as requests
/// arrive.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    service: &'static str,
    action: &'static str,
    host: String,
}

/// The buckets of one account.
#[derive(Default)]
pub(super) struct Limiter {
    buckets: Mutex<HashMap<Key, Arc<Bucket>>>,
}

impl Limiter {
    /// The bucket of an action at a host, made at its first use.
    pub(super) fn bucket(
        &self,
        service: &'static str,
        action: &'static str,
        host: &str,
        rate: Rate,
    ) -> Arc<Bucket> {
        let key = Key { service, action, host: host.to_owned() };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(rate))))
    }

    /// The API refused the request that had `turn` because the whole account, or this machine's address, asks too much:
    /// what is asked under the other buckets is part of it.
    pub(super) fn slow_down(&self, turn: &Turn<'_>, pause: Duration) {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in buckets.values() {
            bucket.slow_down(turn, pause);
        }
    }
}

/// One limit, shared by all who call under it.
pub(super) struct Bucket(Mutex<State>);

struct State {
    pace: Pace,
    queue: Queue,
}

/// Leave to send one request, now. Dropped when the request has ended, however it has.
pub(super) struct Turn<'a> {
    bucket: &'a Bucket,
    id: u64,
    /// When it was given.
    pub(super) at: Instant,
    /// How long it was waited for.
    pub(super) waited: Duration,
}

/// A place in the queue, given up when it is dropped.
struct Place<'a> {
    bucket: &'a Bucket,
    ticket: Ticket,
}

/// What somebody in the queue is to do.
enum Step {
    Go(u64),
    Sleep(Instant),
    /// Others come first.
    Wait,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Mutex::new(State { pace: Pace::new(rate, Instant::now()), queue: Queue::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn: the most urgent first, of those who came first; and every so often whoever has waited longest.
    ///
    /// **Cancel**: nothing is used up, and nobody behind waits any longer.
    pub(super) async fn turn(&self, priority: Priority) -> Turn<'_> {
        let came = Instant::now();
        let call = Arc::new(Notify::new());
        let place = Place { bucket: self, ticket: self.state().queue.join(priority, Arc::clone(&call)) };
        loop {
            let now = Instant::now();
            match self.step(place.ticket, now) {
                Step::Go(id) => return Turn { bucket: self, id, at: now, waited: now - came },
                // Asked anew after each sleep: the rate may have been cut meanwhile.
                Step::Sleep(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = call.notified() => {}
                    }
                }
                Step::Wait => call.notified().await,
            }
        }
    }

    fn step(&self, ticket: Ticket, now: Instant) -> Step {
        let State { pace, queue } = &mut *self.state();
        if !queue.is_next(ticket) {
            return Step::Wait;
        }
        match pace.take(now) {
            Ok(id) => {
                queue.served(ticket);
                Step::Go(id)
            }
            Err(next) => Step::Sleep(next),
        }
    }

    /// The API refused the request that had `turn` as one too many, and perhaps asked for a `pause`.
    pub(super) fn slow_down(&self, turn: &Turn<'_>, pause: Duration) {
        self.state().pace.slow_down(turn.at, Instant::now(), pause);
    }

    /// The rate that has changed noticeably since it was last asked for, in requests per second.
    pub(super) fn changed_rate(&self) -> Option<f64> {
        self.state().pace.changed_rate(Instant::now())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.bucket.state().queue.leave(self.ticket);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let State { pace, queue } = &mut *self.bucket.state();
        pace.ended(self.id, Instant::now());
        // There may be room earlier than the next one was told.
        queue.call();
    }
}
