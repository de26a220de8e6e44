//! Who is next.

use crate::transport::Priority;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Every so many turns, the one that has waited longest is next whatever it is for. So a caller that found `n` others
/// waiting has its turn within `8 × (n + 1)` turns, however many more urgent ones come after it.
pub(super) const OLDEST_EVERY: u64 = 8;

/// A place in the queue: what for, and when it was taken.
pub(super) type Ticket = (Priority, u64);

/// Those who wait for a turn.
#[derive(Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Ticket, Arc<Notify>>,
    issued: u64,
    turns: u64,
}

impl Queue {
    /// Takes a place. `call` is rung when it may be next.
    pub(super) fn join(&mut self, priority: Priority, call: Arc<Notify>) -> Ticket {
        let ticket = (priority, self.issued);
        self.issued += 1;
        self.waiting.insert(ticket, call);
        ticket
    }

    /// Whether `ticket` is next.
    pub(super) fn is_next(&self, ticket: Ticket) -> bool {
        self.next().is_some_and(|(next, _)| *next == ticket)
    }

    /// Gives `ticket` its turn.
    pub(super) fn served(&mut self, ticket: Ticket) {
        self.turns += 1;
        self.leave(ticket);
    }

    /// Gives the place up, if it is still held, and calls whoever is next.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if self.waiting.remove(&ticket).is_some() {
            self.call();
        }
    }

    /// Lets the next one look again.
    pub(super) fn call(&self) {
        if let Some((_, call)) = self.next() {
            call.notify_one();
        }
    }

    fn next(&self) -> Option<(&Ticket, &Arc<Notify>)> {
        if (self.turns + 1).is_multiple_of(OLDEST_EVERY) {
            let firsts = Priority::ALL.iter().filter_map(|priority| {
                self.waiting.range((*priority, u64::MIN)..=(*priority, u64::MAX)).next()
            });
            return firsts.min_by_key(|((_, issued), _)| *issued);
        }
        self.waiting.first_key_value()
    }
}
