//! The keeper and its ledger together: what is shown is kept, and whatever ends the process, each run counts once.

mod bytes;
mod crash;
mod life;
mod retention;
