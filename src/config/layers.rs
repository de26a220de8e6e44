//! The layers of the configuration, merged by figment: defaults < files in order < environment.

use super::Problem;
use super::document::Document;
use super::environment::Overrides;
use super::key::Key;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Every layer, so that a value can be traced back to the line that set it.
#[derive(Debug, Default)]
pub(super) struct Layers {
    documents: Vec<Document>,
    overrides: Overrides,
}

impl Layers {
    /// Reads and merges them.
    ///
    /// # Errors
    /// Files that cannot be read or are not TOML. Nothing else is said then: what a broken file would have
    /// defined could only be missed.
    pub(super) fn read(
        files: &[PathBuf],
        env: &BTreeMap<String, String>,
    ) -> Result<(Self, Dict), Vec<Problem>> {
        let (mut documents, mut problems) = (Vec::new(), Vec::new());
        for file in files {
            match Document::open(file) {
                Ok(document) => documents.push(document),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Self::merge(documents, env) } else { Err(problems) }
    }

    /// Merges what has been read.
    ///
    /// # Errors
    /// Variables that contradict one another.
    pub(super) fn merge(
        documents: Vec<Document>,
        env: &BTreeMap<String, String>,
    ) -> Result<(Self, Dict), Vec<Problem>> {
        let mut engine = Figment::from(Defaults { state_directory: env.get("STATE_DIRECTORY").cloned() });
        for document in &documents {
            engine = engine.merge(document);
        }
        let (overrides, mut problems) = Overrides::of(env, &table_of(&engine)?);
        if problems.is_empty() {
            let table = table_of(&engine.merge(&overrides))?;
            return Ok((Self { documents, overrides }, table));
        }
        Problem::sort(&mut problems);
        Err(problems)
    }

    /// Whether the environment sets `key`.
    pub(super) fn in_environment(&self, key: &Key) -> bool {
        self.overrides.set(key)
    }

    /// Where `key` was set: file and line, or `environment`. Where it was not: where it would belong.
    pub(super) fn place(&self, key: &Key) -> String {
        let mut at = Some(key.clone());
        while let Some(key) = at {
            if let Some(place) = self.exact_place(&key) {
                return place;
            }
            at = key.parent();
        }
        self.documents.first().map_or("defaults", Document::name).to_owned()
    }

    fn exact_place(&self, key: &Key) -> Option<String> {
        if key.parts().is_empty() {
            return None;
        }
        if self.overrides.set(key) {
            return Some("environment".into());
        }
        let show = |(document, line): (&Document, usize)| format!("{}:{line}", document.name());
        let nodes = || self.documents.iter().filter_map(|d| Some((d, d.node(key)?)));
        // A later value replaces an earlier one, but a later table only adds: the first one is its home.
        nodes()
            .rfind(|(_, node)| !node.table)
            .or_else(|| nodes().next())
            .map(|(document, node)| show((document, node.line)))
            .or_else(|| self.overrides.touch(key).then(|| "environment".into()))
    }
}

fn table_of(engine: &Figment) -> Result<Dict, Vec<Problem>> {
    engine
        .data()
        .map(|mut profiles| profiles.remove(&Profile::Default).unwrap_or_default())
        .map_err(|error| vec![Problem::new("defaults", error.path.join("."), error.kind.to_string())])
}

/// The lowest layer: what depends on where the process runs. All other defaults are those of the types.
struct Defaults {
    /// Directories that systemd made for the state, separated by colons.
    state_directory: Option<String>,
}

impl Provider for Defaults {
    fn metadata(&self) -> Metadata {
        Metadata::named("defaults")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut table = Dict::new();
        let first = self.state_directory.as_deref().and_then(|all| all.split(':').next());
        if let Some(path) = first.filter(|path| !path.is_empty()) {
            let state = Dict::from([("path".to_owned(), Value::from(path))]);
            table.insert("state".to_owned(), state.into());
        }
        Ok(Profile::Default.collect(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_points_at_the_line_that_set_the_value() {
        let base = "[sources.x]\nkind = \"tat\"\nschedule = \"1s\"\n";
        let over = "\n\n[sources.x]\nschedule = \"2s\"\n";
        let documents = [("base.toml", base), ("over.toml", over)]
            .into_iter()
            .map(|(name, text)| Document::parse(name, text).unwrap())
            .collect();
        let env = [("TASKRUN_SOURCES__X__REGIONS".to_owned(), "[\"a\"]".to_owned())].into();
        let (layers, table) = Layers::merge(documents, &env).unwrap();
        let place = |parts: &[&str]| layers.place(&Key::of(parts));
        assert_eq!(place(&["sources", "x", "kind"]), "base.toml:2");
        assert_eq!(place(&["sources", "x", "schedule"]), "over.toml:4");
        assert_eq!(place(&["sources", "x", "account"]), "base.toml:1", "missing: the table's first home");
        assert_eq!(place(&["sources", "x", "regions", "0"]), "environment");
        assert_eq!(place(&["accounts"]), "base.toml");
        let schedule = Value::from(table).find("sources.x.schedule").and_then(Value::into_string);
        assert_eq!(schedule.as_deref(), Some("2s"));
    }
}
