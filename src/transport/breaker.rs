//! Leaves an endpoint that fails alone, but for one request at a time that tries it.

mod state;
#[cfg(test)]
mod tests;

use super::{Error, Priority};
use crate::model::{BreakerState, Observer};
use state::{Admission, State, Turnout};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The breakers of one account, one for each host.
pub(super) struct Breakers {
    account: String,
    observer: Arc<dyn Observer>,
    hosts: Mutex<HashMap<String, Arc<Breaker>>>,
}

impl Breakers {
    pub(super) fn new(account: String, observer: Arc<dyn Observer>) -> Self {
        Self { account, observer, hosts: Mutex::default() }
    }

    /// The breaker of `host`, closed at its first use.
    pub(super) fn of(&self, host: &str) -> Arc<Breaker> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(breaker) = hosts.get(host) {
            return Arc::clone(breaker);
        }
        let breaker = Arc::new(Breaker::new(&self.account, host, Arc::clone(&self.observer)));
        hosts.insert(host.to_owned(), Arc::clone(&breaker));
        breaker
    }
}

/// The breaker of one endpoint.
///
/// Closed, it lets everything through. It opens when requests fail in a row because the endpoint cannot be reached, does
/// not answer in time or fails itself; an answer of any other kind shows that it is there, and closes it.
///
/// Open, it lets nothing through for a while that grows from failure to failure, then one request alone. What a poll
/// begins with waits for one that is sent after it, and shares its fate: every poll that begins after the trouble has ended reads on, so
/// that recovery takes no longer than to the next poll, and every poll before ends with what is wrong. Everything else
/// fails at once.
pub(super) struct Breaker {
    account: String,
    host: String,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    changed: Notify,
}

/// Leave to send one request. Dropped without a word on how it went, it changes nothing.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probes: bool,
}

impl Breaker {
    fn new(account: &str, host: &str, observer: Arc<dyn Observer>) -> Self {
        observer.breaker(account, host, Some(BreakerState::Closed));
        Self {
            account: account.to_owned(),
            host: host.to_owned(),
            observer,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and tells of it before anybody else can.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.name();
        let changed = change(&mut state);
        if state.name() != before {
            self.observer.breaker(&self.account, &self.host, Some(state.name()));
        }
        changed
    }

    /// Whether requests may go out freely.
    pub(super) fn is_closed(&self) -> bool {
        self.state().name() == BreakerState::Closed
    }

    /// Waits, where that is worth while, for leave to send.
    ///
    /// # Errors
    /// What the endpoint last failed with.
    ///
    /// # Cancel
    /// Nothing is used up.
    pub(super) async fn admit(&self, priority: Priority) -> Result<Pass<'_>, Error> {
        let mut seen = None;
        loop {
            let changed = self.changed.notified();
            let admission = self.change(|state| state.admit(priority, &mut seen, Instant::now()));
            match admission {
                Admission::Free => return Ok(Pass { breaker: self, probes: false }),
                Admission::Probe => return Ok(Pass { breaker: self, probes: true }),
                Admission::Fail(error) => return Err(error),
                Admission::Wait(Some(until)) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = changed => {}
                    }
                }
                Admission::Wait(None) => changed.await,
            }
        }
    }

    fn settle(&self, turnout: Turnout, error: Option<&Error>) {
        match turnout {
            Turnout::Same => return,
            Turnout::Closed { failing } => tracing::info!(
                account.name = %self.account,
                host = %self.host,
                failing_seconds = failing.as_secs(),
                "the endpoint answers again; everything is asked as before"
            ),
            Turnout::Opened { first } => {
                if let Some(error) = error.filter(|_| first) {
                    tracing::warn!(
                        account.name = %self.account,
                        host = %self.host,
                        %error,
                        "the endpoint fails again and again; until it answers, one request at a time tries it, and \
                         what else would be asked fails at once"
                    );
                }
            }
        }
        self.changed.notify_waiters();
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        self.observer.breaker(&self.account, &self.host, None);
    }
}

impl Pass<'_> {
    /// Whether the endpoint has begun to fail since this was given.
    pub(super) fn is_stale(&self) -> bool {
        !self.probes && !self.breaker.is_closed()
    }

    /// The request went out, and failed with `error` or was answered.
    pub(super) fn sent(mut self, error: Option<&Error>) {
        let probed = std::mem::take(&mut self.probes);
        let turnout = match error {
            // Nothing was asked: as if given up.
            Some(Error::Credentials(_) | Error::Before { .. }) => {
                self.probes = probed;
                return;
            }
            Some(error) if is_the_endpoints(error) => {
                let roll = fastrand::f64();
                self.breaker.change(|state| state.failed(probed, error, Instant::now(), roll))
            }
            _ => self.breaker.change(|state| state.answered(Instant::now())),
        };
        self.breaker.settle(turnout, error);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probes {
            let turnout = self.breaker.change(|state| state.given_up(Instant::now()));
            self.breaker.settle(turnout, None);
        }
    }
}

/// Whether a failure is one of the endpoint, not of what was asked or of who asked.
fn is_the_endpoints(error: &Error) -> bool {
    matches!(error, Error::Connect { .. } | Error::Timeout(_) | Error::Server { .. })
        && !error.is_of_the_item()
}
