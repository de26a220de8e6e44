//! The paths that cost: reading an answer, counting runs, publishing and handing out the page.
//!
//! Beside each stands the way it is usually done, in the same run: ratios hold on any machine, milliseconds on none.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot be set up ends here")]

mod answers;
mod counting;
mod fleet;
mod mirror;
mod publishing;
mod reading;
mod rendering;
mod walking;

fn main() {
    divan::main();
}
