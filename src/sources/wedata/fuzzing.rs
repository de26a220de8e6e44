//! Answers as they come, down to runs, for `crate::fuzzing`.

use super::normalize::{rounds, row};
use super::wire::{Envelope, Instance, InstancePage, LogPage, ProjectPage};
use crate::model::{Batch, Zone};
use crate::sources::lenient::Field;
use crate::transport::tencent::decode;
use serde::de::DeserializeOwned;

fn data<T: DeserializeOwned>(answer: &[u8]) -> Option<T>
where
    Field<T>: DeserializeOwned,
{
    match decode::<Envelope<T>>(answer).ok()?.data {
        Field::Value(data) => Some(data),
        Field::Absent | Field::Malformed => None,
    }
}

/// The answer of any action.
pub(crate) fn answer(answer: &[u8]) -> Batch {
    let (mut batch, zone) = (Batch::default(), Zone::east8());
    let page: Option<InstancePage> = data(answer);
    let one: Option<Instance> = data(answer);
    let listed = page.as_ref().map_or(&[][..], |page| page.items.items());
    for instance in listed.iter().filter_map(Field::get).chain(&one) {
        match row(instance, &zone) {
            Ok(row) => batch.observations.push(row.seen),
            Err(cause) => batch.reject(cause),
        }
        match rounds(instance, &zone) {
            Ok(rounds) => batch.observations.extend(rounds.into_iter().map(|round| round.seen)),
            Err(cause) => batch.reject(cause),
        }
    }
    let _log: Option<LogPage> = data(answer);
    let _projects: Option<ProjectPage> = data(answer);
    batch
}
