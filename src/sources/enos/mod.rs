//! EnOS.

#[cfg(feature = "simulator")]
pub mod fake;
