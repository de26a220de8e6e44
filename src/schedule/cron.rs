//! Cron expressions, and the thread that rings their bells.
//!
//! tokio-cron-scheduler only ticks here. It would run jobs over each other, its tasks outlive its shutdown, and it looks
//! for the next time only after the last one has come. So it gets a runtime of its own, which ends with the fleet and
//! is made anew when the wall clock was set back; all its jobs do is ring a bell.

use super::liveness::Sign;
use crate::model::{Clock, Timestamp};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Activations that may wait inside the scheduler. Its default of 200 loses ticks when many are due in one second.
const ACTIVATIONS: usize = 4096;
/// How often the wall clock is compared with the monotonic one.
const WATCH_EVERY: Duration = Duration::from_secs(30);
/// A step back by less than this is left alone: clocks are nudged all the time.
const STEP_BACK: Duration = Duration::from_secs(2);

/// A cron expression with seconds, read in UTC: `0 */5 * * * *`.
///
/// Where both day of month and day of week are restricted, both must hold, as the scheduler reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronExpression(String);

/// Why a cron expression is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CronError {
    /// It cannot be read.
    #[error(
        "{0}; write six fields: second, minute, hour, day of month, month, day of week, like \"0 */5 * * * *\""
    )]
    Malformed(String),
    /// It names a time that never comes.
    #[error("the time it names never comes")]
    Never,
}

impl CronExpression {
    /// Reads an expression with the options that the scheduler itself uses.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_new(text: &str, clock: &dyn Clock) -> Result<Self, CronError> {
        let cron = read(text).map_err(|error| CronError::Malformed(error.to_string()))?;
        cron.find_next_occurrence(&date(clock.now()), false).map_err(|_| CronError::Never)?;
        Ok(Self(text.to_owned()))
    }

    /// How long nothing may be polled from `at` on: until the next tick or from there to the one after, whichever is
    /// longer. The next two ticks alone would not do for "every five minutes in the day": at its last tick in the
    /// evening they are five minutes apart, and the whole night lies before them.
    pub(super) fn interval(&self, at: Timestamp) -> Option<Duration> {
        let mut ticks = self.ticks(at);
        let (next, following) = (ticks.next()?, ticks.next()?);
        // Whole seconds, as cron has them: how long the poll took that ended at `at` is not of the schedule.
        let until = next.since(Timestamp::from_secs(at.secs())).unwrap_or_default();
        Some(until.max(following.since(next).unwrap_or_default()))
    }

    /// The ticks after `at`.
    pub fn ticks(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let cron = read(&self.0).ok();
        std::iter::successors(Some(date(at)), move |last| {
            cron.as_ref()?.find_next_occurrence(last, false).ok()
        })
        .skip(1)
        .map(|tick| Timestamp::from_millis(tick.timestamp_millis()))
    }
}

fn read(text: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build().parse(text)
}

fn date(at: Timestamp) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default()
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An expression and the bell it rings.
pub(super) struct Bell {
    /// When it rings.
    pub(super) expression: CronExpression,
    /// The bell.
    pub(super) ring: watch::Sender<u64>,
    /// Told when it is to ring next.
    pub(super) sign: Sign,
}

impl Bell {
    /// Tells when it is to ring next. What rings now may do so a moment early.
    fn promise(&self, clock: &dyn Clock) {
        self.sign.until_wall(self.expression.ticks(clock.now().plus(Duration::from_secs(1))).next());
    }
}

/// Rings bells until it is dropped.
pub(super) struct CronThread {
    _stop: DropGuard,
}

impl CronThread {
    /// Starts ringing.
    pub(super) fn start(bells: Vec<Bell>, clock: Arc<dyn Clock>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let bells: Vec<Arc<Bell>> = bells.into_iter().map(Arc::new).collect();
        // Before there is a thread: where there is none, its silence is noticed.
        bells.iter().for_each(|bell| bell.promise(&*clock));
        let started = std::thread::Builder::new()
            .name("cron".into())
            .spawn(move || while ring_until_stepped_back(&bells, &clock, &stopped) {});
        if let Err(error) = started {
            tracing::error!(%error, "no thread for cron schedules: their sources are polled once and not again");
        }
        Self { _stop: stop.drop_guard() }
    }
}

/// Rings until stopped, or until the wall clock was set back: then true, for the times found before lie too far ahead.
fn ring_until_stepped_back(bells: &[Arc<Bell>], clock: &Arc<dyn Clock>, stop: &CancellationToken) -> bool {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime for cron schedules: their sources are polled once and not again");
            return false;
        }
    };
    runtime.block_on(async {
        if let Err(error) = hang(bells, clock).await {
            tracing::error!(%error, "cron schedules cannot run: their sources are polled once and not again");
            return false;
        }
        tokio::select! {
            () = stop.cancelled() => false,
            () = stepped_back(&**clock) => true,
        }
    })
}

/// Makes a scheduler with a job for every bell and starts it.
async fn hang(bells: &[Arc<Bell>], clock: &Arc<dyn Clock>) -> Result<(), JobSchedulerError> {
    let scheduler = JobScheduler::new_with_channel_size(ACTIVATIONS).await?;
    for bell in bells {
        let (bell, clock) = (Arc::clone(bell), Arc::clone(clock));
        bell.promise(&*clock);
        let expression = bell.expression.clone();
        // `Job`, not `JobBuilder`: that one reads days differently for the first time and for all later ones.
        let job = Job::new(&expression.0, move |_, _| {
            bell.ring.send_modify(|rung| *rung += 1);
            bell.promise(&*clock);
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await
}

/// Waits until the wall clock has gone back against the monotonic one.
async fn stepped_back(clock: &dyn Clock) {
    loop {
        let (wall, monotonic) = (clock.now(), Instant::now());
        tokio::time::sleep(WATCH_EVERY).await;
        let expected = wall.plus(monotonic.elapsed());
        if expected.since(clock.now()).is_some_and(|back| back > STEP_BACK) {
            tracing::warn!("the system's clock was set back; cron schedules start over");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn bell_of(expression: CronExpression, ring: watch::Sender<u64>) -> Bell {
        let sign = crate::schedule::Liveness::default().enrol("a".into()).sign();
        Bell { expression, ring, sign }
    }

    /// A clock that stands still.
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1_763_726_400)
        }
    }

    #[test]
    fn expressions_are_checked_before_they_are_used() {
        let read = |text| CronExpression::try_new(text, &Noon);
        for good in ["0 */5 * * * *", "*/15 * * * * *", "0 0 3 * * MON-FRI", "@hourly"] {
            assert!(read(good).is_ok(), "{good}");
            assert!(Job::new(good, |_, _| {}).is_ok(), "{good}");
        }
        for bad in ["", "*/5 * * * *", "0 61 * * * *", "every day"] {
            assert!(matches!(read(bad), Err(CronError::Malformed(_))), "{bad}");
        }
        assert_eq!(read("0 0 0 30 2 *"), Err(CronError::Never));
    }

    #[test]
    fn the_interval_is_the_longest_rest_in_sight() {
        let secs = |text, at: i64| {
            let cron = CronExpression::try_new(text, &Noon).unwrap();
            cron.interval(Timestamp::from_secs(at)).unwrap().as_secs()
        };
        let noon = 1_763_726_400;
        assert_eq!([secs("0 */5 * * * *", noon), secs("0 */5 * * * *", noon + 2)], [300, 300]);
        assert_eq!(secs("0 0 0,18 * * *", noon + 6 * 3600), 18 * 3600);
        // The last tick of the day: the next two are five minutes apart, but far away.
        assert_eq!(secs("0 */5 8-17 * * *", noon + 5 * 3600 + 55 * 60), 14 * 3600 + 300);
    }

    #[tokio::test]
    async fn bells_ring_and_fall_silent_with_the_thread() {
        let (ring, mut bell) = watch::channel(0);
        let every_second = CronExpression::try_new("* * * * * *", &Noon).unwrap();
        let thread = CronThread::start(vec![bell_of(every_second, ring)], Arc::new(Noon));
        for _ in 0..2 {
            tokio::time::timeout(Duration::from_secs(20), bell.changed()).await.unwrap().unwrap();
        }
        drop(thread);
        // The senders go with the runtime: nothing the scheduler started is left.
        let silent = async { while bell.changed().await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(20), silent).await.unwrap();
    }

    struct Stepped(Instant, AtomicI64);

    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            let elapsed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
            Timestamp::from_millis(elapsed + self.1.load(Ordering::Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_real_step_back_starts_over() {
        let clock = Stepped(Instant::now(), AtomicI64::new(86_400_000));
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, stepped_back(&clock)).await.is_err());
        let step = async {
            tokio::time::sleep(Duration::from_secs(45)).await;
            clock.1.store(0, Ordering::Relaxed);
        };
        let (seen, ()) = tokio::join!(tokio::time::timeout(hour, stepped_back(&clock)), step);
        assert!(seen.is_ok());
    }
}
