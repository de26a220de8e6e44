//! Answers as they come, down to runs, for `crate::fuzzing`.

use super::normalize::activity;
use super::wire::{CommandPage, InvocationPage, TaskPage};
use crate::model::{Batch, Label};
use crate::sources::lenient::Field;
use crate::transport::tencent::decode;

/// The answer of any action. Tasks are read as those of whatever invocations stand beside them.
pub(crate) fn answer(answer: &[u8]) -> Batch {
    let mut batch = Batch::default();
    let tasks = decode::<TaskPage>(answer).unwrap_or_default();
    let page = decode::<InvocationPage>(answer).unwrap_or_default();
    let name = Label::new("command");
    for row in page.invocation_set.items().iter().filter_map(Field::get) {
        let activity = match activity(row) {
            Ok(activity) => activity,
            Err(cause) => {
                batch.reject(cause);
                continue;
            }
        };
        let _over = activity.over();
        batch.items.extend(activity.items(&name));
        for share in &activity.shares {
            batch.observations.push(activity.observe(share, &name));
            let tasks = tasks.invocation_task_set.items().iter().filter_map(Field::get);
            batch.observations.extend(tasks.map(|task| activity.observe_task(share, &name, task)));
        }
    }
    let _commands = decode::<CommandPage>(answer);
    batch
}
