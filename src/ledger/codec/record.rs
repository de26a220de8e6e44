//! The fields of every record, in the order in which they are kept.

use super::scalar::kept_as;
use super::{Field, Malformed, Names, Reader};
use crate::model::{
    ActiveRun, CellKey, CellMeta, Facets, FailedRun, FinishedRun, Gap, Gaps, ItemRecord, ItemSet,
    LastSuccess, Native, OrderKey, Outcome, RejectCause, RunId, RunKey, RunState, Seen, Stretch, TaskInfo,
    TaskKey, TaskRecord, UnknownState,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Lists a record's fields.
macro_rules! record {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
            fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Field::get(from)?),* })
            }
            fn show(&self) -> Value {
                json!({ $(stringify!($field): self.$field.show()),* })
            }
            fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
                Ok(Self { $($field: field(value, stringify!($field), names)?),* })
            }
        }
    };
}

fn field<T: Field>(value: &Value, name: &'static str, names: &Names) -> Result<T, Malformed> {
    let at = |error| match error {
        Malformed::Kind(_) => error,
        error => Malformed::At(name, Box::new(error)),
    };
    T::read(value.get(name).unwrap_or(&Value::Null), names).map_err(at)
}

record!(RunId { instance, round });
record!(TaskKey { workflow, task, task_id });
record!(TaskInfo { task_type, cycle, owner, workflow_id });
record!(OrderKey { at, run });
record!(FinishedRun { order, outcome, planned, started, ended, duration, return_code, memory_bytes });
record!(FailedRun { order, outcome, ended, return_code });
record!(LastSuccess { order, ended });
record!(ActiveRun { run, state, parent, planned, since, last_poll, missed });
record!(ItemRecord { status, at, task });
record!(TaskRecord {
    since,
    heard,
    info,
    info_order,
    expected_interval,
    runs,
    durations,
    waits,
    memory,
    codes,
    other_codes,
    billed_micros,
    retries,
    revised,
    unknown_states,
    log_lines,
    log_bytes,
    last,
    successes,
    failures,
    older_failures,
    active,
    native,
});
record!(CellMeta {
    since,
    watermark,
    floor,
    polls,
    up,
    last_success,
    results,
    skipped_ticks,
    rejected,
    backlog,
    poll_durations,
    message,
    gaps,
});
record!(Gap { part, from, to });
record!(CellKey { kind, source, region, project });

/// Kept as a list, and not at all where there are none: the end of a record as it was before there were gaps. So they
/// have to be the last field of one.
impl Field for Gaps {
    fn put(&self, out: &mut Vec<u8>) {
        if !self.is_empty() {
            list(self).put(out);
        }
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        if from.left() == 0 {
            return Ok(Self::default());
        }
        let kept: Vec<Gap> = Field::get(from)?;
        let gaps: Self = kept.iter().cloned().collect();
        if gaps.is_empty() || list(&gaps) != kept { Err(Malformed::Not("a list of gaps")) } else { Ok(gaps) }
    }

    fn show(&self) -> Value {
        list(self).show()
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        match value {
            Value::Null => Ok(Self::default()),
            list => Ok(Vec::<Gap>::read(list, names)?.into_iter().collect()),
        }
    }
}

fn list(gaps: &Gaps) -> Vec<Gap> {
    let gap = |(part, Stretch { from, to }): (&Arc<str>, Stretch)| Gap { part: Arc::clone(part), from, to };
    gaps.stretches().map(gap).collect()
}

impl Field for &'static str {
    fn put(&self, out: &mut Vec<u8>) {
        Arc::<str>::from(*self).put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let name = Arc::<str>::get(from)?;
        from.context.names().kind(&name).ok_or_else(|| Malformed::Kind((*name).into()))
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        let name = value.as_str().ok_or(Malformed::Not("text"))?;
        names.kind(name).ok_or_else(|| Malformed::Kind(name.into()))
    }
}

/// A choice is kept as its place in a list, and shown as its name. Lists grow at their ends only.
macro_rules! choice {
    ($type:ty, $all:expr, $name:expr) => {
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let place = $all.iter().position(|known| known == self).unwrap_or_default();
                (place as u64).put(out);
            }
            fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
                let place = usize::try_from(u64::get(from)?).unwrap_or(usize::MAX);
                $all.get(place).copied().ok_or(Malformed::Not(concat!("a known ", stringify!($type))))
            }
            fn show(&self) -> Value {
                json!(($name)(*self))
            }
            fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
                let named = |known: &&Self| value.as_str() == Some(($name)(**known));
                $all.iter().find(named).copied().ok_or(Malformed::Not(concat!("a known ", stringify!($type))))
            }
        }
    };
}

const ITEM_SETS: [ItemSet; 2] = [ItemSet::TatInvocations, ItemSet::TatInvocationTasks];

choice!(Outcome, Outcome::ALL, Outcome::name);
choice!(RejectCause, RejectCause::ALL, RejectCause::name);
choice!(ItemSet, ITEM_SETS, |set| match set {
    ItemSet::TatInvocations => "tat_invocations",
    ItemSet::TatInvocationTasks => "tat_invocation_tasks",
});

/// The tag and text of a state: unknown ones keep their code, ended ones their outcome.
type State = (u8, Arc<str>);

/// The tag of an ended run; the tags before it are the places in [`RunState::CURRENT`].
const ENDED: u8 = 4;

fn state(of: &RunState) -> State {
    match of {
        RunState::Waiting => (0, "".into()),
        RunState::Queued => (1, "".into()),
        RunState::Running => (2, "".into()),
        RunState::Retrying => (3, "".into()),
        RunState::Finished(outcome) => (ENDED, outcome.name().into()),
        RunState::Unknown(code) => (u8::MAX, Arc::clone(&code.0)),
    }
}

kept_as!(RunState, State, state, |(tag, text)| match tag {
    0 => Self::Waiting,
    1 => Self::Queued,
    2 => Self::Running,
    3 => Self::Retrying,
    ENDED => match Outcome::ALL.into_iter().find(|outcome| outcome.name() == &*text) {
        Some(outcome) => Self::Finished(outcome),
        None => Self::Unknown(UnknownState(text)),
    },
    _ => Self::Unknown(UnknownState(text)),
});

/// Gauges are kept by name. One that this version does not have is dropped: nothing could show it.
impl Field for Native {
    fn put(&self, out: &mut Vec<u8>) {
        self.order.put(out);
        by_name(self).put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let (order, values) = Field::get(from)?;
        Ok(named(order, values, from.context.names()))
    }

    fn show(&self) -> Value {
        json!({ "order": self.order.show(), "values": by_name(self).show() })
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        Ok(named(field(value, "order", names)?, field(value, "values", names)?, names))
    }
}

fn by_name(native: &Native) -> Vec<(Arc<str>, f64)> {
    native.values.iter().map(|(gauge, value)| (gauge.name.into(), *value)).collect()
}

fn named(order: OrderKey, values: Vec<(Arc<str>, f64)>, names: &Names) -> Native {
    let values = values.into_iter().filter_map(|(name, value)| Some((names.native(&name)?, value)));
    Native { order, values: values.collect() }
}

/// Keys and what is seen have fixed lengths, so that a block of them can be searched and changed in place.
impl Field for RunKey {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        from.take(16)?.try_into().map(Self::from_bytes).map_err(|_| Malformed::Not("16 bytes"))
    }

    fn show(&self) -> Value {
        json!(hex::encode(self.to_bytes()))
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(value.as_str().unwrap_or(""), &mut bytes)
            .map_err(|_| Malformed::Not("32 hex digits"))?;
        Ok(Self::from_bytes(bytes))
    }
}

impl Field for Seen {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pack().to_be_bytes());
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let bytes = from.take(8)?.try_into().map_err(|_| Malformed::Not("8 bytes"))?;
        Self::unpack(u64::from_be_bytes(bytes)).ok_or(Malformed::Not("what is remembered of a run"))
    }

    fn show(&self) -> Value {
        json!({
            "outcome": self.outcome.show(),
            "facets": self.facets.0,
            "unknown": self.unknown,
            "at": self.at.show(),
        })
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        Ok(Self {
            outcome: field(value, "outcome", names)?,
            facets: Facets(field(value, "facets", names)?),
            unknown: field(value, "unknown", names)?,
            at: field(value, "at", names)?,
        })
    }
}
