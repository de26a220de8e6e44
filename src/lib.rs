#![doc = include_str!("README.md")]

pub mod cli;
pub mod clock;
pub mod config;
pub mod expose;
pub mod http;
pub mod keeper;
pub mod ledger;
pub mod metrics;
pub mod logs;
pub mod model;
pub mod schedule;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod sources;
pub mod state;
pub mod transport;
