//! What differs between two readings of the configuration, by the names of keys alone.

use super::Config;
use figment::value::{Dict, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Every key that was set, with what it was set to.
#[derive(Clone, Default)]
pub(super) struct Keys(BTreeMap<String, Value>);

impl Keys {
    /// The keys of a merged table, tables taken apart and lists whole.
    pub(super) fn of(table: &Dict) -> Self {
        let mut keys = BTreeMap::new();
        collect("", table, &mut keys);
        Self(keys)
    }
}

impl PartialEq for Keys {
    /// A configuration is what it means: what was written and what was left out take no part.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Keys {
    /// Names alone: what the environment sets may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn collect(prefix: &str, table: &Dict, keys: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => collect(&key, inner, keys),
            other => drop(keys.insert(key, other.clone())),
        }
    }
}

/// What a reading of the configuration has that the one before had not, and the other way round. No values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// `sources.NAME` and `accounts.NAME` that are new.
    pub added: Vec<String>,
    /// `sources.NAME` and `accounts.NAME` that are gone.
    pub removed: Vec<String>,
    /// All other keys that were set, unset or set to something else.
    pub changed: Vec<String>,
}

impl Changes {
    pub(super) fn between(before: &Config, after: &Config) -> Self {
        // A default that is written out changes nothing.
        let same = [
            ("web", before.web == after.web),
            ("state", before.state == after.state),
            ("log", before.log == after.log),
            ("limits", before.limits == after.limits),
        ];
        let (before, after) = (&before.keys, &after.keys);
        let (old, new) = (sections(before), sections(after));
        let is_same =
            |key: &str| same.iter().any(|(table, same)| *same && key.split('.').next() == Some(*table));
        let differs = |key: &&String| !is_same(key) && before.0.get(*key) != after.0.get(*key);
        let in_both =
            |key: &&String| section(key).is_none_or(|name| old.contains(name) == new.contains(name));
        let keys: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
        Self {
            added: new.difference(&old).map(|name| (*name).to_owned()).collect(),
            removed: old.difference(&new).map(|name| (*name).to_owned()).collect(),
            changed: keys.into_iter().filter(differs).filter(in_both).cloned().collect(),
        }
    }

    /// Whether both readings say the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The changed keys that a running exporter cannot take over.
    pub fn need_a_restart(&self) -> impl Iterator<Item = &str> {
        let fixed = |key: &&str| {
            ["web.", "state.", "limits."].iter().any(|table| key.starts_with(table)) || *key == "log.format"
        };
        self.changed.iter().map(String::as_str).filter(fixed)
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing has changed");
        }
        let parts = [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        let told = parts.iter().filter(|(_, names)| !names.is_empty());
        let told: Vec<String> = told.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        f.write_str(&told.join("; "))
    }
}

/// The account or source that a key belongs to, as `sources.NAME`.
fn section(key: &str) -> Option<&str> {
    let rest = key.strip_prefix("sources.").or_else(|| key.strip_prefix("accounts."))?;
    let name = rest.find('.').unwrap_or(rest.len());
    Some(&key[..key.len() - rest.len() + name])
}

fn sections(keys: &Keys) -> BTreeSet<&str> {
    keys.0.keys().filter_map(|key| section(key)).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Demand};
    use std::collections::BTreeMap;

    const BASE: &str = "[accounts.a]\nprovider = \"tencentcloud\"\n\
        [sources.one]\nkind = \"tat\"\naccount = \"a\"\nregions = [\"r\"]\nschedule = \"30s\"\n";

    const TAT: Demand =
        Demand { kind: "tat", provider: "tencentcloud", regional: true, check: |_| Vec::new() };

    fn read(text: &str, env: &[(&str, &str)]) -> Config {
        let env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::load_text(&[TAT], "t.toml", text, &env).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    #[test]
    fn what_changed_is_named_and_no_value_is() {
        let before = read(BASE, &[]);
        let two = "[sources.two]\nkind = \"tat\"\naccount = \"a\"\nregions = [\"r\"]\nschedule = \"1m\"\n";
        let text = BASE.replace("\"30s\"", "\"45s\"\nsettings = { lookback = \"2h\" }") + two;
        let changes = read(&text, &[("TASKRUN_LOG__LEVEL", "debug")]).changes_since(&before);
        assert_eq!(
            changes.to_string(),
            "added: sources.two; changed: log.level, sources.one.schedule, sources.one.settings.lookback"
        );
        let back = before.changes_since(&read(&text, &[]));
        assert_eq!((back.removed.as_slice(), back.added.len()), (&["sources.two".to_owned()][..], 0));
        assert_eq!(before.changes_since(&before).to_string(), "nothing has changed");
        let spelt = read(&format!("{BASE}[web]\nmax_connections = 512\n"), &[]);
        assert!(spelt.changes_since(&before).is_empty(), "a default that is written out");
        // Nor does it matter where something stands.
        assert!(read(&format!("# a line more\n{BASE}"), &[]).changes_since(&before).is_empty());
    }

    #[test]
    fn keys_that_only_a_start_reads_are_told_apart() {
        let before = read(BASE, &[]);
        let env = [
            ("TASKRUN_WEB__LISTEN", "[\"127.0.0.1:1\"]"),
            ("TASKRUN_LOG__LEVEL", "debug"),
            ("TASKRUN_LOG__FORMAT", "json"),
            ("TASKRUN_LIMITS__RUNS", "1000"),
        ];
        let changes = read(BASE, &env).changes_since(&before);
        assert_eq!(changes.need_a_restart().collect::<Vec<_>>(), ["limits.runs", "log.format", "web.listen"]);
        let said = format!("{:?}", read(BASE, &[("TASKRUN_LOG__LEVEL", "info,secret=debug")]).keys);
        assert!(said.contains("log.level") && !said.contains("secret"), "{said}");
    }
}
