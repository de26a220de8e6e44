//! One `[sources.NAME]`.

mod buckets;
mod demand;

pub use buckets::BucketSection;
pub use demand::Demand;

use super::account::check_name;
use super::findings::Findings;
use super::key::{Key, is_word};
use super::layers::Layers;
use super::nearest::nearest;
use super::quoted::is_short;
use super::reader::read;
use super::{Duration, Problem, Schedule};
use figment::value::{Dict, Value};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One configured source, its settings still unread: only its kind knows them.
#[derive(Clone)]
pub struct Section {
    /// The name after `sources.`; becomes the label `source`.
    pub name: String,
    /// `wedata`, `tat`, `scf`, `enos`. Not checked here: the configuration knows no kinds.
    pub kind: String,
    /// The account it reads with; exists.
    pub account: String,
    /// The regions to poll, without repetition; empty for kinds that have none.
    pub regions: Vec<String>,
    /// When it is polled.
    pub schedule: Schedule,
    /// How often it is polled while a run is under way; at most the schedule's interval.
    pub schedule_running: Option<Duration>,
    /// How often it is polled while nothing happens; at least the schedule's interval.
    pub schedule_idle: Option<Duration>,
    /// Histogram buckets that replace the kind's.
    pub buckets: BucketSection,
    /// The expected time between two runs of a task, where the source does not tell.
    pub expected_interval: Option<Duration>,
    settings: Dict,
    layers: Arc<Layers>,
}

/// What a section may hold. Required keys are options here, so that what else is wrong can be said too.
#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Table {
    kind: Option<String>,
    account: Option<String>,
    #[serde(deserialize_with = "regions")]
    regions: Vec<String>,
    schedule: Option<Schedule>,
    schedule_running: Option<Duration>,
    schedule_idle: Option<Duration>,
    buckets: BucketSection,
    expected_interval: Option<Duration>,
    settings: BTreeMap<String, Value>,
}

impl Section {
    /// Reads a section alone, from TOML as it would stand below `[sources.NAME]`, which counts as line 1: for the
    /// kinds' own tests. Settings stand below `[sources.NAME.settings]`.
    ///
    /// # Errors
    /// Every problem of the section itself; its settings are read by [`Section::settings`].
    pub fn parse(name: &str, toml: &str) -> Result<Self, Vec<Problem>> {
        use super::document::Document;
        let text = format!("[sources.{name}]\n{toml}");
        let document = Document::parse(name, &text).map_err(|problem| vec![problem])?;
        let (layers, table) = Layers::merge(vec![document], &BTreeMap::new())?;
        let table = Value::from(table).find(&format!("sources.{name}")).and_then(Value::into_dict);
        let layers = Arc::new(layers);
        let mut findings = Findings::new(&layers);
        let section =
            Self::read(table.unwrap_or_default(), &Key::of(&["sources", name]), None, &layers, &mut findings);
        section.filter(|_| findings.is_empty()).ok_or_else(|| findings.into_problems())
    }

    /// Reads and checks one, save its settings; its account must be among `accounts`, where they are given.
    /// What is missing is found, and stood in for, so that the settings can be checked nonetheless.
    pub(super) fn read(
        table: Dict,
        at: &Key,
        accounts: Option<&[String]>,
        layers: &Arc<Layers>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        check_name(at, findings);
        let table: Table = read(table, at, findings)?;
        let require = |findings: &mut Findings<'_>, key: &str, example: &str| {
            findings.add(&at.child(key), format!("is required; write {example}"));
        };
        if table.kind.as_deref().is_none_or(str::is_empty) {
            require(findings, "kind", "the kind of source, like \"tat\"");
        }
        match table.account.as_deref() {
            None | Some("") => require(findings, "account", "the name of one of your [accounts]"),
            Some(account) => check_account(account, accounts, at, findings),
        }
        if table.schedule.is_none() {
            require(findings, "schedule", "an interval, like \"30s\", or a cron expression with seconds");
        }
        check_bounds(&table, at, findings);
        if let Some(region) = twice(&table.regions) {
            findings.add(&at.child("regions"), format!("{region:?} is there twice"));
        }
        table.buckets.check(&at.child("buckets"), findings);
        if table.expected_interval.is_some_and(|interval| interval < Duration::from_secs(1)) {
            findings.add(&at.child("expected_interval"), "is at least \"1s\"");
        }
        Some(Self {
            name: at.parts().last()?.clone(),
            kind: table.kind.unwrap_or_default(),
            account: table.account.unwrap_or_default(),
            regions: table.regions,
            schedule: table.schedule.unwrap_or(Schedule::Every(Duration::from_secs(60))),
            schedule_running: table.schedule_running,
            schedule_idle: table.schedule_idle,
            buckets: table.buckets,
            expected_interval: table.expected_interval,
            settings: table.settings,
            layers: Arc::clone(layers),
        })
    }

    /// Reads the settings as the kind's own type, whose fields all need a default (`#[serde(default, deny_unknown_fields)]`).
    ///
    /// # Errors
    /// Every unknown key and wrong value found, with file, line and key.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        let mut findings = Findings::new(&self.layers);
        let settings = read(self.settings.clone(), &self.key().child("settings"), &mut findings);
        settings.filter(|_| findings.is_empty()).ok_or_else(|| findings.into_problems())
    }

    /// The settings' keys that were written, in alphabetical order.
    pub fn written(&self) -> Vec<&str> {
        self.settings.keys().map(String::as_str).collect()
    }

    /// The keys of a section.
    #[cfg(test)]
    pub(super) fn keys() -> Vec<&'static str> {
        super::keys_of::<Table>().to_vec()
    }

    /// Leaves out the settings, to compare the rest.
    #[cfg(test)]
    pub(super) fn forget_settings(&mut self) {
        self.settings.clear();
    }

    /// A problem with a key of the settings that only the kind could find: `lookback`, `filters.0.name`; `""` for
    /// the settings as a whole.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.problem_with(&format!("settings.{key}"), message)
    }

    /// A problem with a key of the section itself: `kind`, `account`, `regions.0`.
    pub fn problem_with(&self, key: &str, message: impl Into<String>) -> Problem {
        let parts: Vec<&str> = key.split('.').filter(|part| !part.is_empty()).collect();
        let key = self.key().join(&parts);
        Problem::new(self.layers.place(&key), &key, message)
    }

    pub(super) fn key(&self) -> Key {
        Key::of(&["sources", &self.name])
    }
}

fn check_account(account: &str, accounts: Option<&[String]>, at: &Key, findings: &mut Findings<'_>) {
    let Some(accounts) = accounts else { return };
    // One that could not be read at all has been named already.
    let known = accounts.iter().any(|name| name == account);
    if known || findings.broken(&Key::of(&["accounts", account])) {
        return;
    }
    let meant = nearest(account, accounts.iter().map(String::as_str));
    let hint = meant.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
    let named = if is_short(account) { format!("[accounts.{account}]") } else { "such account".to_owned() };
    findings.add(&at.child("account"), format!("there is no {named}{hint}"));
}

/// The bounds of a schedule that adapts lie on either side of it.
fn check_bounds(table: &Table, at: &Key, findings: &mut Findings<'_>) {
    let bounds = [("schedule_running", table.schedule_running), ("schedule_idle", table.schedule_idle)];
    for (name, bound) in bounds {
        let (Some(bound), Some(schedule)) = (bound, &table.schedule) else { continue };
        let wrong = match schedule {
            Schedule::Cron(_) => Some(
                "only an interval can adapt; write one as schedule, like \"30s\", or leave this out"
                    .to_owned(),
            ),
            Schedule::Every(_) if bound < Duration::from_secs(1) => {
                Some("an interval is at least \"1s\"".to_owned())
            }
            Schedule::Every(usual) if name == "schedule_running" && bound > *usual => Some(format!(
                "is {bound}, longer than the schedule of {usual}; while runs are under way polls come sooner"
            )),
            Schedule::Every(usual) if name == "schedule_idle" && bound < *usual => Some(format!(
                "is {bound}, shorter than the schedule of {usual}; while nothing happens polls come later"
            )),
            Schedule::Every(_) => None,
        };
        if let Some(message) = wrong {
            findings.add(&at.child(name), message);
        }
    }
}

fn twice(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)).map(|(_, name)| name)
}

/// One region of the list, so that each one's mistake has its own place.
struct Region(String);

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if is_word(&name) {
            return Ok(Self(name));
        }
        Err(D::Error::custom("is not a region; write one like \"ap-guangzhou\""))
    }
}

fn regions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<Region>::deserialize(deserializer)?.into_iter().map(|region| region.0).collect())
}

impl PartialEq for Section {
    /// Whether both say the same, wherever it is written.
    fn eq(&self, other: &Self) -> bool {
        let head = |s: &Self| (s.name.clone(), s.kind.clone(), s.account.clone(), s.regions.clone());
        head(self) == head(other)
            && self.schedule == other.schedule
            && self.schedule_running == other.schedule_running
            && self.schedule_idle == other.schedule_idle
            && self.buckets == other.buckets
            && self.expected_interval == other.expected_interval
            && self.settings == other.settings
    }
}

impl fmt::Debug for Section {
    /// Settings by key alone: values may be long, and a literal secret may be among them by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("account", &self.account)
            .field("regions", &self.regions)
            .field("schedule", &self.schedule)
            .field("settings", &self.written())
            .finish_non_exhaustive()
    }
}
