//! The names of commands, which most answers leave out.

use super::api::Api;
use super::chunks::{Answer, in_chunks};
use super::normalize::Activity;
use super::wire::{DESCRIBE_COMMANDS, DescribeCommands, LIMIT};
use crate::model::{BoxFuture, Label, OpenRun};
use crate::sources::lenient::Field;
use crate::sources::memory::Memory;
use crate::sources::{PollError, during};
use crate::transport::Error;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A command run once and not kept has an id too, so there are more of them than of saved ones.
const REMEMBERED: usize = 20_000;

/// The `workflow` label of each command: its name, else its id.
///
/// The first word decides: a series must not change its name while the exporter runs, so a name learned later than
/// the id, or a command renamed, shows after the next restart without open runs of it.
#[derive(Debug)]
pub(super) struct Names(Memory<Arc<str>, Label>);

impl Names {
    /// No names yet.
    pub(super) fn new() -> Self {
        Self(Memory::of(REMEMBERED))
    }

    /// Takes over the names under which open runs are shown already.
    pub(super) fn learn(&self, open: &[OpenRun]) {
        for run in open.iter().filter(|run| !run.task.task_id.is_empty() && !run.task.workflow.is_empty()) {
            self.settle(&run.task.task_id, || run.task.workflow.clone());
        }
    }

    fn settle(&self, command: &str, name: impl FnOnce() -> Label) {
        let command: Arc<str> = command.into();
        if self.0.get(&command).is_none() {
            self.0.put(command, name());
        }
    }

    /// The label of a command that [`Names::complete`] has seen; its id for any other.
    pub(super) fn of(&self, command: &Arc<str>) -> Label {
        self.0.get(command).unwrap_or_else(|| Label::new(command))
    }

    /// Learns the name of every command among `activities`, asking for those that nobody tells. A look-up refused
    /// for good settles the id as the name and is handed back.
    ///
    /// # Errors
    /// A look-up that may succeed later: until then nothing is shown, because it would be shown under two names.
    pub(super) async fn complete(
        &self,
        api: &dyn Api,
        activities: &[Activity],
    ) -> Result<Option<PollError>, PollError> {
        for activity in activities {
            if let Some(name) = &activity.name {
                self.settle(&activity.command, || Label::new(name));
            }
        }
        let unnamed: BTreeSet<&Arc<str>> = activities
            .iter()
            .map(|activity| &activity.command)
            .filter(|id| self.0.get(id).is_none())
            .collect();
        if unnamed.is_empty() {
            return Ok(None);
        }
        let ids: Vec<String> = unnamed.iter().map(|id| id.to_string()).collect();
        let call = |command_ids: Vec<String>| -> BoxFuture<'_, Answer<(String, String)>> {
            Box::pin(async move {
                let answer = api.commands(&DescribeCommands { command_ids, limit: LIMIT }).await?;
                let commands = answer.command_set.items().iter().filter_map(Field::get);
                Ok(commands
                    .filter_map(|found| {
                        Some((found.command_id.get()?.clone(), found.command_name.get()?.clone()))
                    })
                    .collect())
            })
        };
        let mut found = Vec::new();
        let refused = match in_chunks(&ids, &mut found, call).await {
            Ok(refused) => refused,
            Err(error @ (Error::Auth { .. } | Error::Rejected { .. })) => Some(error),
            Err(error) => return Err(during(DESCRIBE_COMMANDS.name)(error)),
        };
        for (id, name) in found {
            self.settle(&id, || Label::new(&name));
        }
        for id in unnamed {
            self.settle(id, || Label::new(id));
        }
        Ok(refused.map(during(DESCRIBE_COMMANDS.name)))
    }
}
