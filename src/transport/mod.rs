//! Calls to the clouds: limit, sign, send, cap the body, classify, retry.
//!
//! Nothing outside this module opens a connection to an API. Nothing that leaves it, error texts included, holds a
//! key, a signature, a query or a part of a body.

mod address;
mod body;
mod breaker;
mod call;
mod code;
mod connections;
pub mod enos;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod header;
mod http;
mod json;
mod limit;
mod priority;
mod remedy;
mod resolver;
mod retry;
mod skew;
mod status;
mod tally;
pub mod tencent;

#[cfg(test)]
mod stage;

pub use code::Code;
pub use connections::Trust;
pub use error::{Error, SetupError};
pub use http::{Answer, Carrier, Http, Request};
pub use priority::{Priority, at};
pub use tally::counted;
