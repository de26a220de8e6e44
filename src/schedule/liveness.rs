//! Whether everything that polls is still there to do it: what the watchdog asks.
//!
//! Waiting is no hang where it has an end of its own or is somebody else's: a poll that hangs ends at its deadline, and
//! a worker may wait for the keeper as long as that waits for room on a disk. What must never happen is that a ticker
//! falls silent, or that a scout or a worker ends while it is wanted: its cells would not be polled again, and nobody
//! would be told.

use crate::model::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The list of all that must go on. Clones share it.
#[derive(Clone, Default)]
pub struct Liveness(Arc<Mutex<Roll>>);

#[derive(Default)]
struct Roll {
    last: u64,
    entries: BTreeMap<u64, Entry>,
}

struct Entry {
    name: String,
    due: Due,
}

/// When something must be heard of again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// Not at a time that is known.
    Open,
    /// On the monotonic clock.
    By(Instant),
    /// On the wall clock, as cron has it.
    At(Timestamp),
    /// It has ended, and nobody asked it to.
    Ended,
}

impl Liveness {
    fn roll(&self) -> MutexGuard<'_, Roll> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first of all that should have been heard of more than `grace` ago; `None` where everything goes on.
    pub fn silent(&self, now: Timestamp, grace: Duration) -> Option<String> {
        let instant = Instant::now();
        self.roll().entries.values().find_map(|entry| {
            let what = match entry.due {
                Due::By(due) if instant > due + grace => "has not ticked since it was due",
                Due::At(due) if now > due.plus(grace) => "has not rung since it was due",
                Due::Ended => "has ended by itself",
                _ => return None,
            };
            Some(format!("{} {what}", entry.name))
        })
    }

    /// When everything that has a known time is due, by name; `now` is the present on the wall clock.
    pub fn dues(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let instant = Instant::now();
        let due = |entry: &Entry| match entry.due {
            Due::By(due) => Some(now.plus(due.saturating_duration_since(instant))),
            Due::At(due) => Some(due),
            Due::Open | Due::Ended => None,
        };
        self.roll().entries.values().filter_map(|entry| Some((entry.name.clone(), due(entry)?))).collect()
    }

    /// The name of what rings for a source's cells that have a cron schedule.
    pub fn cron_of(source: &str, region: &str) -> String {
        let name = format!("{source}/{region}");
        format!("the cron schedule of {}", name.trim_end_matches('/'))
    }

    /// Puts something on the list, until what is given back is dropped.
    pub(crate) fn enrol(&self, name: String) -> Enrolled {
        let mut roll = self.roll();
        roll.last += 1;
        let id = roll.last;
        roll.entries.insert(id, Entry { name, due: Due::Open });
        Enrolled { sign: Sign { liveness: self.clone(), id } }
    }
}

/// A place on the list.
pub(crate) struct Enrolled {
    sign: Sign,
}

impl Enrolled {
    /// What the one that is on the list gives signs of life with.
    pub(crate) fn sign(&self) -> Sign {
        self.sign.clone()
    }

    /// What tells that the one on the list has ended, unless `stop` had been asked of it.
    pub(crate) fn mourner(&self, stop: &CancellationToken) -> Mourner {
        Mourner { sign: self.sign(), stop: stop.clone() }
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.sign.liveness.roll().entries.remove(&self.sign.id);
    }
}

/// Gives signs of life.
#[derive(Clone)]
pub(crate) struct Sign {
    liveness: Liveness,
    id: u64,
}

impl Sign {
    /// Alive, and to be heard of again by `due`.
    pub(crate) fn until(&self, due: Instant) {
        self.set(Due::By(due));
    }

    /// Alive, and to be heard of again when the wall clock shows `due`; whenever it likes where that is `None`.
    pub(crate) fn until_wall(&self, due: Option<Timestamp>) {
        self.set(due.map_or(Due::Open, Due::At));
    }

    /// Alive; somebody else knows when it is to be heard of again.
    pub(crate) fn open(&self) {
        self.set(Due::Open);
    }

    fn set(&self, due: Due) {
        if let Some(entry) = self.liveness.roll().entries.get_mut(&self.id)
            && entry.due != Due::Ended
        {
            entry.due = due;
        }
    }
}

/// Held by what must not end: dropped before it was asked to, however that comes, it tells.
pub(crate) struct Mourner {
    sign: Sign,
    stop: CancellationToken,
}

impl Drop for Mourner {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            self.sign.set(Due::Ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn noon() -> Timestamp {
        Timestamp::from_secs(1_763_726_400)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_named_and_what_comes_back_is_forgiven() {
        let liveness = Liveness::default();
        let ticker = liveness.enrol("a/b".into());
        let sign = ticker.sign();
        sign.until(Instant::now() + 10 * SECOND);
        tokio::time::advance(12 * SECOND).await;
        assert_eq!(liveness.silent(noon(), 5 * SECOND), None);
        tokio::time::advance(4 * SECOND).await;
        let said = liveness.silent(noon(), 5 * SECOND).unwrap();
        assert!(said.starts_with("a/b "), "{said}");
        sign.until(Instant::now() + SECOND);
        assert_eq!(liveness.silent(noon(), 5 * SECOND), None);
        tokio::time::advance(60 * SECOND).await;
        drop(ticker);
        assert_eq!(liveness.silent(noon(), 5 * SECOND), None);
    }

    #[test]
    fn a_bell_is_due_by_the_wall_clock_and_a_clock_set_back_only_moves_it() {
        let liveness = Liveness::default();
        let bell = liveness.enrol("cron".into());
        bell.sign().until_wall(Some(noon()));
        assert_eq!(liveness.silent(noon().minus(3600 * SECOND), SECOND), None);
        assert_eq!(liveness.silent(noon().plus(SECOND), SECOND), None);
        assert!(liveness.silent(noon().plus(3 * SECOND), SECOND).is_some());
        bell.sign().until_wall(None);
        assert_eq!(liveness.silent(noon().plus(3 * SECOND), SECOND), None);
    }

    #[test]
    fn an_end_that_was_asked_for_is_none() {
        let liveness = Liveness::default();
        let stop = CancellationToken::new();
        let (asked, unasked) = (liveness.enrol("asked".into()), liveness.enrol("unasked".into()));
        let (first, second) = (asked.mourner(&stop), unasked.mourner(&CancellationToken::new()));
        stop.cancel();
        drop(first);
        assert_eq!(liveness.silent(noon(), SECOND), None);
        drop(second);
        // Whatever sign comes after.
        unasked.sign().open();
        assert_eq!(liveness.silent(noon(), SECOND).as_deref(), Some("unasked has ended by itself"));
    }
}
