//! One piece of a source's work, run where it can do no harm.

use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long a task that was told to end may take to be gone. Only code that blocks a thread needs longer, and waiting
/// for that would hide it.
const SETTLE: Duration = Duration::from_secs(1);

/// Why an attempt did not come to its own end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// It took longer than this.
    Late(Duration),
    /// The exporter is stopping, or the cell is gone.
    Stopped,
    /// It panicked.
    Panicked,
}

/// Runs `work` in a task of its own until it ends, panics, is late or is to stop.
///
/// # Errors
/// The [`Cut`]. The task is gone by then.
///
/// # Cancel
/// The work is dropped at its next await.
pub(super) async fn contain<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    deadline: Duration,
    stop: &CancellationToken,
) -> Result<T, Cut> {
    let mut task = AbortOnDropHandle::new(tokio::spawn(work));
    let cut = tokio::select! {
        // What is done counts, even when the deadline or the stop comes in the same moment.
        biased;
        ended = &mut task => match ended {
            Ok(value) => return Ok(value),
            Err(error) if error.is_panic() => return Err(Cut::Panicked),
            Err(_) => return Err(Cut::Stopped),
        },
        () = stop.cancelled() => Cut::Stopped,
        () = tokio::time::sleep(deadline) => Cut::Late(deadline),
    };
    task.abort();
    if tokio::time::timeout(SETTLE, task).await.is_err() {
        tracing::error!("a poll blocks its thread and cannot be stopped; please report this");
    }
    Err(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_way_to_end_is_told_apart() {
        let stop = CancellationToken::new();
        let minute = Duration::from_secs(60);
        assert_eq!(contain(async { 7 }, minute, &stop).await, Ok(7));
        assert_eq!(contain(std::future::pending::<()>(), minute, &stop).await, Err(Cut::Late(minute)));
        assert_eq!(contain(async { panic!("on purpose") }, minute, &stop).await, Err::<(), _>(Cut::Panicked));
        stop.cancel();
        assert_eq!(contain(std::future::pending::<()>(), minute, &stop).await, Err(Cut::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn the_work_is_gone_when_the_cut_is_told() {
        let held = std::sync::Arc::new(());
        let work = std::sync::Arc::clone(&held);
        let hang = async move {
            let _held = work;
            std::future::pending::<()>().await;
        };
        let cut = contain(hang, Duration::from_secs(1), &CancellationToken::new()).await;
        assert!(cut.is_err());
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }
}
