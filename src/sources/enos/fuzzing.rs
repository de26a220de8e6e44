//! Answers as they come, down to runs, for `crate::fuzzing`.

use super::instant;
use super::interval::Intervals;
use super::normalize::{Flow, Reading};
use super::settings::DurationUnit;
use super::wire::{FlowInstance, Found, ServerZone, Single, TaskInstance};
use crate::model::{Batch, Timestamp, Zone};
use crate::sources::lenient::Field;
use crate::transport::enos::decode;
use std::time::Duration;

/// The answer of any operation.
pub(crate) fn answer(answer: &[u8]) -> Batch {
    let mut batch = Batch::default();
    let intervals = Intervals::default();
    let zone = decode::<Single<ServerZone>>(answer).ok().and_then(Single::into_one);
    let zone = zone.and_then(|told| Zone::parse(told.timezone.text())).unwrap_or_else(Zone::east8);
    let (unit, now) = (DurationUnit::Minutes, Timestamp::from_secs(1_750_000_000));
    let reading = Reading { zone, unit, intervals: &intervals, now };
    let one = decode::<Single<FlowInstance>>(answer).ok().and_then(Single::into_one);
    let found: Found = decode(answer).unwrap_or_default();
    for flow in found.flow_insts.items().iter().filter_map(Field::get).chain(&one) {
        let _ended = reading.ended(flow);
    }
    let flow = Flow { scheduled: true, ..Flow::default() };
    if let Some(task) = decode::<Single<TaskInstance>>(answer).ok().and_then(Single::into_one) {
        match reading.run(&task, &flow) {
            Ok(seen) => batch.observations.push(seen),
            Err(cause) => batch.reject(cause),
        }
    }
    batch
}

/// A cron expression as the API shows it.
pub(crate) fn interval(freq: &str) {
    assert_ne!(Intervals::default().of("", freq), Some(Duration::ZERO), "{freq}");
}

/// A time as the API writes it, in both ways.
pub(crate) fn instant(text: &str, zone: Zone) {
    let _java = instant::read_java(text, zone);
    let told = instant::read(&Field::Value(text.to_owned()), zone, &mut Vec::new());
    let times = instant::Times { planned: told, started: told, ended: told };
    assert_eq!(times.aligned(Timestamp::from_millis(i64::MAX)), times, "one time is in one zone");
}
