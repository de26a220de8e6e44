//! Calls to the clouds: limit, sign, send, cap the body, classify, retry.

pub mod enos;
mod error;
pub mod tencent;

pub use error::Error;
