//! The configuration: defaults < files in order < environment, strict, every problem named at once.
//!
//! A key's way: `document` and `environment` turn files and variables into layers, `layers` has figment merge them,
//! `reader` reads the parts as types, and each type checks itself. `findings` takes down what is wrong, with the
//! line that set it.

mod account;
mod changes;
mod document;
mod duration;
mod endpoint;
mod environment;
mod findings;
mod key;
mod layers;
mod limits;
mod log;
mod nearest;
mod problem;
mod quoted;
mod reader;
mod schedule;
mod secret;
mod section;
mod state;
mod web;

pub use account::{Account, AssumeRole, Credentials, EnosAccount, KeyRefs, TencentAccount};
pub use changes::Changes;
pub use duration::Duration;
pub use environment::{Variables, environment};
pub use limits::Limits;
pub use log::{Format, Log};
pub use nearest::nearest;
pub use problem::Problem;
pub use reader::keys_of;
pub use schedule::Schedule;
pub use secret::{Secret, SecretError, SecretRef};
pub use section::{BucketSection, Demand, Section};
pub use state::{Backend, State};
pub use web::Web;

use changes::Keys;
use document::Document;
use figment::value::Dict;
use findings::Findings;
use key::Key;
use layers::Layers;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The whole configuration, checked as far as it can be without knowing the kinds of sources.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// `[web]`
    pub web: Web,
    /// `[state]`
    pub state: State,
    /// `[log]`
    pub log: Log,
    /// `[limits]`
    pub limits: Limits,
    /// `[accounts.NAME]`, by name.
    pub accounts: BTreeMap<String, Account>,
    /// `[sources.NAME]`, by name.
    pub sources: Vec<Section>,
    /// The environment it was read with, for secrets that are kept there.
    pub env: Variables,
    keys: Keys,
}

/// The tables of the configuration; accounts and sources are read one by one.
#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Root {
    web: Web,
    state: State,
    log: Log,
    limits: Limits,
    accounts: BTreeMap<String, Dict>,
    sources: BTreeMap<String, Dict>,
}

impl Config {
    /// Reads `files` in order, and `env` over them; asks no more of sources than all kinds have in common.
    ///
    /// # Errors
    /// Every problem there is, in reading order.
    pub fn load(files: &[PathBuf], env: &BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        Self::read_with(Layers::read(files, env)?, env, |_, _| {})
    }

    /// Reads as [`Config::load`] does, and holds every source to what its kind asks.
    ///
    /// # Errors
    /// Every problem there is, in reading order.
    pub fn load_for(
        kinds: &[Demand],
        files: &[PathBuf],
        env: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Problem>> {
        Self::read_with(Layers::read(files, env)?, env, |config, findings| config.hold_to(kinds, findings))
    }

    /// Reads as [`Config::load_for`] does, from a text that is called `name` in problems.
    ///
    /// # Errors
    /// Every problem there is, in reading order.
    pub fn load_text(
        kinds: &[Demand],
        name: &str,
        text: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(name, text).map_err(|problem| vec![problem])?;
        let layers = Layers::merge(vec![document], env)?;
        Self::read_with(layers, env, |config, findings| config.hold_to(kinds, findings))
    }

    /// What this reading says otherwise than the one `before`.
    pub fn changes_since(&self, before: &Self) -> Changes {
        Changes::between(before, self)
    }

    fn hold_to(&self, kinds: &[Demand], findings: &mut Findings<'_>) {
        // A section without a kind has been named already.
        for section in self.sources.iter().filter(|section| !section.kind.is_empty()) {
            Demand::check(kinds, section, self.accounts.get(&section.account), findings);
        }
    }

    fn read_with(
        (layers, table): (Layers, Dict),
        env: &BTreeMap<String, String>,
        check: impl FnOnce(&Self, &mut Findings<'_>),
    ) -> Result<Self, Vec<Problem>> {
        let layers = Arc::new(layers);
        let mut findings = Findings::new(&layers);
        let config = Self::read(table, env, &layers, &mut findings);
        if let Some(config) = &config {
            check(config, &mut findings);
        }
        config.filter(|_| findings.is_empty()).ok_or_else(|| findings.into_problems())
    }

    fn read(
        table: Dict,
        env: &BTreeMap<String, String>,
        layers: &Arc<Layers>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let keys = Keys::of(&table);
        let Root { web, state, log, limits, accounts: account_tables, sources: source_tables } =
            reader::read(table, &Key::default(), findings)?;
        let at = |name: &str| Key::of(&[name]);
        web.check(&at("web"), findings);
        state.check(&at("state"), findings);
        log.check(&at("log"), findings);
        limits.check(&at("limits"), findings);
        for (name, empty) in [("accounts", account_tables.is_empty()), ("sources", source_tables.is_empty())]
        {
            if empty && !findings.touches(&at(name)) {
                findings.add(&at(name), format!("there is nothing to do; write at least one [{name}.NAME]"));
            }
        }
        // A broken account is still one that a source can name.
        let names: Vec<String> = account_tables.keys().cloned().collect();
        let mut accounts = BTreeMap::new();
        for (name, table) in account_tables {
            let key = at("accounts").child(&name);
            if let Some(account) = Account::read(table, &key, env, findings) {
                accounts.insert(name, account);
            }
        }
        let mut sources = Vec::new();
        for (name, table) in source_tables {
            let key = at("sources").child(&name);
            sources.extend(Section::read(table, &key, Some(&names), layers, findings));
        }
        Some(Self { web, state, log, limits, accounts, sources, env: Variables::new(env), keys })
    }
}

#[cfg(test)]
mod tests;
