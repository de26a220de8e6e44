//! What can go wrong between here and a cloud.

use super::Code;
use super::remedy;
use crate::model::Reason;
use std::time::Duration;

/// Why a call failed. No variant holds a query, a header, a body or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The call's deadline passed.
    #[error("no whole answer within {0:?}; is the endpoint slow, or the account's timeout too short?")]
    Timeout(Duration),
    /// Name resolution, connection or TLS failed, or the connection ended before the whole answer.
    #[error("cannot reach {host}: {cause}")]
    Connect {
        /// Host and port.
        host: String,
        /// What the network said.
        cause: String,
    },
    /// The API asked to slow down.
    #[error("throttled by the API ({code}); other users of the same account share this limit{}", code.request())]
    Throttled {
        /// The API's code, or `http_429`.
        code: Code,
        /// How long the API asks to wait, bounded.
        retry_after: Option<Duration>,
    },
    /// The credentials, or their rights, were refused.
    #[error("access refused ({code}): {hint}{}", code.request())]
    Auth {
        /// The API's code, or `http_401`, `http_403`.
        code: Code,
        /// What to do about it.
        hint: &'static str,
    },
    /// No usable credentials could be had.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// The API refused the request.
    #[error("the API refused the request ({code}): {}{}", remedy::of(code), code.request())]
    Rejected {
        /// The API's code.
        code: Code,
    },
    /// The API, or what stands before it, is broken.
    #[error("the API failed ({code}){}", code.request())]
    Server {
        /// The API's code, or `http_5NN`.
        code: Code,
    },
    /// The answer is not what the API documents.
    #[error("answer not understood: {0}; is the endpoint really this API, with no login page before it?")]
    Decode(String),
    /// The answer was larger than is ever read.
    #[error("answer larger than {0} bytes")]
    TooLarge(usize),
    /// Another call, which this one needs, failed: nothing was asked of this one.
    #[error("{action}: {error}")]
    Before {
        /// The API's name of the call that failed.
        action: &'static str,
        /// What went wrong with it.
        error: Box<Self>,
    },
}

impl Error {
    /// The bounded form, for metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout(_) => Reason::Timeout,
            Self::Connect { .. } => Reason::Connect,
            Self::Throttled { .. } => Reason::Throttled,
            Self::Auth { .. } | Self::Credentials(_) => Reason::Auth,
            Self::Rejected { .. } => Reason::Rejected,
            Self::Server { .. } => Reason::Server,
            Self::Decode(_) => Reason::Decode,
            Self::TooLarge(_) => Reason::TooLarge,
            Self::Before { error, .. } => error.reason(),
        }
    }

    /// The API's own code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Throttled { code, .. }
            | Self::Auth { code, .. }
            | Self::Rejected { code }
            | Self::Server { code } => Some(code),
            Self::Before { error, .. } => error.code(),
            _ => None,
        }
    }

    /// This error as the answer to the request of that id, for whoever asks the provider about it.
    pub(super) fn of_request(mut self, id: Option<&str>) -> Self {
        if let Self::Throttled { code, .. }
        | Self::Auth { code, .. }
        | Self::Rejected { code }
        | Self::Server { code } = &mut self
        {
            code.answers(id);
        }
        self
    }

    /// Whether the API says that the whole account, or this machine's address, asks too much, and not of one action.
    ///
    /// **Source**: the common error codes of Tencent Cloud API 3.0.
    pub(super) fn is_account_wide(&self) -> bool {
        matches!(
            self,
            Self::Throttled { code, .. } if matches!(
                &**code,
                "RequestLimitExceeded.UinLimitExceeded"
                    | "RequestLimitExceeded.GlobalRegionUinLimitExceeded"
                    | "RequestLimitExceeded.IPLimitExceeded"
            )
        )
    }

    /// Whether the next poll is soon enough to ask again, though the API calls it a fault of its own.
    ///
    /// **Source**: EnOS says 62109 of an instance without a log too.
    pub(super) fn is_of_the_item(&self) -> bool {
        matches!(self, Self::Server { code } if **code == *"62109")
    }

    /// The label `code` of a request that ended so.
    pub(super) fn label(&self) -> &str {
        self.code().unwrap_or_else(|| self.reason().name())
    }
}

/// Why a client cannot be built: what to change in the configuration, or on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {message}")]
pub struct SetupError {
    /// The key of the account's configuration, or `tls`.
    pub option: &'static str,
    /// What is wrong with it and what to write instead.
    pub message: String,
}

impl SetupError {
    pub(super) fn new(option: &'static str, message: impl Into<String>) -> Self {
        Self { option, message: message.into() }
    }
}

/// One try that failed, with what its answer's headers told.
#[derive(Debug)]
pub(super) struct Failure {
    /// Why.
    pub(super) error: Error,
    /// How long the answer asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// The answer's `Date`.
    pub(super) date: Option<crate::model::Timestamp>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None, date: None }
    }
}

/// Where JSON could not be read. Without the parser's own words, which quote the text.
pub(super) fn unreadable(error: &serde_json::Error) -> Error {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "JSON that ends early",
        Category::Data => "a value of another type than documented",
        Category::Syntax | Category::Io => "not JSON",
    };
    Error::Decode(format!("{what}, at line {} column {}", error.line(), error.column()))
}
