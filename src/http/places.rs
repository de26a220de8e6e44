//! Places for connections, and which connection goes when there are none left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The places, shared by all listeners.
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// The connections that wait for their client, by the order in which they began to.
    waiting: Mutex<Waiting>,
    /// Told when another connection begins to wait.
    began: Notify,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Places {
    /// As many places.
    pub(super) fn new(count: usize) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Self { free, waiting: Mutex::default(), began: Notify::new() })
    }

    /// A place. Where all are taken, the connection that has waited longest for its client is closed for it: so those who
    /// come and ask are served, whoever holds the places. `None` where the places are no more.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.make_room().await?,
        };
        Some(Place { places: Arc::clone(self), leave: CancellationToken::new(), turn: None, _permit: permit })
    }

    async fn make_room(&self) -> Option<OwnedSemaphorePermit> {
        let mut freed = std::pin::pin!(Arc::clone(&self.free).acquire_owned());
        loop {
            let began = self.began.notified();
            let first = self.waiting().connections.pop_first();
            let nobody = first.is_none();
            if let Some((_, leave)) = first {
                leave.cancel();
            }
            tokio::select! {
                permit = &mut freed => return permit.ok(),
                () = began, if nobody => {}
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; free again when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    leave: CancellationToken,
    /// Its turn among those who wait.
    turn: Option<u64>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Cancelled when the connection has to make room.
    pub(super) fn leave(&self) -> CancellationToken {
        self.leave.clone()
    }

    /// From here on the connection waits for its client.
    pub(super) fn wait(&mut self) {
        self.work();
        let mut waiting = self.places.waiting();
        let turn = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(turn, self.leave.clone());
        drop(waiting);
        self.turn = Some(turn);
        self.places.began.notify_waiters();
    }

    /// From here on the client waits for an answer, which is not cut short for anybody.
    pub(super) fn work(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.places.waiting().connections.remove(&turn);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.work();
    }
}
