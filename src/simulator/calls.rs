//! Counting calls, and holding them to the documented rates.

use super::{Claim, Trouble};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// Every call that came in, by action.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// Arrivals of the last second: a limit holds for action, host and account together.
    recent: HashMap<(String, String, String), VecDeque<Instant>>,
    tallies: BTreeMap<String, Tally>,
}

/// What came in for one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All calls.
    pub count: u64,
    /// Those refused for being too many.
    pub refused: u64,
    /// The most that came in within any one second through one host for one account.
    pub peak: u32,
}

impl Calls {
    /// Notes a call and says whether there were too many. Refused calls count too, as they do at the gateway.
    ///
    /// # Errors
    /// [`Trouble::Throttled`].
    pub fn admit(&self, kind: &str, claim: &Claim, host: &str) -> Result<(), Trouble> {
        let now = Instant::now();
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let action = format!("{kind}.{}", claim.action);
        let recent = book.recent.entry((action.clone(), host.to_owned(), claim.account.clone())).or_default();
        while recent.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            recent.pop_front();
        }
        recent.push_back(now);
        let seen = u32::try_from(recent.len()).unwrap_or(u32::MAX);
        let tally = book.tallies.entry(action).or_default();
        tally.count += 1;
        tally.peak = tally.peak.max(seen);
        match claim.per_second {
            Some(limit) if seen > limit => {
                tally.refused += 1;
                Err(Trouble::Throttled { seen, limit })
            }
            _ => Ok(()),
        }
    }

    /// What came in for `action`, written `kind.Action`.
    pub fn tally(&self, action: &str) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tallies.get(action).copied().unwrap_or_default()
    }

    /// Everything, as JSON.
    pub fn report(&self) -> Value {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |tally: &Tally| json!({"count": tally.count, "refused": tally.refused, "peak": tally.peak});
        book.tallies.iter().map(|(action, tally)| (action.clone(), row(tally))).collect()
    }

    /// Starts the count again.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tallies.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn more_than_the_limit_in_any_second_is_refused() {
        let calls = Calls::default();
        let claim = Claim { action: "Get".into(), account: "a".into(), per_second: Some(2) };
        let other = Claim { account: "b".into(), ..claim.clone() };
        assert_eq!(calls.admit("k", &claim, "h"), Ok(()));
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!(calls.admit("k", &claim, "h"), Ok(()));
        assert_eq!(calls.admit("k", &claim, "h"), Err(Trouble::Throttled { seen: 3, limit: 2 }));
        assert_eq!(calls.admit("k", &other, "h"), Ok(()), "another account has a limit of its own");
        assert_eq!(calls.admit("k", &claim, "g"), Ok(()), "so has another host");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(calls.admit("k", &claim, "h"), Ok(()));
        assert_eq!(calls.tally("k.Get"), Tally { count: 6, refused: 1, peak: 3 });
    }
}
