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
/// How long after a renewal that brought nothing new the next one is tried.
const PAUSE: Duration = Duration::from_secs(30);
/// How long nobody is asked after a failure; doubled with each one more, up to [`LONGEST_REST`].
const FIRST_REST: Duration = Duration::from_secs(5);
/// Several of these fit into the [`MARGIN`].
const LONGEST_REST: Duration = Duration::from_secs(60);
/// Keys younger than this are not thrown away: many calls that were under way with the old ones may complain at once.
/// Doubled each time new keys are soon refused too, up to [`OLD`]: what is wrong then is not mended by newer ones.
const YOUNG: Duration = Duration::from_secs(10);
const OLD: Duration = Duration::from_secs(300);
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
    failing: Option<Failing>,
    /// How old keys must be to be thrown away.
    patience: Patience,
}

/// Fetches that failed, one after the other.
struct Failing {
    count: u32,
    last: CredentialsError,
    /// When the next one may be made.
    again: Instant,
}

struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(YOUNG)
    }
}

impl Patience {
    /// Whether keys of this age may be thrown away because the API refused them.
    fn is_over(&mut self, age: Duration) -> bool {
        if age < self.0 {
            return false;
        }
        // Those that had worked for long are another matter than those that never did.
        self.0 = if age < self.0 * 4 { (self.0 * 2).min(OLD) } else { YOUNG };
        true
    }
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
        let resting = held.failing.as_ref().filter(|failing| Instant::now() < failing.again);
        match (&held.keys, resting) {
            (Some(keys), _) if keys.is_fresh(now) => Found::Fresh(keys.triple.clone()),
            (Some(keys), Some(_)) if keys.is_good(now) => Found::Fresh(keys.triple.clone()),
            (Some(keys), None) if keys.is_good(now) => Found::Stale(keys.triple.clone()),
            (_, Some(failing)) => Found::Failed(failing.last.clone()),
            (_, None) => Found::Nothing,
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
        let triple = match fetched {
            Ok(triple) => triple,
            Err(error) => return self.carry_on(&mut held, now, error),
        };
        let new = held.keys.as_ref().is_none_or(|keys| !keys.triple.same_keys(&triple));
        if new {
            self.observer.credentials_expiry(&self.account, triple.expires);
        }
        let times = triple.expires.map(|end| times(now, end, new));
        if held.failing.take().is_some() && held.keys.is_some() {
            tracing::info!(account.name = %self.account, "keys renewed again");
        }
        held.keys = Some(Keys { triple: triple.clone(), since: Instant::now(), times });
        Ok(triple)
    }

    /// The old keys as long as they are good, and a rest for whoever was asked.
    fn carry_on(
        &self,
        held: &mut Held,
        now: Timestamp,
        error: CredentialsError,
    ) -> Result<Triple, CredentialsError> {
        let count = held.failing.as_ref().map_or(0, |failing| failing.count);
        let again = Instant::now() + rest(count, fastrand::f64());
        held.failing = Some(Failing { count: count.saturating_add(1), last: error.clone(), again });
        let Some(old) = held.keys.as_ref().filter(|keys| keys.is_good(now)) else { return Err(error) };
        if count == 0 {
            tracing::warn!(account.name = %self.account, %error, "keys not renewed; the old ones go on");
        }
        Ok(old.triple.clone())
    }
}

impl Keys {
    /// Whether they can be used without looking for newer ones.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.times.is_some_and(|times| now < times.renew)
    }

    /// Whether they can be used.
    fn is_good(&self, now: Timestamp) -> bool {
        self.times.is_none_or(|times| now < times.end)
    }
}

/// How long nobody is asked after `count` failures and one more. `roll` is uniform in `0..1`.
fn rest(count: u32, roll: f64) -> Duration {
    let most = FIRST_REST.saturating_mul(1 << count.min(10)).min(LONGEST_REST);
    most.mul_f64(1.0 - roll / 2.0)
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
        let held = &mut *self.held();
        match &held.keys {
            Some(keys) if keys.times.is_some() => {
                if held.patience.is_over(keys.since.elapsed()) {
                    held.keys = None;
                }
            }
            // Those are looked up for every call anyway, unless that failed lately.
            _ => {
                if let Some(failing) = &mut held.failing {
                    failing.again = Instant::now();
                }
            }
        }
    }
}

impl Drop for Cached {
    /// An account that a reload took away has no keys that could end.
    fn drop(&mut self) {
        self.observer.credentials_expiry(&self.account, None);
    }
}
