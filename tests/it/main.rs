//! The integration tests: one binary, so that everything is linked once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod clouds;
mod golden;
mod interop;
mod lint;
mod page;
mod rig;
mod simulator;
mod trouble;
mod truth;
