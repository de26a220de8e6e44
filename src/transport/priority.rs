//! Who goes first where not all calls can go at once.

use tokio::task::futures::TaskLocalFuture;

/// What a call is for, the most urgent first: a limit that is not enough for all is used in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Priority {
    /// What runs and what has just finished, and whatever such a call itself needs (a token).
    Current,
    /// What there is to be read.
    Discovery,
    /// More about what is counted already.
    Detail,
    /// Logs of what is counted already.
    Log,
    /// What finished long ago.
    Backfill,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Current, Self::Discovery, Self::Detail, Self::Log, Self::Backfill];

    /// Whether polls and surveys begin with it, so that it decides how they end.
    pub(super) const fn opens_a_poll(self) -> bool {
        matches!(self, Self::Current | Self::Discovery)
    }

    /// This, or what [`at`] says where that is less urgent.
    pub(super) fn here(self) -> Self {
        AT.try_with(|at| self.max(*at)).unwrap_or(self)
    }
}

tokio::task_local! {
    /// What the present work is for. Not an argument of every call: between whoever knows that he is catching up and
    /// the call stand the kinds' own traits, which have no other use for it.
    static AT: Priority;
}

/// Makes every call within `work` no more urgent than `priority`, whatever the action is for otherwise:
/// `at(Priority::Backfill, …)` around what catches up. Holds in this task, not in others that the work spawns.
pub fn at<F: Future>(priority: Priority, work: F) -> TaskLocalFuture<Priority, F> {
    AT.scope(priority.here(), work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_as_urgent_as_what_it_is_for() {
        let here = || [Priority::Current, Priority::Log].map(Priority::here);
        assert_eq!(here(), [Priority::Current, Priority::Log]);
        let inner = async { here() };
        assert_eq!(at(Priority::Detail, inner).await, [Priority::Detail, Priority::Log]);
        // What is done while catching up is not made urgent again by what it does.
        let nested = at(Priority::Backfill, async { at(Priority::Current, async { here() }).await });
        assert_eq!(nested.await, [Priority::Backfill; 2]);
        assert!(Priority::ALL.is_sorted());
    }
}
