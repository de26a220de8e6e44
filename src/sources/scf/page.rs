//! Answers read outside a poll, the way a poll reads them: for benchmarks, and to try a recorded one.

use super::listing::Listed;
use super::poll;
use super::target::Target;
use super::wire::LogsAnswer;
use crate::model::{Label, Observation, Zone};
use crate::transport::{Error, tencent};

/// One answer of GetFunctionLogs.
pub struct Page(Vec<Observation>);

impl Page {
    /// Reads the body of an answer about `function`.
    ///
    /// # Errors
    /// Those of a call that is answered so.
    pub fn read(body: &[u8], function: &str) -> Result<Self, Error> {
        let answer: LogsAnswer = tencent::decode(body)?;
        let listed = Listed { name: function.to_owned(), runtime: Label::empty(), configured: true };
        let targets = Target::of("default", &listed, &[]);
        let runs = targets.iter().flat_map(|target| {
            answer.data.items().iter().filter_map(|row| poll::run(row, target, Zone::east8()).ok())
        });
        Ok(Self(runs.collect()))
    }

    /// The runs.
    pub fn runs(&self) -> &[Observation] {
        &self.0
    }
}
