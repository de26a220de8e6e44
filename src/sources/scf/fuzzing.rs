//! Answers as they come, down to runs, for `crate::fuzzing`.

use super::glob;
use super::normalize::run;
use super::wire::{FunctionsAnswer, LogsAnswer, NamespacesAnswer};
use crate::model::{Batch, TaskInfo, TaskKey, Zone};
use crate::sources::lenient::Field;
use crate::transport::tencent::decode;

/// The answer of any action.
pub(crate) fn answer(answer: &[u8]) -> Batch {
    let mut batch = Batch::default();
    let logs = decode::<LogsAnswer>(answer).unwrap_or_default();
    for row in logs.data.items().iter().filter_map(Field::get) {
        match run(row, &TaskKey::default(), &TaskInfo::default(), Zone::east8()) {
            Ok(seen) => batch.observations.push(seen),
            Err(cause) => batch.reject(cause),
        }
    }
    let functions = decode::<FunctionsAnswer>(answer).unwrap_or_default();
    for function in functions.functions.items().iter().filter_map(Field::get) {
        // A name is no pattern; as one it must not cost more than a moment either.
        let _matches = glob::matches(function.function_name.text(), function.runtime.text());
    }
    let _namespaces = decode::<NamespacesAnswer>(answer);
    batch
}
