//! Tencent Cloud Automation Tools (TAT), API version 2020-10-28: commands run on machines.
//!
//! How it is read, and what becomes of every field, is in `sources/README.md`.

mod api;
mod chunks;
#[cfg(feature = "simulator")]
pub mod fake;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod listing;
mod names;
mod normalize;
mod page;
mod plan;
mod poll;
#[cfg(test)]
mod script;
mod settings;
mod wire;

pub use page::Page;

use super::memory::Memory;
use super::{Kind, PollError, Read, Source, Toolbox, buckets};
use crate::config::{Problem, Section};
use crate::model::{BoxFuture, CellKey, Intake, Label, Reach, Window};
use api::{Api, Remote};
use listing::Progress;
use names::Names;
use poll::Poll;
use settings::Settings;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Tencent Cloud Automation Tools.
pub const KIND: Kind = Kind {
    name: NAME,
    docs: "TAT API 2020-10-28, https://cloud.tencent.com/document/product/1340",
    provider: "tencentcloud",
    regional: true,
    buckets: buckets::of_batch_work,
    natives: &[],
    check,
    figures: plan::FIGURES,
    plan: plan::plan,
    relief: "or filter for fewer commands",
    build,
    #[cfg(feature = "simulator")]
    face: || Box::new(&fake::PRODUCT),
};

const NAME: &str = "tat";

/// How far before the watermark every poll reads again. An invocation may become visible some time after the moment
/// it is stamped with, and the two clocks may differ by the five minutes that the signature allows.
const OVERLAP: Duration = Duration::from_secs(300);

/// Tasks remembered as ended before everything that is counted.
const REMEMBERED: usize = 50_000;

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
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Box::new(Tat {
        source: Label::new(&section.name),
        region: Label::new(region),
        api: Box::new(Remote { client: Arc::clone(client), region: region.to_owned() }),
        settings,
        keep: Keep::new(),
    }))
}

/// One configured source in one region.
struct Tat {
    source: Label,
    region: Label,
    api: Box<dyn Api>,
    settings: Settings,
    keep: Keep,
}

/// What is kept between polls. A restart can lose it.
struct Keep {
    /// The names of commands.
    names: Names,
    /// Tasks that ended before the floor: never counted, so never known to the state, and not to be asked about.
    past: Memory<Arc<str>, ()>,
    /// How far back a reading came that was cut short.
    progress: Mutex<Option<Progress>>,
}

impl Keep {
    fn new() -> Self {
        Self { names: Names::new(), past: Memory::of(REMEMBERED), progress: Mutex::new(None) }
    }

    fn progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, progress: Option<Progress>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

impl Source for Tat {
    fn reach(&self) -> Reach {
        Reach { lookback: self.settings.lookback.0, overlap: OVERLAP }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        let cell = CellKey {
            kind: NAME,
            source: self.source.clone(),
            region: self.region.clone(),
            project: Label::empty(),
        };
        Box::pin(std::future::ready(Ok(vec![cell])))
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
            let (api, settings, keep) = (self.api.as_ref(), &self.settings, &self.keep);
            Poll { api, settings, keep, window, intake }.run().await
        })
    }
}
