//! The second that a server counts.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
/// How unevenly requests may arrive, at least, where the budget leaves nothing free for it: a thirtieth of the rate is
/// lost to that.
const LEAST_JITTER: Duration = Duration::from_millis(40);
/// The same at most.
const MOST_JITTER: Duration = Duration::from_secs(1);

/// The requests that may still stand in the server's present second.
///
/// **Why**: a server counts requests as they arrive, and two that leave a second apart arrive closer together where the
/// first took longer. So a request takes up a place from its sending until one second after it has certainly arrived:
/// it has when it is answered, or `jitter` after it was sent, whichever is first. Then no second of the server's can
/// hold more requests than there are places: take the one of that second that was sent last; of the others, each had
/// been sent before and had arrived, at the earliest, less than a second before it was sent, so each still had its
/// place. What is sent on a new connection may need longer than `jitter`; the complaint that this can cause is what
/// the cut of the rate is for.
pub(super) struct Window {
    places: usize,
    jitter: Duration,
    taken: VecDeque<Place>,
    next: u64,
}

/// One request.
struct Place {
    id: u64,
    free: Instant,
}

impl Window {
    /// A window of `limit` requests a second, of which the share `budget` is used on average.
    ///
    /// What is not used is what jitter may take up: with `limit` places of 1 s + jitter each, the jitter that leaves
    /// `limit × budget` a second is (1 − budget) / budget seconds.
    pub(super) fn new(limit: f64, budget: f64) -> Self {
        let jitter = Duration::try_from_secs_f64((1.0 - budget) / budget).unwrap_or(MOST_JITTER);
        // Rates are checked to be far below this.
        let places = (1..=100_000).find(|places: &u32| f64::from(*places) >= limit).unwrap_or(100_000);
        Self {
            places: usize::try_from(places).unwrap_or(usize::MAX),
            jitter: jitter.clamp(LEAST_JITTER, MOST_JITTER),
            taken: VecDeque::new(),
            next: 0,
        }
    }

    /// When a place is free.
    pub(super) fn free(&mut self, now: Instant) -> Instant {
        self.taken.retain(|place| place.free > now);
        if self.taken.len() < self.places {
            return now;
        }
        self.taken.iter().map(|place| place.free).min().unwrap_or(now)
    }

    /// Takes a place for a request that is sent now.
    pub(super) fn take(&mut self, now: Instant) -> u64 {
        let id = self.next;
        self.next += 1;
        self.taken.push_back(Place { id, free: now + self.jitter + SECOND });
        id
    }

    /// The request `id` was answered, or given up.
    pub(super) fn ended(&mut self, id: u64, now: Instant) {
        if let Some(place) = self.taken.iter_mut().find(|place| place.id == id) {
            place.free = place.free.min(now + SECOND);
        }
    }
}
