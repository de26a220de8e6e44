//! From forecasts to what each limit has to carry, and what does not fit.

use super::assume::{Assumed, Assumptions};
use crate::app::build::every;
use crate::config::{Account, Config, Problem, Schedule as Written, Section};
use crate::model::{Clock, Timestamp};
use crate::schedule::{CronExpression, Schedule};
use crate::sources::{self, Called, Calls, Forecast, Kind, Scene};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long one call takes, in seconds, where nothing holds it up. The calls of one cell come one after the other.
const LATENCY: f64 = 0.1;

/// How far ahead a cron expression is looked at, and the most ticks that are.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
const TICKS: usize = 10_000;

/// One way in which a source is polled.
#[derive(Clone, PartialEq, Debug)]
pub struct Pace {
    /// The key that says so.
    pub key: &'static str,
    /// The mean time between two polls.
    pub interval: Duration,
    /// The shortest time between two polls.
    pub shortest: Duration,
    /// What is called then.
    pub forecast: Forecast,
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its account.
    pub account: String,
    /// Its schedule, as it is written.
    pub schedule: String,
    /// As scheduled; then, where it adapts, while runs are under way and while nothing happens.
    pub paces: Vec<Pace>,
    /// How long a poll of all its cells takes at the allowed rate, by pace.
    pub takes: Vec<Duration>,
    /// How long the first one takes.
    pub first_takes: Duration,
    /// What is assumed.
    pub assumed: Vec<Assumed>,
}

impl SourcePlan {
    /// As scheduled.
    pub fn usual(&self) -> &Pace {
        &self.paces[0]
    }
}

/// What one limit has to carry.
#[derive(Clone, Debug)]
pub struct Load {
    /// Whose limit it is.
    pub account: String,
    /// The action, or the one that stands for all where all share a limit.
    pub called: Called,
    /// The documented limit, in requests a second.
    pub documented: Option<f64>,
    /// What the configuration allows of it.
    pub allowed: f64,
    /// Calls a second by source: as scheduled, at the most, at the least.
    pub shares: Vec<(String, [f64; 3])>,
}

impl Load {
    /// Calls a second: as scheduled, at the most, at the least.
    pub fn per_second(&self) -> [f64; 3] {
        let sum = |which: usize| self.shares.iter().map(|(_, calls)| calls[which]).sum();
        [sum(0), sum(1), sum(2)]
    }
}

/// The action that stands for all of an account.
const ALL: &str = "*";

/// All of it.
#[derive(Clone, Debug)]
pub struct Outline {
    /// By account and action.
    pub loads: Vec<Load>,
    /// Calls a second of each action as scheduled, which tells more than the load where all share a limit.
    pub actions: Vec<(String, Called, f64)>,
    /// By source.
    pub sources: Vec<SourcePlan>,
    /// What cannot keep its schedule, and what to do.
    pub warnings: Vec<String>,
}

/// Says what `config` will call.
///
/// # Errors
/// Settings that cannot be read; those of a configuration that was loaded for its kinds can.
pub fn outline(config: &Config, assumptions: &Assumptions, now: Timestamp) -> Result<Outline, Vec<Problem>> {
    let mut outline =
        Outline { loads: Vec::new(), actions: Vec::new(), sources: Vec::new(), warnings: Vec::new() };
    let mut reliefs = Vec::new();
    for section in &config.sources {
        let (Some(kind), Some(account)) =
            (sources::kind(&section.kind), config.accounts.get(&section.account))
        else {
            continue;
        };
        let source = source(section, kind, account, assumptions, now)?;
        outline.add(&source, account, section);
        reliefs.push(kind.relief);
        outline.sources.push(source);
    }
    outline.warn(&reliefs, config);
    Ok(outline)
}

/// The fastest pace, and the slowest.
fn ends(paces: &[Pace]) -> (&Pace, &Pace) {
    let by = |pace: &&Pace| pace.shortest;
    (paces.iter().min_by_key(by).unwrap_or(&paces[0]), paces.iter().max_by_key(by).unwrap_or(&paces[0]))
}

fn source(
    section: &Section,
    kind: &'static Kind,
    account: &Account,
    assumptions: &Assumptions,
    now: Timestamp,
) -> Result<SourcePlan, Vec<Problem>> {
    let assumed = assumptions.of(&section.name, kind.figures);
    let of = |name: &str| assumed.iter().find(|one| one.figure.name == name).map_or(0.0, |one| one.value);
    let mut paces = Vec::new();
    for (key, interval, shortest) in rhythms(section, now)? {
        let interval = interval.max(Duration::from_millis(1));
        let forecast = (kind.plan)(section, &Scene { interval, figures: &of })?;
        paces.push(Pace { key, interval, shortest, forecast });
    }
    let takes = paces.iter().map(|pace| lasts(&pace.forecast.poll, pace.forecast.cells, account, section));
    Ok(SourcePlan {
        name: section.name.clone(),
        kind: kind.name,
        account: section.account.clone(),
        schedule: section.schedule.to_string(),
        takes: takes.collect(),
        first_takes: lasts(&paces[0].forecast.first, paces[0].forecast.cells, account, section),
        paces,
        assumed,
    })
}

/// The intervals of a section, mean and shortest; as scheduled first.
fn rhythms(
    section: &Section,
    now: Timestamp,
) -> Result<Vec<(&'static str, Duration, Duration)>, Vec<Problem>> {
    let fixed = |key, interval: Duration| (key, interval, interval);
    match &section.schedule {
        Written::Every(usual) => {
            let mut all = vec![fixed("schedule", usual.0)];
            all.extend(section.schedule_running.map(|running| fixed("schedule_running", running.0)));
            all.extend(section.schedule_idle.map(|idle| fixed("schedule_idle", idle.0)));
            Ok(all)
        }
        Written::Cron(text) => {
            let cron = CronExpression::try_new(text, &At(now))
                .map_err(|error| vec![section.problem_with("schedule", error.to_string())])?;
            let end = now.plus(WEEK);
            // Two at least, however far apart.
            let ticks: Vec<Timestamp> = cron
                .ticks(now)
                .take(TICKS)
                .enumerate()
                .take_while(|(n, tick)| *n < 2 || *tick <= end)
                .map(|(_, tick)| tick)
                .collect();
            let rests = ticks.windows(2).filter_map(|pair| pair[1].since(pair[0]));
            let shortest = rests.clone().min().unwrap_or(WEEK);
            let mean = rests.clone().sum::<Duration>() / u32::try_from(rests.count()).unwrap_or(1).max(1);
            Ok(vec![("schedule", if mean.is_zero() { WEEK } else { mean }, shortest)])
        }
    }
}

/// A clock that stands at a time.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// The limit of an action: what counts under it, the document's figure and what the configuration allows.
fn limit(called: Called, account: &Account, section: &Section) -> (Called, Option<f64>, f64) {
    match (account, called.per_second) {
        (Account::Tencent(account), Some(per_second)) => {
            // A limit is of a host: one for each region only where the regions have hosts of their own.
            let hosts = if account.endpoint.contains("{region}") { section.regions.len().max(1) } else { 1 };
            let hosts = f64::from(u32::try_from(hosts).unwrap_or(1));
            (called, Some(per_second * hosts), per_second * hosts * account.budget)
        }
        (Account::Tencent(_), None) => (called, None, f64::INFINITY),
        (Account::Enos(account), _) => {
            (Called { action: ALL, per_second: None, ..called }, None, account.requests_per_second)
        }
    }
}

/// How long so many calls of so many cells take, when nobody else calls.
fn lasts(calls: &Calls, cells: f64, account: &Account, section: &Section) -> Duration {
    let mut limits: Vec<(Called, f64)> = Vec::new();
    for (called, count) in calls {
        let (of, _, allowed) = limit(*called, account, section);
        match limits.iter_mut().find(|(known, _)| *known == of) {
            Some((_, secs)) => *secs += count / allowed,
            None => limits.push((of, count / allowed)),
        }
    }
    let limited = limits.iter().map(|(_, secs)| *secs).fold(0.0, f64::max);
    let waited = calls.iter().map(|(_, count)| count).sum::<f64>() / cells.max(1.0) * LATENCY;
    Duration::try_from_secs_f64(limited.max(waited)).unwrap_or(Duration::MAX)
}

/// Calls a second of each action at one pace.
fn per_second(pace: &Pace) -> Vec<(Called, f64)> {
    let polled =
        pace.forecast.poll.iter().map(|(called, count)| (*called, count / pace.interval.as_secs_f64()));
    let timed = pace.forecast.timed.iter().map(|(called, count, rest)| (*called, count / rest.as_secs_f64()));
    polled.chain(timed).collect()
}

impl Outline {
    fn add(&mut self, source: &SourcePlan, account: &Account, section: &Section) {
        let (fastest, slowest) = ends(&source.paces);
        for (which, pace) in [source.usual(), fastest, slowest].into_iter().enumerate() {
            for (called, rate) in per_second(pace) {
                if which == 0 {
                    self.actions.push((source.account.clone(), called, rate));
                }
                let (called, documented, allowed) = limit(called, account, section);
                let same = |load: &Load| {
                    load.account == source.account
                        && (load.called.service, load.called.action) == (called.service, called.action)
                };
                if !self.loads.iter().any(same) {
                    let account = source.account.clone();
                    self.loads.push(Load { account, called, documented, allowed, shares: Vec::new() });
                }
                let Some(load) = self.loads.iter_mut().find(|load| same(load)) else { continue };
                load.allowed = load.allowed.max(allowed);
                if !load.shares.iter().any(|(name, _)| *name == source.name) {
                    load.shares.push((source.name.clone(), [0.0; 3]));
                }
                if let Some((_, rates)) = load.shares.iter_mut().find(|(name, _)| *name == source.name) {
                    rates[which] += rate;
                }
            }
        }
    }

    fn warn(&mut self, reliefs: &[&str], config: &Config) {
        for (source, relief) in self.sources.iter().zip(reliefs) {
            for (pace, takes) in source.paces.iter().zip(&source.takes) {
                let most = pace.shortest.min(deadline(config, source, pace));
                if *takes > most {
                    self.warnings.push(format!(
                        "{}: a poll takes about {} at the allowed rate, and there are {} for it ({}); write a longer {}, {relief}",
                        source.name,
                        super::show::time(*takes),
                        super::show::time(most),
                        pace.key,
                        pace.key,
                    ));
                }
            }
        }
        for load in &self.loads {
            let [_, most, _] = load.per_second();
            let names: BTreeSet<&str> = load.shares.iter().map(|(name, _)| name.as_str()).collect();
            if most > load.allowed && names.len() > 1 {
                let names: Vec<&str> = names.into_iter().collect();
                self.warnings.push(format!(
                    "{}: {} {}: {} together make {} calls a second, and {} are allowed; write longer schedules, or an account for each",
                    load.account,
                    load.called.service,
                    load.called.action,
                    names.join(" and "),
                    super::show::number(most),
                    super::show::number(load.allowed),
                ));
            }
        }
    }
}

/// How long a poll may take before it is cut off.
fn deadline(config: &Config, source: &SourcePlan, pace: &Pace) -> Duration {
    let section = config.sources.iter().find(|section| section.name == source.name);
    let schedule = match section.map(|section| (section, &section.schedule)) {
        Some((section, Written::Every(usual))) => every(section, usual.0),
        _ => Schedule::Every(pace.interval),
    };
    schedule.deadline()
}
