//! The arithmetic of one limit: GCRA, with a rate that gives way and recovers.

use super::window::Window;
use std::time::Duration;
use tokio::time::Instant;

/// The least that is left of a rate, however often the API complains.
const FLOOR: f64 = 0.05;
/// What a cut rate gains per second, as a share of the whole: half is back after 25 s. Slow, because the limit is
/// shared with people and programs that are not known here.
const RECOVERY: f64 = 0.02;
/// A change of the rate below this share is not worth telling.
const NOTICEABLE: f64 = 0.01;

/// What a bucket may use.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in super::super) struct Rate {
    limit: f64,
    budget: f64,
}

impl Rate {
    /// The share `budget` (above 0, at most 1) of a limit of so many requests a second, which may have a fraction.
    ///
    /// Whoever counts any second at the server finds `limit` requests at most, rounded up; see [`Window`].
    pub(in super::super) fn of(limit: f64, budget: f64) -> Self {
        Self { limit, budget }
    }

    fn per_second(self) -> f64 {
        self.limit * self.budget
    }

    /// How many may go at once: what the budget leaves free.
    fn burst(self) -> f64 {
        // 20 × (1 − 0.8) is 3.9999999999999996.
        (self.limit * (1.0 - self.budget) + 1e-9).floor().max(1.0)
    }
}

pub(super) struct Pace {
    rate: Rate,
    /// When the requests let through so far would have been due at an even pace.
    due: Instant,
    /// Nothing goes out before this.
    paused_until: Instant,
    /// The last complaint: when it was heeded, and what rate it left.
    cut: Option<(Instant, f64)>,
    window: Window,
    told: Option<f64>,
}

impl Pace {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        let window = Window::new(rate.limit, rate.budget);
        Self { rate, due: now, paused_until: now, cut: None, window, told: None }
    }

    /// The rate now, in requests per second.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let whole = self.rate.per_second();
        match self.cut {
            None => whole,
            Some((at, left)) => {
                let gained = now.saturating_duration_since(at).as_secs_f64() * RECOVERY * whole;
                (left + gained).min(whole)
            }
        }
    }

    /// Lets one request through and names it, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<u64, Instant> {
        let per_second = self.per_second(now);
        let step = Duration::from_secs_f64(1.0 / per_second);
        // No bursts until the rate has recovered.
        let ahead = if per_second < self.rate.per_second() { 0.0 } else { self.rate.burst() - 1.0 };
        let next = self.due.checked_sub(step.mul_f64(ahead)).unwrap_or(now).max(self.paused_until);
        let next = next.max(self.window.free(now));
        if next > now {
            return Err(next);
        }
        self.due = self.due.max(now) + step;
        Ok(self.window.take(now))
    }

    /// The request `id` is over.
    pub(super) fn ended(&mut self, id: u64, now: Instant) {
        self.window.ended(id, now);
    }

    /// Halves the rate because of a request sent at `sent`, and sends nothing for `pause`.
    pub(super) fn slow_down(&mut self, sent: Instant, now: Instant, pause: Duration) {
        self.paused_until = self.paused_until.max(now + pause);
        // What was under way at the last cut tells nothing about the rate since.
        if self.cut.is_some_and(|(at, _)| sent < at) {
            return;
        }
        let whole = self.rate.per_second();
        self.cut = Some((now, (self.per_second(now) / 2.0).max(whole * FLOOR)));
    }

    pub(super) fn changed_rate(&mut self, now: Instant) -> Option<f64> {
        let rate = self.per_second(now);
        let noticeable = |told: f64| {
            (rate - told).abs() > told * NOTICEABLE || (rate >= self.rate.per_second() && told < rate)
        };
        if self.told.is_none_or(noticeable) {
            self.told = Some(rate);
            return Some(rate);
        }
        None
    }
}
