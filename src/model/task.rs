//! Tasks: what runs again and again, and what a series is about.

use super::Label;

/// What names a task inside its cell. The cell adds `kind`, `source`, `region` and `project`.
///
/// Empty parts are absent labels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TaskKey {
    /// The workflow, command or flow the task belongs to.
    pub workflow: Label,
    /// The task's own name.
    pub task: Label,
    /// The API's id of the task.
    pub task_id: Label,
}

impl TaskKey {
    /// The task that takes in what does not fit under a limit.
    pub fn overflow() -> Self {
        Self { task: Label::new("(overflow)"), ..Self::default() }
    }

    /// Whether this is the overflow task, whose "last run" would mean nothing.
    pub fn is_overflow(&self) -> bool {
        &*self.task == "(overflow)" && self.workflow.is_empty() && self.task_id.is_empty()
    }
}

/// What is told of a task beside its runs; empty where the source does not tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskInfo {
    /// The kind of work, in the API's words (`35`, `SHELL`, `Python3.9`).
    pub task_type: Label,
    /// The schedule's cycle, in the API's words (`D`, `I`, a cron expression).
    pub cycle: Label,
    /// Who is responsible.
    pub owner: Label,
    /// The API's id of the workflow.
    pub workflow_id: Label,
}

/// A gauge that one kind alone has, in its API's own words.
#[derive(Debug, PartialEq, Eq)]
pub struct NativeGauge {
    /// The family's name.
    pub name: &'static str,
    /// The family's HELP: one sentence.
    pub help: &'static str,
    /// The base unit, empty where there is none.
    pub unit: &'static str,
}
