//! How many requests a piece of work sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    /// Where the present work's requests are counted. Not an argument of every call, as with `priority`.
    static HERE: Arc<AtomicU64>;
}

/// Adds every request that `work` sends to `count`, retries included. Holds in this task, not in others that the work
/// spawns.
pub fn counted<F: Future>(count: Arc<AtomicU64>, work: F) -> TaskLocalFuture<Arc<AtomicU64>, F> {
    HERE.scope(count, work)
}

/// A request was sent.
pub(super) fn sent() {
    // Outside of any poll nobody counts.
    HERE.try_with(|count| count.fetch_add(1, Ordering::Relaxed)).map(drop).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_counted_where_somebody_counts() {
        let count = Arc::default();
        sent();
        counted(Arc::clone(&count), async {
            sent();
            sent();
        })
        .await;
        sent();
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
