//! Changes to right answers, whatever kind of API they are of.

use super::message::Asked;
use serde_json::Value;

/// Calls `change` with every field of this name, however deep.
pub(super) fn each(value: &mut Value, names: &[&str], change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if names.contains(&name.as_str()) {
                    change(field);
                } else {
                    each(field, names, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, names, change)),
        _ => {}
    }
}

/// Puts `new` wherever a field of this name is, unless it is null.
pub(super) fn put(value: &mut Value, names: &[&str], new: &Value) {
    each(value, names, &mut |field| {
        if !field.is_null() {
            *field = new.clone();
        }
    });
}

/// Where the lists of runs are, by the API's own names.
pub(super) const LISTS: &[&str] =
    &["Items", "InvocationSet", "InvocationTaskSet", "Data", "flowInsts", "Functions"];

/// The names of the totals beside them.
pub(super) const TOTALS: &[&str] = &["TotalCount", "count"];

/// The fields that become the labels `task` and `workflow`; no request names them.
pub(super) const NAMES: &[&str] = &["TaskName", "CommandName", "InstanceId", "taskName"];

/// Changes each list of runs.
pub(super) fn lists(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    each(value, LISTS, &mut |field| match field {
        Value::Array(_) => change(field),
        // `Data` is an object around the list in one API, and the list in another.
        other => lists(other, change),
    });
}

/// Puts `new` behind every `old`.
pub(super) fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        changed.extend_from_slice(&rest[..at]);
        changed.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    changed.extend_from_slice(rest);
    changed
}

/// A refusal by the API, as each API writes one.
pub(super) fn refusal(asked: &Asked, code: &str, number: i64) -> Value {
    if is_tencent(asked) {
        serde_json::json!({"Response": {"Error": {"Code": code, "Message": "no"}, "RequestId": "r"}})
    } else {
        serde_json::json!({"code": number, "msg": "no", "data": null})
    }
}

pub(super) fn is_tencent(asked: &Asked) -> bool {
    !asked.action.contains('.') && !asked.action.contains('/')
}
