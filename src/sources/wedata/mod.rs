//! Tencent Cloud WeData, API version 2021-08-20: instances of scheduled tasks.
//!
//! How it is read, and what becomes of every field, is in `sources/README.md`.

mod api;
mod course;
mod details;
#[cfg(feature = "simulator")]
pub mod fake;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod listing;
mod log;
mod names;
mod normalize;
mod page;
mod plan;
mod poll;
mod projects;
#[cfg(test)]
mod script;
mod settings;
mod slice;
mod trouble;
mod watch;
mod weight;
mod wire;

pub use page::Page;

use super::memory::Memory;
use super::{Kind, PollError, Read, Source, Toolbox, buckets};
use crate::config::{Problem, Section};
use crate::model::{BoxFuture, CellKey, Intake, Label, Reach, Window};
use api::{Api, Remote};
use names::Names;
use poll::Poll;
use settings::{ApiZone, Settings};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use watch::Watch;

/// Tencent Cloud WeData.
pub const KIND: Kind = Kind {
    name: NAME,
    docs: "WeData API 2021-08-20, https://cloud.tencent.com/document/product/1267",
    provider: "tencentcloud",
    regional: true,
    buckets: buckets::of_batch_work,
    natives: &[&normalize::STATE, &normalize::TRIES, &normalize::TRY_LIMIT],
    check,
    figures: plan::FIGURES,
    plan: plan::plan,
    relief: "or name fewer projects, or detail = \"failed\"",
    build,
    #[cfg(feature = "simulator")]
    face: || Box::new(&fake::PRODUCT),
};

const NAME: &str = "wedata";

/// How far before the watermark every poll reads again. A row may become visible some time after the moment it is
/// stamped with, and the two clocks may differ by the five minutes that the signature allows.
const OVERLAP: Duration = Duration::from_secs(300);

/// How often projects are looked for, where they are not configured.
const REDISCOVER: Duration = Duration::from_secs(600);

/// Instances whose details are remembered as read, per project.
const REMEMBERED: usize = 20_000;

fn check(section: &Section) -> Vec<Problem> {
    match section.settings::<Settings>() {
        Ok(settings) => {
            settings.problems().into_iter().map(|(key, message)| section.problem(key, message)).collect()
        }
        Err(problems) => problems,
    }
}

fn build(section: &Section, region: &str, toolbox: &Toolbox) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: Settings = section.settings()?;
    let problems = check(section);
    let client = toolbox.tencent(section)?;
    let Some(zone) = ApiZone::parse(&settings.time_zone).filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Box::new(WeData {
        source: Label::new(&section.name),
        region: Label::new(region),
        api: Box::new(Remote { client: Arc::clone(client), region: region.to_owned() }),
        settings,
        zone,
        keeps: Mutex::default(),
    }))
}

/// One configured source in one region.
struct WeData {
    source: Label,
    region: Label,
    api: Box<dyn Api>,
    settings: Settings,
    zone: ApiZone,
    keeps: Mutex<HashMap<Label, Arc<Keep>>>,
}

/// What is kept of one project between polls. A restart can lose it: it only saves calls.
struct Keep {
    /// The zone of every request and answer.
    zone: ApiZone,
    /// The names of tasks.
    names: Names,
    /// The stamps of instances whose details are read.
    read: Memory<Arc<str>, String>,
    /// How often an instance alone failed.
    strikes: Memory<Arc<str>, u8>,
    /// When everything unfinished was last listed.
    watch: Watch,
}

impl Keep {
    fn new(zone: ApiZone) -> Self {
        Self {
            zone,
            names: Names::new(),
            read: Memory::of(REMEMBERED),
            strikes: Memory::of(REMEMBERED),
            watch: Watch::default(),
        }
    }
}

impl WeData {
    fn keep(&self, project: &Label) -> Arc<Keep> {
        let mut keeps = self.keeps.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keeps.entry(project.clone()).or_insert_with(|| Arc::new(Keep::new(self.zone.clone()))))
    }

    fn cell(&self, project: &str) -> CellKey {
        CellKey {
            kind: NAME,
            source: self.source.clone(),
            region: self.region.clone(),
            project: Label::new(project),
        }
    }
}

impl Source for WeData {
    fn reach(&self) -> Reach {
        Reach { lookback: self.settings.lookback.0, overlap: OVERLAP }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        Box::pin(async move {
            if !self.settings.discovers() {
                return Ok(self.settings.projects.iter().map(|project| self.cell(project)).collect());
            }
            let found = projects::discover(self.api.as_ref(), &self.region).await?;
            Ok(found.iter().map(|project| self.cell(project)).collect())
        })
    }

    fn rediscover(&self) -> Option<Duration> {
        self.settings.discovers().then_some(REDISCOVER)
    }

    fn poll<'a>(
        &'a self,
        cell: &'a CellKey,
        window: &'a Window,
        intake: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(async move {
            let keep = self.keep(&cell.project);
            let poll = Poll {
                api: self.api.as_ref(),
                settings: &self.settings,
                keep: &keep,
                project: &cell.project,
                window,
                intake,
            };
            poll.run().await
        })
    }
}
