#![doc = include_str!("README.md")]

pub mod clock;
pub mod config;
pub mod model;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod sources;
pub mod transport;
