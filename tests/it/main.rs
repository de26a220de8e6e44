//! The integration tests: one binary, so that everything is linked once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests measure real time, read what `make test` tells them, and end where they are wrong"
)]

mod browser;
mod canary;
mod catalogue;
mod cli;
mod clouds;
mod crash;
mod dashboards;
mod disk;
mod downtime;
mod economy;
mod faults;
mod golden;
mod interop;
mod layering;
mod lint;
mod page;
mod proxy;
mod repository;
mod rig;
mod service;
mod serving;
mod simulator;
mod syscalls;
mod tls;
mod trouble;
mod truth;
mod virtual_time;
mod web_config;
mod withdraw;
