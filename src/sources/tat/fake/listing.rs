//! What all listings of TAT share: ids or filters, limit and offset, and newest first.

use super::command::Command;
use crate::simulator::Refusal;
use crate::simulator::tencent::Call;
use std::collections::BinaryHeap;

/// How long an invocation can be found, in seconds. The documents do not say; the console shows a month.
pub(super) const RETENTION: i64 = 30 * 86_400;

/// What a listing asks for.
pub(super) struct Query<'a> {
    pub(super) ids: Vec<&'a str>,
    filters: Vec<(&'a str, Vec<&'a str>)>,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

impl<'a> Query<'a> {
    /// Reads the arguments that all three listings take.
    pub(super) fn read(call: &Call<'a>, ids: &str, allowed: &[&str]) -> Result<Self, Refusal> {
        let refuse = |code: &'static str, text: &str| Err(Refusal::of(code, text));
        let ids = call.arguments.texts(ids)?;
        let filters = call.arguments.filters("Filters")?;
        if !ids.is_empty() && !filters.is_empty() {
            return refuse("InvalidParameter.ConflictParameter", "Ids and Filters exclude each other.");
        }
        if ids.len() > 100 {
            return refuse("InvalidParameterValue.LimitExceeded", "More than 100 ids.");
        }
        if filters.len() > 10 {
            return refuse("InvalidParameterValue.LimitExceeded", "More than 10 filters.");
        }
        if filters.iter().any(|(_, values)| values.len() > 5) {
            return refuse("LimitExceeded.FilterValueExceeded", "More than 5 values.");
        }
        if filters.iter().any(|(name, values)| !allowed.contains(name) || values.is_empty()) {
            return refuse("InvalidParameterValue.InvalidFilter", "A filter is not known, or empty.");
        }
        let limit = call.arguments.integer("Limit")?.unwrap_or(20);
        let offset = call.arguments.integer("Offset")?.unwrap_or(0);
        if !(1..=100).contains(&limit) || offset < 0 {
            return refuse(
                "InvalidParameterValue.LimitExceeded",
                "Limit is not in 1..=100, or Offset is negative.",
            );
        }
        Ok(Self { ids, filters, limit, offset })
    }

    /// Whether an id is among those asked for; any is where none are.
    pub(super) fn takes_id(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.contains(&id)
    }

    /// Whether a value passes every filter of this name.
    pub(super) fn takes(&self, name: &str, value: &str) -> bool {
        self.filters.iter().filter(|(known, _)| *known == name).all(|(_, values)| values.contains(&value))
    }

    /// The values that a filter of this name allows, `None` where there is no such filter.
    pub(super) fn values(&self, name: &str) -> Option<&[&'a str]> {
        self.filters.iter().find(|(known, _)| *known == name).map(|(_, values)| values.as_slice())
    }

    /// Whether a command's invocations may be taken at all.
    pub(super) fn takes_command(&self, command: &Command) -> bool {
        self.takes("command-id", &command.id())
            && self.takes("command-created-by", command.created_by())
            && self.takes("instance-kind", command.kind())
    }
}

/// The numbers of the invocations of `command` that can be found at `now`.
pub(super) fn kept(command: &Command, now: i64) -> std::ops::RangeInclusive<i64> {
    command.rhythm.between(now - RETENTION, now)
}

/// The newest invocations of all `commands`, as (place in `commands`, number), newest first.
pub(super) fn newest(commands: &[Command], now: i64) -> impl Iterator<Item = (usize, i64)> + '_ {
    let mut heap: BinaryHeap<(i64, usize, i64)> = commands
        .iter()
        .enumerate()
        .filter_map(|(n, command)| {
            let range = kept(command, now);
            (!range.is_empty()).then(|| (command.rhythm.at(*range.end()), n, *range.end()))
        })
        .collect();
    std::iter::from_fn(move || {
        let (_, n, k) = heap.pop()?;
        let rhythm = commands[n].rhythm;
        if rhythm.at(k - 1) >= now - RETENTION {
            heap.push((rhythm.at(k - 1), n, k - 1));
        }
        Some((n, k))
    })
}
