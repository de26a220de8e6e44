//! The integration tests: one binary, so that everything is linked once.
#![expect(missing_docs, clippy::unwrap_used, reason = "tests")]

mod page;
mod rig;
mod truth;
//! The integration tests: one binary, so that it is linked once.

mod clouds;
mod interop;
mod simulator;
