//! What may be asked of the batch service.

use crate::transport::Priority;
use reqwest::Method;

/// The only operations that are ever called: on this API a deletion is a GET that differs by one query value,
/// so nothing from outside may choose path or action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `GET /taskInstances?action=get`.
    TaskInstanceGet,
    /// `POST /flowInstances?action=search`.
    FlowInstanceSearch,
    /// `GET /flowInstances?action=get`.
    FlowInstanceGet,
    /// `GET /time?action=getTimeZone`.
    TimeZone,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 4] =
        [Self::TaskInstanceGet, Self::FlowInstanceSearch, Self::FlowInstanceGet, Self::TimeZone];

    /// Its name in metrics and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskInstanceGet => "taskInstances/get",
            Self::FlowInstanceSearch => "flowInstances/search",
            Self::FlowInstanceGet => "flowInstances/get",
            Self::TimeZone => "time/getTimeZone",
        }
    }

    pub(super) fn method(self) -> Method {
        match self {
            Self::FlowInstanceSearch => Method::POST,
            Self::TaskInstanceGet | Self::FlowInstanceGet | Self::TimeZone => Method::GET,
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::TaskInstanceGet => "batch-processing-service/v2.1/taskInstances",
            Self::FlowInstanceSearch | Self::FlowInstanceGet => "batch-processing-service/v2.1/flowInstances",
            Self::TimeZone => "batch-processing-service/v2.1/time",
        }
    }

    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::TaskInstanceGet | Self::FlowInstanceGet => "get",
            Self::FlowInstanceSearch => "search",
            Self::TimeZone => "getTimeZone",
        }
    }

    /// What it is for: all but the zone's are needed to know of a run.
    pub(super) const fn priority(self) -> Priority {
        match self {
            Self::FlowInstanceSearch | Self::FlowInstanceGet | Self::TaskInstanceGet => Priority::Current,
            Self::TimeZone => Priority::Discovery,
        }
    }

    /// Whether it reads for an organisation and a user.
    pub(super) const fn is_scoped(self) -> bool {
        !matches!(self, Self::TimeZone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_changes_anything_can_be_called() {
        for operation in Operation::ALL {
            assert!(["get", "search", "getTimeZone"].contains(&operation.action()));
            assert_eq!(operation.method() == Method::POST, operation.action() == "search");
            let name = format!("{}/{}", operation.path().rsplit('/').next().unwrap(), operation.action());
            assert_eq!(operation.name(), name);
        }
    }
}
