//! The configuration: defaults < files in order < environment, strict, every problem named at once.

mod duration;
mod problem;
mod section;

pub use duration::Duration;
pub use problem::Problem;
pub use section::{BucketSection, Section};
