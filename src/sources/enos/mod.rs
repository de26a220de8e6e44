//! Envision EnOS Batch Processing Service, v2.1.
//!
//! How it is read, and what becomes of every field, is in `sources/README.md`.

mod api;
#[cfg(feature = "simulator")]
pub mod fake;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gauges;
mod instant;
mod interval;
mod memo;
mod normalize;
mod plan;
mod poll;
mod search;
mod settings;
mod tally;
mod visit;
mod wire;
mod zone;

use super::{AccountClient, Kind, PollError, Read, Source, Toolbox};
use crate::config::{Problem, Section};
use crate::model::{BoxFuture, CellKey, Intake, Label, Reach, Window};
use api::Api;
use interval::Intervals;
use memo::Memo;
use normalize::Reading;
use poll::Poll;
use settings::{FlowType, Settings};
use std::collections::HashSet;
use std::time::Duration;
use tally::Tally;
use zone::ServerZone;

/// Envision EnOS Batch Processing Service.
pub(super) const KIND: Kind = Kind {
    name: "enos",
    docs: "Batch Processing Service v2.1, https://support.enos-iot.com/docs/batch-processing-api",
    provider: "enos",
    regional: false,
    buckets: super::buckets::of_batch_work,
    natives: &gauges::ALL,
    check,
    figures: plan::FIGURES,
    plan: plan::plan,
    relief: "or fewer flow_types, a shorter lookback, a higher requests_per_second",
    build,
    #[cfg(feature = "simulator")]
    face: || Box::new(fake::Fake::default()),
};

fn check(section: &Section) -> Vec<Problem> {
    read_settings(section).err().unwrap_or_default()
}

fn read_settings(section: &Section) -> Result<Settings, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let mistakes = settings.mistakes();
    match mistakes.is_empty() {
        true => Ok(settings),
        false => Err(mistakes.into_iter().map(|(key, message)| section.problem(key, message)).collect()),
    }
}

fn build(section: &Section, _: &str, tools: &Toolbox) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings = read_settings(section)?;
    let AccountClient::Enos(client) = &tools.account else {
        return Err(vec![section.problem("", "enos needs an account of provider \"enos\"")]);
    };
    let org = client.org_id().to_owned();
    Ok(Box::new(Batches::new(Box::new(client.clone()), &section.name, &org, settings)))
}

/// The batch flows of one organisation.
struct Batches {
    api: Box<dyn Api>,
    cell: CellKey,
    settings: Settings,
    flow_types: Vec<FlowType>,
    zone: ServerZone,
    intervals: Intervals,
    memo: Memo,
}

impl Batches {
    fn new(api: Box<dyn Api>, source: &str, org: &str, settings: Settings) -> Self {
        let mut flow_types = settings.flow_types.clone();
        flow_types.sort();
        flow_types.dedup();
        Self {
            api,
            cell: CellKey {
                kind: KIND.name,
                source: Label::new(source),
                region: Label::empty(),
                project: Label::new(org),
            },
            flow_types,
            zone: ServerZone::new(settings.zone()),
            settings,
            intervals: Intervals::default(),
            memo: Memo::default(),
        }
    }
}

impl Source for Batches {
    /// The search knows planned times only, so every poll reads the whole lookback anyway and the watermark decides
    /// nothing but what a restart need not read again. The overlap is for clocks that differ.
    fn reach(&self) -> Reach {
        Reach { lookback: self.settings.lookback.0, overlap: Duration::from_secs(300) }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        Box::pin(async { Ok(vec![self.cell.clone()]) })
    }

    fn rediscover(&self) -> Option<Duration> {
        None
    }

    fn poll<'a>(
        &'a self,
        _: &'a CellKey,
        window: &'a Window,
        intake: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(async move {
            let zone = self.zone.get(&*self.api, &self.cell.source).await?;
            let unit = self.settings.duration_unit;
            let reading = Reading { zone, unit, intervals: &self.intervals, now: window.to };
            let poll = Poll {
                source: self,
                window,
                intake,
                reading,
                tally: Tally::default(),
                scheduled: HashSet::new(),
            };
            match self.settings.task_instances.is_empty() {
                true => poll.read_found().await,
                false => poll.read_listed().await,
            }
        })
    }
}

#[cfg(test)]
mod tests;
