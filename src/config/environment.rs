//! The environment: the last layer of the configuration, and where secrets may be.

use super::Problem;
use super::key::Key;
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What configuration variables begin with.
const PREFIX: &str = "TASKRUN_";
/// What stands between the levels of a key.
const LEVEL: &str = "__";

/// The variables of this process; those that are not UTF-8 are left out. The only place that reads them.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables as they were when the configuration was read. Shows how many there are, and no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Variables(Arc<BTreeMap<String, String>>);

impl Variables {
    pub(super) fn new(env: &BTreeMap<String, String>) -> Self {
        Self(Arc::new(env.clone()))
    }
}

impl Deref for Variables {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// The part of the environment that configures: `TASKRUN_LOG__LEVEL` is `log.level`.
///
/// A variable without `__` is not ours to read: Kubernetes gives every service's name to every container
/// (`TASKRUN_PORT`). All values are texts here; a text becomes a number, a list or a table only where the key's
/// type refuses a text, so that a value of digits alone stays as it is where a text is wanted.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    table: Dict,
    keys: BTreeSet<Key>,
}

impl Overrides {
    /// Picks them from `env`. Names are matched with those in `files` without regard to case and to `-` against
    /// `_`, because a variable's name can be neither of them.
    pub(super) fn of(env: &BTreeMap<String, String>, files: &Dict) -> (Self, Vec<Problem>) {
        let (mut overrides, mut problems) = (Self::default(), Vec::new());
        for (name, value) in env {
            let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| rest.contains(LEVEL)) else { continue };
            let key = resolve(rest, files);
            if !insert(&mut overrides.table, key.parts(), value) {
                problems.push(Problem::new(
                    "environment",
                    &key,
                    "another variable sets a part of this key; keep one of the two",
                ));
            }
            overrides.keys.insert(key);
        }
        (overrides, problems)
    }

    /// Whether a variable sets `key`, or something that it is a part of.
    pub(super) fn set(&self, key: &Key) -> bool {
        self.keys.iter().any(|set| key.within(set))
    }

    /// Whether a variable sets a part of `key`.
    pub(super) fn touch(&self, key: &Key) -> bool {
        self.keys.iter().any(|set| set.within(key))
    }
}

impl Provider for Overrides {
    fn metadata(&self) -> Metadata {
        Metadata::named("environment")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.table.clone()))
    }
}

/// The key a variable means: each level is the name in the files that it matches, else itself in lower case.
fn resolve(name: &str, files: &Dict) -> Key {
    let fold = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let mut level = Some(files);
    let parts: Vec<String> = name
        .split(LEVEL)
        .map(|part| {
            let lower = part.to_ascii_lowercase();
            let part = match level {
                Some(dict) if !dict.contains_key(&lower) => {
                    let mut matching = dict.keys().filter(|known| fold(known) == fold(part));
                    match (matching.next(), matching.next()) {
                        (Some(known), None) => known.clone(),
                        _ => lower,
                    }
                }
                _ => lower,
            };
            level = level.and_then(|dict| dict.get(&part)).and_then(Value::as_dict);
            part
        })
        .collect();
    Key::of(&parts)
}

/// Puts a text at a path; `false` where something else stands in the way.
fn insert(dict: &mut Dict, path: &[String], text: &str) -> bool {
    match path {
        [] => false,
        [last] => dict.insert(last.clone(), Value::from(text)).is_none(),
        [first, rest @ ..] => match dict.entry(first.clone()).or_insert_with(|| Value::from(Dict::new())) {
            Value::Dict(_, inner) => insert(inner, rest, text),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Document;

    fn overrides(vars: &[(&str, &str)], file: &str) -> (Overrides, Vec<Problem>) {
        let env = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let files =
            Document::parse("c.toml", file).unwrap().data().unwrap().remove(&Profile::Default).unwrap();
        Overrides::of(&env, &files)
    }

    #[test]
    fn only_names_with_levels_are_configuration() {
        let (found, problems) = overrides(
            &[("TASKRUN_PORT", "tcp://1.2.3.4"), ("TASKRUN_LOG__LEVEL", "debug"), ("OTHER__KEY", "x")],
            "",
        );
        assert!(problems.is_empty());
        assert_eq!(found.keys, [Key::of(&["log", "level"])].into());
    }

    #[test]
    fn names_in_the_files_are_found_whatever_their_case() {
        let (found, _) = overrides(
            &[("TASKRUN_SOURCES__NIGHTLY_BATCH__SCHEDULE", "5s"), ("TASKRUN_SOURCES__NEW_ONE__KIND", "tat")],
            "[sources.Nightly-Batch]\nkind = \"tat\"\n",
        );
        let keys: Vec<String> = found.keys.iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["sources.Nightly-Batch.schedule", "sources.new_one.kind"]);
    }

    #[test]
    fn a_variable_and_a_part_of_it_are_a_problem() {
        let (_, problems) =
            overrides(&[("TASKRUN_A__B", "default"), ("TASKRUN_A__B__C", "secret-value")], "");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].key, "a.b.c");
        assert!(!problems[0].message.contains("secret-value"));
    }
}
