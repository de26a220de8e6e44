//! What is read on its own: a function, or one qualifier of it.

use super::listing::Listed;
use crate::model::{Label, TaskInfo, TaskKey};

/// A function, with the qualifier it is read by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) namespace: String,
    pub(super) function: String,
    pub(super) qualifier: Option<String>,
    /// What its gaps are kept under: the function, and the qualifier after a colon.
    pub(super) part: String,
    pub(super) task: TaskKey,
    pub(super) info: TaskInfo,
    /// Whether the configuration names the function.
    pub(super) configured: bool,
}

impl Target {
    /// One for each qualifier of `function`; one without, where none is configured.
    pub(super) fn of(namespace: &str, function: &Listed, qualifiers: &[String]) -> Vec<Self> {
        let one = |qualifier: Option<&String>| {
            let part = match qualifier {
                Some(qualifier) => format!("{}:{qualifier}", function.name),
                None => function.name.clone(),
            };
            Self {
                namespace: namespace.to_owned(),
                function: function.name.clone(),
                qualifier: qualifier.cloned(),
                task: TaskKey { task: Label::new(&part), ..TaskKey::default() },
                info: TaskInfo { task_type: function.runtime.clone(), ..TaskInfo::default() },
                configured: function.configured,
                part,
            }
        };
        match qualifiers {
            [] => vec![one(None)],
            some => some.iter().map(|qualifier| one(Some(qualifier))).collect(),
        }
    }
}
