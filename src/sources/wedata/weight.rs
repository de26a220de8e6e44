//! What a failed call means for the calls after it.

use crate::sources::PollError;
use crate::transport::Error;

/// How heavy a failure weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    /// The exporter is stopping.
    Stop,
    /// It may succeed later.
    Transient,
    /// It is refused for this instance.
    Refused,
    /// It is refused whatever is asked.
    Forbidden,
}

/// Weighs a failed call.
pub(super) fn weigh(error: &PollError) -> Weight {
    let PollError::Call { error, .. } = error else { return Weight::Stop };
    match error {
        // Missing credentials are a trouble of the moment: the call before had some.
        Error::Timeout(_)
        | Error::Connect { .. }
        | Error::Throttled { .. }
        | Error::Credentials(_)
        | Error::Server { .. }
        | Error::Decode(_)
        | Error::Before { .. } => Weight::Transient,
        Error::Rejected { .. } | Error::TooLarge(_) => Weight::Refused,
        Error::Auth { .. } => Weight::Forbidden,
    }
}
