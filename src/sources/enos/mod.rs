//! EnOS.

#[cfg(feature = "simulator")]
pub(super) mod fake;
