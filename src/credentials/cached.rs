//! Keys kept while they are good and renewed ahead of their end.

use super::{CredentialsError, Origin, Provider, Triple};
use crate::model::{BoxFuture, Clock, Observer, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Renewal begins when this much is left, or a tenth of the life if that is more: the API refuses keys that end while
/// a request is under way, and a renewal may need several tries.
const MARGIN: Duration = Duration::from_secs(300);
/// How long after a renewal that failed, or brought nothing new, the next one is tried.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a failure is repeated to callers without asking again, while there are no keys at all.
const FAILURE_LIFE: Duration = Duration::from_secs(5);
/// Keys younger than this are not thrown away: many calls that were under way with the old ones may complain at once.
const YOUNG: Duration = Duration::from_secs(10);
/// How long keys are used that seem to have ended already when they come: then this machine's clock is wrong, and
/// asking again for every call would not mend it.
const DOUBT: Duration = Duration::from_secs(60);

/// An origin behind a cache: one fetch at a time, the old keys kept as long as they are good.
///
/// Keys that never end are fetched for every call, because their origins are this machine's own (a variable, a small
/// file) and a rotated key is to be used at once.
pub(super) struct Cached {
    account: String,
    origin: Box<dyn Origin>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    held: Mutex<Held>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    keys: Option<Keys>,
    failure: Option<(Instant, CredentialsError)>,
    complained: bool,
}

struct Keys {
    triple: Triple,
    since: Instant,
    /// `None` for keys that never end.
    times: Option<Times>,
}

#[derive(Clone, Copy)]
struct Times {
    renew: Timestamp,
    end: Timestamp,
}

/// What to do for a caller.
enum Found {
    Fresh(Triple),
    Stale(Triple),
    Failed(CredentialsError),
    Nothing,
}

impl Cached {
    pub(super) fn new(
        account: String,
        origin: Box<dyn Origin>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            account,
            origin,
            clock,
            observer,
            held: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Found {
        let now = self.clock.now();
        let held = self.held();
        match &held.keys {
            Some(Keys { triple, times: Some(times), .. }) if now < times.renew => {
                Found::Fresh(triple.clone())
            }
            Some(Keys { triple, times, .. }) if times.is_none_or(|times| now < times.end) => {
                Found::Stale(triple.clone())
            }
            _ => match &held.failure {
                Some((at, error)) if at.elapsed() < FAILURE_LIFE => Found::Failed(error.clone()),
                _ => Found::Nothing,
            },
        }
    }

    async fn obtain(&self) -> Result<Triple, CredentialsError> {
        let _turn = match self.look() {
            Found::Fresh(triple) => return Ok(triple),
            Found::Failed(error) => return Err(error),
            Found::Stale(old) => match self.fetching.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(old),
            },
            Found::Nothing => self.fetching.lock().await,
        };
        // Another may have fetched while this one waited for its turn.
        match self.look() {
            Found::Fresh(triple) => return Ok(triple),
            Found::Failed(error) => return Err(error),
            Found::Stale(_) | Found::Nothing => {}
        }
        let fetched = self.origin.fetch().await;
        self.settle(fetched.and_then(|found| {
            found.ok_or_else(|| CredentialsError::NotFound(format!("{} (nothing there)", self.origin.name())))
        }))
    }

    /// Keeps what was fetched, or explains why the old keys go on.
    fn settle(&self, fetched: Result<Triple, CredentialsError>) -> Result<Triple, CredentialsError> {
        let now = self.clock.now();
        let mut held = self.held();
        match fetched {
            Ok(triple) => {
                let new = held.keys.as_ref().is_none_or(|keys| !keys.triple.same_keys(&triple));
                if new {
                    self.observer.credentials_expiry(&self.account, triple.expires);
                }
                let times = triple.expires.map(|end| times(now, end, new));
                held.keys = Some(Keys { triple: triple.clone(), since: Instant::now(), times });
                held.failure = None;
                held.complained = false;
                Ok(triple)
            }
            Err(error) => {
                let first = !std::mem::replace(&mut held.complained, true);
                match &mut held.keys {
                    Some(Keys { triple, times, .. }) if times.is_none_or(|times| now < times.end) => {
                        if first {
                            tracing::warn!(account.name = %self.account, %error, "keys not renewed; the old ones go on");
                        }
                        if let Some(times) = times {
                            times.renew = now.plus(PAUSE).min(times.end);
                        }
                        Ok(triple.clone())
                    }
                    _ => {
                        held.failure = Some((Instant::now(), error.clone()));
                        Err(error)
                    }
                }
            }
        }
    }
}

/// When keys that end at `end` are renewed and given up.
fn times(now: Timestamp, end: Timestamp, new: bool) -> Times {
    let life = end.since(now).unwrap_or_default();
    if life.is_zero() {
        return Times { renew: now.plus(DOUBT), end: now.plus(DOUBT) };
    }
    let margin = MARGIN.max(life / 10);
    // Exporters that were started together must not ask together.
    let early = (margin / 10).mul_f64(fastrand::f64());
    let wait = life.saturating_sub(margin + early);
    // A service may hand out the same keys until close to their end.
    let wait = if new { wait.max(PAUSE.min(life / 2)) } else { wait.max(PAUSE) };
    Times { renew: now.plus(wait).min(end), end }
}

impl Provider for Cached {
    fn get(&self) -> BoxFuture<'_, Result<Triple, CredentialsError>> {
        Box::pin(self.obtain())
    }

    fn invalidate(&self) {
        let mut held = self.held();
        if held.keys.as_ref().is_some_and(|keys| keys.times.is_some() && keys.since.elapsed() >= YOUNG) {
            held.keys = None;
        }
    }
}
