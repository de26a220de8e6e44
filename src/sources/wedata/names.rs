//! The names of tasks, for rows that leave them out.

use super::wire::Instance;
use crate::model::OpenRun;
use crate::sources::lenient::Field;
use crate::sources::memory::Memory;

/// More tasks than one project has.
const REMEMBERED: usize = 50_000;

/// Workflow and task names by task id: a row without them must not found a second series for its task.
#[derive(Debug)]
pub(super) struct Names(Memory<String, (String, String)>);

impl Names {
    /// No names yet.
    pub(super) fn new() -> Self {
        Self(Memory::of(REMEMBERED))
    }

    /// Takes over the names under which open runs are shown already.
    pub(super) fn learn(&self, open: &[OpenRun]) {
        for run in open.iter().filter(|run| !run.task.task_id.is_empty()) {
            let id = run.task.task_id.to_string();
            if self.0.get(&id).is_none() {
                self.0.put(id, (run.task.workflow.to_string(), run.task.task.to_string()));
            }
        }
    }

    /// Fills in the names that `instance` leaves out, and remembers those it tells.
    pub(super) fn complete(&self, instance: &mut Instance) {
        let id = match (instance.task_id.get(), instance.instance_key.get()) {
            (Some(id), _) => id.clone(),
            (None, Some(key)) => key.rsplit_once('_').map_or("", |(id, _)| id).to_owned(),
            (None, None) => return,
        };
        let told = (instance.workflow_name.text().to_owned(), instance.task_name.text().to_owned());
        let known = self.0.get(&id);
        let (workflow, task) = known.clone().unwrap_or_default();
        let merged = (either(told.0, workflow), either(told.1, task));
        instance.workflow_name = field(&merged.0);
        instance.task_name = field(&merged.1);
        if known.as_ref() != Some(&merged) {
            self.0.put(id, merged);
        }
    }
}

fn either(told: String, known: String) -> String {
    if told.is_empty() { known } else { told }
}

fn field(text: &str) -> Field<String> {
    if text.is_empty() { Field::Absent } else { Field::Value(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_names_keeps_its_task() {
        let names = Names::new();
        let named = |workflow: &str, task: &str| Instance {
            instance_key: Field::Value("7_2025-03-28 00:00:00".into()),
            workflow_name: field(workflow),
            task_name: field(task),
            ..Instance::default()
        };
        names.complete(&mut named("flow", "step"));
        let mut bare = named("", "");
        names.complete(&mut bare);
        assert_eq!((bare.workflow_name.text(), bare.task_name.text()), ("flow", "step"));
        let mut renamed = named("", "step2");
        names.complete(&mut renamed);
        assert_eq!((renamed.workflow_name.text(), renamed.task_name.text()), ("flow", "step2"));
    }
}
