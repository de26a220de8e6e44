//! `rate_limit`: a token bucket over all requests.

use super::reader::Reader;
use super::yaml::Node;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const AT: &str = "rate_limit";

/// One request an interval, and `burst` at once.
pub(super) struct Rate {
    interval: Duration,
    burst: f64,
    /// How many were there at that moment.
    tokens: Mutex<Option<(f64, Instant)>>,
}

impl Rate {
    /// Takes a token, if there is one.
    pub(super) fn allows(&self) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = tokens.map_or(self.burst, |(left, at)| {
            let gained = now.saturating_duration_since(at).as_secs_f64() / self.interval.as_secs_f64();
            (left + gained).min(self.burst)
        });
        let allowed = left >= 1.0;
        *tokens = Some((if allowed { left - 1.0 } else { left }, now));
        allowed
    }
}

/// Reads the section; `None` where requests are not limited.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Rate> {
    let fields = reader.fields(node, AT, &["interval", "burst"]);
    let interval = reader.duration(&fields, AT, "interval").unwrap_or_default();
    let burst = reader.number(&fields, AT, "burst").unwrap_or_default();
    if interval.is_zero() {
        return None;
    }
    if burst == 0 {
        reader.report(node.line, "rate_limit.burst", "is 0, which would answer nobody; write at least 1");
    }
    Some(Rate { interval, burst: burst.into(), tokens: Mutex::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_an_interval() {
        let rate = Rate { interval: Duration::from_secs(2), burst: 3.0, tokens: Mutex::default() };
        let allowed = |times: usize| (0..times).filter(|_| rate.allows()).count();
        assert_eq!(allowed(10), 3);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(allowed(10), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(allowed(10), 1);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(allowed(10), 3);
    }
}
