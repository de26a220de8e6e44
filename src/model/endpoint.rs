//! How the endpoints of accounts are doing.

/// Whether an endpoint is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    /// Freely.
    Closed,
    /// By one request, which tries whether it answers again.
    HalfOpen,
    /// Not for the moment: it failed again and again.
    Open,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// The label `state`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// One endpoint that an account uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointStatus {
    /// The account's name in the configuration.
    pub account: String,
    /// Host, and port unless it is the scheme's own.
    pub host: String,
    /// Whether it is asked.
    pub breaker: BreakerState,
}
