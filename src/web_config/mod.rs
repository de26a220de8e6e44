//! The web configuration file, in the format of Prometheus' exporter-toolkit: TLS, users, headers and a rate limit for
//! every page, read again whenever it or a file that it names has changed.
//!
//! What the format allows and Prometheus' own exporters take is taken here, but for what is weak or cannot be meant;
//! `tests/it/web_config.rs` holds the two to each other and lists each difference with its reason.
//!
//! **Source**: prometheus/exporter-toolkit, `docs/web-configuration.md`.

mod client;
mod file;
mod files;
mod gate;
mod hasher;
mod headers;
mod rate;
mod reader;
mod san;
mod suites;
#[cfg(test)]
mod tests;
mod tls;
mod users;
mod yaml;

pub use gate::{Gate, Refusal, Tell};
