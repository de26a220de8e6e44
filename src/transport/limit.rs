//! Keeps calls below the documented rates, whoever makes them.

mod pace;
#[cfg(test)]
mod tests;

pub(super) use pace::Rate;

use pace::Pace;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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
}

/// One limit, shared by all who call under it.
pub(super) struct Bucket {
    pace: Mutex<Pace>,
    /// Whose turn it is. Fair, and a caller that gives up waiting takes nothing with it.
    queue: tokio::sync::Mutex<()>,
}

/// Leave to send one request, now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// When it was given.
    pub(super) at: Instant,
    /// How long it was waited for.
    pub(super) waited: Duration,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { pace: Mutex::new(Pace::new(rate, Instant::now())), queue: tokio::sync::Mutex::default() }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, first come first served.
    ///
    /// **Cancel**: nothing is used up.
    pub(super) async fn turn(&self) -> Turn {
        let came = Instant::now();
        let _first = self.queue.lock().await;
        loop {
            let now = Instant::now();
            // Asked anew after each sleep: the rate may have been cut meanwhile.
            let next = match self.pace().take(now) {
                Ok(()) => return Turn { at: now, waited: now - came },
                Err(next) => next,
            };
            tokio::time::sleep_until(next).await;
        }
    }

    /// The API refused the request that had `turn` as one too many, and perhaps asked to `pause`.
    pub(super) fn slow_down(&self, turn: Turn, pause: Option<Duration>) {
        self.pace().slow_down(turn.at, Instant::now(), pause.unwrap_or_default());
    }

    /// The rate that has changed noticeably since it was last asked for, in requests per second.
    pub(super) fn changed_rate(&self) -> Option<f64> {
        self.pace().changed_rate(Instant::now())
    }
}
