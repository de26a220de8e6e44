#![doc = include_str!("README.md")]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod expose;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod keeper;
pub mod ledger;
pub mod logs;
pub mod metrics;
pub mod model;
pub mod schedule;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod sources;
pub mod state;
pub mod systemd;
pub mod telemetry;
pub mod transport;
pub mod web_config;
