//! How many calls a source makes, told before it is started.
//!
//! Each kind says it in `plan.rs`, as a pure function of its settings and of what is assumed of the world. Counts are
//! means over many polls, so they need not be whole.

use crate::config::{Problem, Section};
use crate::transport::tencent::Action;
use std::time::Duration;

/// What the configuration does not tell and the number of calls depends on. Of a source as a whole: its regions share it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    /// What it is called in `--assume SOURCE.NAME=N`.
    pub name: &'static str,
    /// What is taken where nobody tells.
    pub default: f64,
    /// What of the state tells it.
    pub kept: Option<Kept>,
    /// What it is, in a few words.
    pub help: &'static str,
}

/// What the state remembers of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Projects, namespaces or regions polled, not counting the one that stands for the discovery.
    Cells,
    /// Tasks.
    Tasks,
    /// Runs that finished in a day.
    RunsPerDay,
    /// The share of runs that failed or timed out.
    FailedShare,
    /// Runs that have not finished.
    OpenRuns,
}

/// What a forecast is made for.
pub struct Scene<'a> {
    /// From one poll to the next; above zero.
    pub interval: Duration,
    /// The value of each of the kind's [`Figure`]s.
    pub figures: &'a dyn Fn(&str) -> f64,
}

impl Scene<'_> {
    /// What is assumed of `figure`.
    pub(crate) fn of(&self, figure: &Figure) -> f64 {
        (self.figures)(figure.name).max(0.0)
    }

    /// How much of what happens `per_day` happens in so many seconds.
    pub(crate) fn in_secs(per_day: f64, secs: f64) -> f64 {
        per_day * secs / 86_400.0
    }

    /// How much of what happens `per_day` happens from one poll to the next.
    pub(crate) fn per_poll(&self, per_day: f64) -> f64 {
        Self::in_secs(per_day, self.interval.as_secs_f64())
    }

    /// How often in one poll something is done that is done at the first poll after `rest`.
    pub(crate) fn share(&self, rest: Duration) -> f64 {
        1.0 / (rest.as_secs_f64() / self.interval.as_secs_f64()).ceil().max(1.0)
    }
}

/// An action, and what its document says of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Called {
    /// The product.
    pub service: &'static str,
    /// The API's name of it.
    pub action: &'static str,
    /// The documented limit, in requests a second; `None` where all actions of an account share one that the
    /// configuration sets.
    pub per_second: Option<f64>,
}

impl From<&Action> for Called {
    fn from(action: &Action) -> Self {
        Self { service: action.service, action: action.name, per_second: Some(action.per_second) }
    }
}

/// Calls by action.
pub type Calls = Vec<(Called, f64)>;

/// The calls of one source, all its regions together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Forecast {
    /// What is polled as one unit; their polls run side by side.
    pub cells: f64,
    /// Of one poll of every cell, when there is nothing to catch up with.
    pub poll: Calls,
    /// What comes by time, whatever the schedule: so many calls, each time so long after the last.
    pub timed: Vec<(Called, f64, Duration)>,
    /// Of the first poll of every cell, which reads the lookback.
    pub first: Calls,
}

/// The forecast of a section in a scene. Its figures are those of its kind.
pub type Plan = fn(&Section, &Scene<'_>) -> Result<Forecast, Vec<Problem>>;

/// The pages that about `mean` rows take where a page holds `size` and one is always asked for.
///
/// The number of rows differs from poll to poll, by about the root of the mean; so two pages are often needed where the
/// mean is just below one.
pub(crate) fn pages(mean: f64, size: f64) -> f64 {
    let spread = mean.max(f64::EPSILON).sqrt();
    // How likely it is that there are more rows than k pages hold: the logistic curve is near enough to the normal one.
    let more = |k: f64| 1.0 / (1.0 + (1.702 * (k * size + 0.5 - mean) / spread).exp());
    let mut pages = 1.0;
    let mut k = 1.0;
    while k < mean / size + 20.0 {
        let likely = more(k);
        if likely < 1e-6 && k * size > mean {
            break;
        }
        pages += likely;
        k += 1.0;
    }
    pages
}

/// The calls for about `mean` things that come `each` at a time, up to `size` a call and none where nothing came. As if
/// they came evenly: at most that many, because two that come together share a call.
pub(crate) fn batches(mean: f64, each: f64, size: f64) -> f64 {
    mean.min(1.0) * pages(each * mean.max(1.0), size)
}

/// A number of things as a figure.
pub(crate) fn figure(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_the_mean_over_polls_that_differ() {
        let close = |mean: f64, size: f64, pages_: f64| (pages(mean, size) - pages_).abs() < 0.02;
        for (mean, expected) in [(0.0, 1.0), (100.0, 1.0), (200.0, 1.48), (300.0, 2.0), (10_000.0, 50.5)] {
            assert!(close(mean, 200.0, expected), "{mean}: {}", pages(mean, 200.0));
        }
    }

    #[test]
    fn batches_come_only_where_there_is_something() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-3;
        assert!(near(batches(0.0, 1.0, 100.0), 0.0));
        assert!(near(batches(0.25, 2.0, 100.0), 0.25));
        assert!(near(batches(3.0, 2.0, 100.0), 1.0));
        assert!(near(batches(1.0, 250.0, 100.0), 3.0));
    }

    #[test]
    fn what_is_done_after_a_rest_waits_for_the_next_poll() {
        let scene = |secs| Scene { interval: Duration::from_secs(secs), figures: &|_| 0.0 };
        let rest = Duration::from_secs(300);
        assert!((scene(60).share(rest) - 0.2).abs() < 1e-9);
        assert!((scene(70).share(rest) - 0.2).abs() < 1e-9);
        assert!((scene(3600).share(rest) - 1.0).abs() < 1e-9);
    }
}
