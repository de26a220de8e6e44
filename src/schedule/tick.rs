//! Ticks: the moments at which a cell is to be polled.

use super::{Bounds, CronExpression};
use crate::model::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;

/// The longest that a new cell waits for its first poll. First polls are spread, so that a restart is no burst.
const MAX_SPREAD: Duration = Duration::from_secs(5);
/// The shortest and the longest time a poll may take.
const DEADLINES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));

/// When a source is polled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// Again and again, this long from one start to the next.
    Every(Duration),
    /// The same, but sooner or later with what happens.
    Adaptive(Bounds),
    /// At the times of a cron expression, in UTC; and once right after the start.
    Cron(CronExpression),
}

impl Schedule {
    /// How long a poll may take: ten intervals, but a minute at least and a quarter of an hour at most.
    pub fn deadline(&self) -> Duration {
        match self {
            Self::Every(interval) | Self::Adaptive(Bounds { usual: interval, .. }) => {
                interval.saturating_mul(10).clamp(DEADLINES.0, DEADLINES.1)
            }
            Self::Cron(_) => DEADLINES.1,
        }
    }

    /// The time over which first polls are spread.
    pub(super) fn spread(&self) -> Duration {
        match self {
            Self::Every(interval) | Self::Adaptive(Bounds { usual: interval, .. }) => {
                MAX_SPREAD.min(*interval)
            }
            Self::Cron(_) => MAX_SPREAD,
        }
    }

    /// The time between two polls, as far as it is known at `at` before anything was polled.
    pub(super) fn interval(&self, at: Timestamp) -> Option<Duration> {
        match self {
            Self::Every(interval) | Self::Adaptive(Bounds { usual: interval, .. }) => Some(*interval),
            Self::Cron(expression) => expression.interval(at),
        }
    }

    /// The longest that lies between two polls, as far as it is known at `at`.
    pub fn longest_interval(&self, at: Timestamp) -> Duration {
        match self {
            Self::Every(interval) | Self::Adaptive(Bounds { idle: interval, .. }) => *interval,
            Self::Cron(expression) => expression.interval(at).unwrap_or_default(),
        }
    }
}

/// What makes a cell's clock tick after the first poll.
#[derive(Clone)]
pub(super) enum Pace {
    /// A fixed interval, on the monotonic clock.
    Every(Duration),
    /// An interval that begins with this and is told anew after polls.
    Told(Duration),
    /// A bell that others ring.
    Bell(watch::Receiver<u64>),
}

/// The ticks of one worker: at most one waits, the rest are counted as skipped.
pub(super) struct Ticks {
    queue: mpsc::Receiver<()>,
    skipped: Arc<AtomicU64>,
    period: Option<watch::Sender<Duration>>,
    _ticker: AbortOnDropHandle<()>,
}

impl Ticks {
    /// Starts ticking: the first time after `first`, from then on at `pace`.
    pub(super) fn start(pace: Pace, first: Duration) -> Self {
        let (sender, queue) = mpsc::channel(1);
        let skipped = Arc::new(AtomicU64::new(0));
        let hand = Hand { sender, skipped: Arc::clone(&skipped) };
        let (period, told) = match pace {
            Pace::Told(period) => Some(watch::channel(period)).unzip(),
            Pace::Every(_) | Pace::Bell(_) => (None, None),
        };
        let ticker = AbortOnDropHandle::new(tokio::spawn(hand.turn(pace, told, first)));
        Self { queue, skipped, period, _ticker: ticker }
    }

    /// From now on the next tick comes so long after the last one, where this was started as an interval that is told.
    pub(super) fn tell(&self, interval: Duration) {
        if let Some(period) = &self.period {
            period.send_if_modified(|period| std::mem::replace(period, interval) != interval);
        }
    }

    /// Waits for the next tick; `None` when there will be none.
    pub(super) async fn next(&mut self) -> Option<()> {
        self.queue.recv().await
    }

    /// The ticks skipped since this was last asked.
    pub(super) fn take_skipped(&self) -> u64 {
        self.skipped.swap(0, Ordering::Relaxed)
    }
}

/// A time within `spread`, different for every cell and every start.
pub(super) fn jitter(spread: Duration) -> Duration {
    spread.mul_f64(fastrand::f64())
}

struct Hand {
    sender: mpsc::Sender<()>,
    skipped: Arc<AtomicU64>,
}

impl Hand {
    async fn turn(self, pace: Pace, told: Option<watch::Receiver<Duration>>, first: Duration) {
        match pace {
            Pace::Told(_) => {
                if let Some(told) = told {
                    self.follow(told, first).await;
                }
            }
            Pace::Every(period) => {
                // A period of zero, which tokio refuses, can only be a mistake of the caller's.
                let period = period.max(Duration::from_millis(1));
                let mut interval = tokio::time::interval_at(Instant::now() + first, period);
                interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
                loop {
                    interval.tick().await;
                    self.strike();
                }
            }
            Pace::Bell(mut bell) => {
                tokio::time::sleep(first).await;
                bell.mark_unchanged();
                self.strike();
                while bell.changed().await.is_ok() {
                    self.strike();
                }
                // The bell is gone: keep the queue open, its worker is stopped by those who took the bell away.
                std::future::pending().await
            }
        }
    }

    /// Strikes at an interval that may change at any time. A change counts from the last tick; where that time has
    /// passed, ticks go on in its rhythm and nothing is made up for.
    async fn follow(self, mut told: watch::Receiver<Duration>, first: Duration) {
        let mut next = Instant::now() + first;
        let mut last = None;
        loop {
            tokio::select! {
                biased;
                changed = told.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(next) => {
                    self.strike();
                    last = Some(next);
                }
            }
            // Of zero, which would never end, it can only be by a mistake of the caller's.
            let period = (*told.borrow_and_update()).max(Duration::from_millis(1));
            if let Some(last) = last {
                next = after(last, period, Instant::now());
            }
        }
    }

    fn strike(&self) {
        if self.sender.try_send(()).is_err() {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The first of the times `last` + n × `period`, n ≥ 1, that lies after `now`.
fn after(last: Instant, period: Duration, now: Instant) -> Instant {
    let next = last + period;
    if next > now {
        return next;
    }
    let late = now.duration_since(next).as_nanos() % period.as_nanos();
    now + period - Duration::from_nanos(u64::try_from(late).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn ticks_keep_their_rhythm() {
        let began = Instant::now();
        let mut ticks = Ticks::start(Pace::Every(30 * SECOND), 3 * SECOND);
        for at in [3, 33, 63] {
            ticks.next().await.unwrap();
            assert_eq!(began.elapsed().as_secs(), at);
        }
        assert_eq!(ticks.take_skipped(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_tick_waits_and_the_rest_are_counted() {
        let mut ticks = Ticks::start(Pace::Every(10 * SECOND), Duration::ZERO);
        ticks.next().await.unwrap();
        // Ticks at 10, 20, 30 and 40 s fall into a poll that takes 45 s.
        tokio::time::sleep(45 * SECOND).await;
        assert_eq!(ticks.take_skipped(), 3);
        let began = Instant::now();
        ticks.next().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        ticks.next().await.unwrap();
        assert_eq!(began.elapsed(), 5 * SECOND);
        assert_eq!(ticks.take_skipped(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_told_interval_counts_from_the_last_tick_and_makes_up_for_nothing() {
        let began = Instant::now();
        let mut ticks = Ticks::start(Pace::Told(30 * SECOND), 3 * SECOND);
        let mut at = async || {
            ticks.next().await.unwrap();
            began.elapsed().as_secs()
        };
        assert_eq!([at().await, at().await], [3, 33]);
        // A poll of 2 s that found something running: the next one is due 10 s after the last tick.
        tokio::time::sleep(2 * SECOND).await;
        ticks.tell(10 * SECOND);
        let mut at = async || {
            ticks.next().await.unwrap();
            began.elapsed().as_secs()
        };
        assert_eq!([at().await, at().await], [43, 53]);
        // One of 35 s: a tick waits, two were skipped; told 7 s in the middle of it all, the rhythm is that of 7 s.
        tokio::time::sleep(35 * SECOND).await;
        assert_eq!(ticks.take_skipped(), 2);
        ticks.tell(7 * SECOND);
        let mut at = async || {
            ticks.next().await.unwrap();
            began.elapsed().as_secs()
        };
        assert_eq!([at().await, at().await, at().await], [88, 90, 97]);
        ticks.tell(60 * SECOND);
        ticks.tell(60 * SECOND);
        ticks.next().await.unwrap();
        assert_eq!((began.elapsed().as_secs(), ticks.take_skipped()), (157, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bell_rung_before_the_first_poll_adds_none() {
        let (ring, bell) = watch::channel(0);
        let mut ticks = Ticks::start(Pace::Bell(bell), 2 * SECOND);
        tokio::time::sleep(SECOND).await;
        ring.send_modify(|rung| *rung += 1);
        ticks.next().await.unwrap();
        assert!(tokio::time::timeout(60 * SECOND, ticks.next()).await.is_err());
        ring.send_modify(|rung| *rung += 1);
        assert!(tokio::time::timeout(SECOND, ticks.next()).await.is_ok());
    }

    #[test]
    fn deadlines_stay_within_their_bounds() {
        let deadline = |secs| Schedule::Every(Duration::from_secs(secs)).deadline().as_secs();
        assert_eq!([deadline(1), deadline(30), deadline(3600), deadline(u64::MAX)], [60, 300, 900, 900]);
        let spread = |secs| Schedule::Every(Duration::from_secs(secs)).spread().as_secs();
        assert_eq!([spread(1), spread(3600)], [1, 5]);
    }
}
