//! Whether and when to try again.

use super::error::{Error, Failure};
use super::header::MAX_RETRY_AFTER;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often one call is sent at most; the worker polls again anyway.
const MAX_TRIES: u32 = 3;
/// The first wait, before jitter.
const BASE: Duration = Duration::from_millis(500);
/// The same after the API asked to slow down: its limits count whole seconds.
const BASE_THROTTLED: Duration = Duration::from_secs(1);
/// The same after it asked so of the whole account: more than one action has to slow down for that.
pub(super) const BASE_ACCOUNT: Duration = Duration::from_secs(5);
/// The longest wait, before what the API asks for.
const CAP: Duration = Duration::from_secs(20);

/// How many retries a client may make in a row while nothing succeeds.
const QUOTA: f64 = 20.0;
/// What one success pays back: in the long run at most one request in ten is a retry.
const EARNED: f64 = 0.1;
/// What is kept back for requests sent again after clock, keys or token were put right: an outage must not have used up
/// what its end may need.
const KEPT_BACK: f64 = 2.0;

/// Retries that a client may still make: an outage empties it, and from then on every call is sent just once.
pub(super) struct Quota(Mutex<f64>);

impl Default for Quota {
    fn default() -> Self {
        Self(Mutex::new(QUOTA))
    }
}

impl Quota {
    /// A call succeeded.
    pub(super) fn earn(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + EARNED).min(QUOTA);
    }

    /// Takes one retry, if there is one.
    pub(super) fn spend(&self) -> bool {
        self.take(KEPT_BACK)
    }

    /// Takes one for a request whose cause of failure is mended, if there is one.
    pub(super) fn spend_on_mended(&self) -> bool {
        self.take(0.0)
    }

    fn take(&self, kept_back: f64) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0 + kept_back;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

/// How long to wait before trying again after `tries` tries, the last of which ended in `failure`; `None` to stop.
/// `roll` is uniform in `0..1`: full jitter, so that clients that failed together do not come back together.
///
/// A deadline that passed is not tried again: the API may be overloaded, and the poll's own time is limited.
pub(super) fn wait(tries: u32, failure: &Failure, roll: f64) -> Option<Duration> {
    let base = match &failure.error {
        error if error.is_of_the_item() => return None,
        error if error.is_account_wide() => BASE_ACCOUNT,
        Error::Connect { .. } | Error::Server { .. } => BASE,
        Error::Throttled { .. } => BASE_THROTTLED,
        Error::Timeout(_)
        | Error::Auth { .. }
        | Error::Credentials(_)
        | Error::Rejected { .. }
        | Error::Decode(_)
        | Error::TooLarge(_)
        // It had its own tries.
        | Error::Before { .. } => return None,
    };
    if tries >= MAX_TRIES {
        return None;
    }
    let most = base.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(CAP);
    let asked = failure.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
    Some(asked + most.mul_f64(roll.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Failure {
        Error::Server { code: "http_503".into() }.into()
    }

    #[test]
    fn three_tries_with_jitter_that_doubles() {
        let ms = |tries, failure: &Failure, roll| wait(tries, failure, roll).map(|d| d.as_millis());
        assert_eq!(ms(1, &server(), 1.0), Some(500));
        assert_eq!(ms(2, &server(), 1.0), Some(1000));
        assert_eq!(ms(2, &server(), 0.0), Some(0));
        assert_eq!(ms(3, &server(), 1.0), None);
        let mut throttled: Failure =
            Error::Throttled { code: "RequestLimitExceeded".into(), retry_after: None }.into();
        assert_eq!(ms(1, &throttled, 0.5), Some(500));
        throttled.retry_after = Some(Duration::from_secs(7));
        assert_eq!(ms(1, &throttled, 0.5), Some(7500));
        throttled.retry_after = Some(Duration::from_secs(7_000_000));
        assert_eq!(ms(1, &throttled, 0.0), Some(60_000));
        let code = "RequestLimitExceeded.IPLimitExceeded".into();
        let account = Error::Throttled { code, retry_after: None }.into();
        assert_eq!(ms(1, &account, 1.0), Some(5000));
    }

    #[test]
    fn what_another_try_cannot_mend_is_not_tried_again() {
        for error in [
            Error::Timeout(BASE),
            Error::Auth { code: "http_403".into(), hint: "" },
            Error::Credentials(String::new()),
            Error::Rejected { code: "InvalidParameter".into() },
            Error::Decode(String::new()),
            Error::TooLarge(1),
        ] {
            assert_eq!(wait(1, &error.clone().into(), 0.5), None, "{error:?}");
        }
        assert!(wait(1, &Error::Connect { host: String::new(), cause: String::new() }.into(), 0.5).is_some());
    }

    #[test]
    fn an_outage_adds_a_bounded_number_of_requests() {
        let quota = Quota::default();
        let spent = (0..10_000).filter(|_| quota.spend()).count();
        assert_eq!(spent, 18);
        (0..9).for_each(|_| quota.earn());
        assert!(!quota.spend());
        (0..2).for_each(|_| quota.earn());
        assert!(quota.spend() && !quota.spend());
        let mended = (0..10_000).filter(|_| quota.spend_on_mended()).count();
        assert_eq!(mended, 2, "and something is left for keys that ended meanwhile");
    }
}
