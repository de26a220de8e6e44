//! HTTP statuses that no envelope explains.

use super::{Code, Error};
use std::time::Duration;

/// The error that a status other than 200 stands for, where the body holds no code of the API.
pub(super) fn error(status: u16, retry_after: Option<Duration>) -> Error {
    let code = Code::from(format!("http_{status}"));
    match status {
        401 => Error::Auth {
            code,
            hint: "check the account's keys, and whether a proxy before the API asks for a login",
        },
        403 => Error::Auth {
            code,
            hint: "check the account's rights, and whether this machine's address is allowed",
        },
        429 => Error::Throttled { code, retry_after },
        400..=499 => Error::Rejected { code },
        500..=599 => Error::Server { code },
        // A redirect leads to a login page more often than to the API.
        _ => Error::Decode(format!("HTTP status {status}")),
    }
}
