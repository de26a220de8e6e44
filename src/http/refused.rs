//! What is not served.

/// Why a request was not answered with what it asked for, or a connection was closed on its client. Bounded: it is the
/// value of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Name and password are missing or wrong.
    Unauthorized,
    /// More requests than the web configuration allows.
    RateLimit,
    /// More answers, or passwords, at once than are made.
    Busy,
    /// No TLS came about.
    Handshake,
    /// No whole request in time.
    SlowRequest,
    /// An answer was not read in time.
    SlowReader,
    /// Another connection needed the place.
    Crowded,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unauthorized,
        Self::RateLimit,
        Self::Busy,
        Self::Handshake,
        Self::SlowRequest,
        Self::SlowReader,
        Self::Crowded,
    ];

    /// The value of the label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::RateLimit => "rate_limit",
            Self::Busy => "busy",
            Self::Handshake => "handshake",
            Self::SlowRequest => "slow_request",
            Self::SlowReader => "slow_reader",
            Self::Crowded => "crowded",
        }
    }
}
