//! Answers read outside a poll, the way a poll reads them: for benchmarks, and to try a recorded one.

use super::listing;
use super::names::Names;
use super::wire::{Envelope, InstancePage};
use crate::model::{Observation, Zone};
use crate::sources::lenient::Field;
use crate::transport::{Error, tencent};

/// One answer of ListInstances.
pub struct Page(Vec<Observation>);

impl Page {
    /// Reads the body of an answer whose times are in `zone`.
    ///
    /// # Errors
    /// Those of a call that is answered so.
    pub fn read(body: &[u8], zone: &Zone) -> Result<Self, Error> {
        let answer: Envelope<InstancePage> = tencent::decode(body)?;
        let Field::Value(InstancePage { items: Field::Value(items), .. }) = answer.data else {
            return Ok(Self(Vec::new()));
        };
        let names = Names::new();
        let rows = items.into_iter().filter_map(|item| listing::row(item, &names, zone).ok());
        Ok(Self(rows.map(|row| row.seen).collect()))
    }

    /// The runs: of each instance its newest round.
    pub fn runs(&self) -> &[Observation] {
        &self.0
    }
}
