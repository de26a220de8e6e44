//! Tencent Cloud Serverless Cloud Function (SCF), API version 2018-04-16.
//!
//! How it is read, and what becomes of every field, is in `sources/README.md`.

mod api;
#[cfg(feature = "simulator")]
pub mod fake;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod glob;
mod listing;
mod normalize;
mod page;
mod pages;
mod plan;
mod poll;
mod position;
mod progress;
mod settings;
mod span;
mod tally;
mod target;
mod wire;

pub use page::Page;

use super::{AccountClient, Kind, PollError, Read, Source, Toolbox, during};
use crate::config::{Problem, Section};
use crate::model::{BoxFuture, Buckets, CellKey, Intake, Label, Reach, Timestamp, Window, Zone};
use api::{Api, Region};
use listing::Catalogue;
use progress::Progress;
use settings::Settings;
use std::sync::Mutex;
use std::time::Duration;

/// Tencent Cloud Serverless Cloud Function.
pub(super) const KIND: Kind = Kind {
    name: "scf",
    docs: "SCF 2018-04-16, https://cloud.tencent.com/document/api/583/17235",
    provider: "tencentcloud",
    regional: true,
    buckets,
    natives: &[],
    check,
    figures: plan::FIGURES,
    plan: plan::plan,
    relief: "or name fewer functions",
    build,
    #[cfg(feature = "simulator")]
    face: || Box::new(&fake::PRODUCT),
};

/// How often `namespaces = ["*"]` asks again.
const REDISCOVER: Duration = Duration::from_secs(600);

/// How long a synchronous function may run.
const LONGEST_RUN: Duration = Duration::from_secs(900);

/// Functions are short: from milliseconds to the 900 s that one may run by default.
fn buckets() -> Buckets {
    Buckets {
        duration: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0]
            .into(),
        ..super::buckets::of_batch_work()
    }
}

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

fn build(section: &Section, region: &str, tools: &Toolbox) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings = read_settings(section)?;
    let AccountClient::Tencent(client) = &tools.account else {
        return Err(vec![section.problem("", "scf needs an account of provider \"tencentcloud\"")]);
    };
    let api = Region { client: client.clone(), name: region.to_owned() };
    Ok(Box::new(Functions::new(Box::new(api), &section.name, region, settings)))
}

/// The functions of one region.
struct Functions {
    api: Box<dyn Api>,
    source: Label,
    region: Label,
    settings: Settings,
    zone: Zone,
    catalogue: Catalogue,
    progress: Progress,
    /// Until when `GetFunctionLogs` is not asked again, because it is withdrawn here.
    offline: Mutex<Option<Timestamp>>,
}

impl Functions {
    fn new(api: Box<dyn Api>, source: &str, region: &str, settings: Settings) -> Self {
        Self {
            api,
            source: Label::new(source),
            region: Label::new(region),
            settings,
            zone: Zone::east8(),
            catalogue: Catalogue::default(),
            progress: Progress::default(),
            offline: Mutex::default(),
        }
    }

    fn cell(&self, namespace: &str) -> CellKey {
        CellKey {
            kind: KIND.name,
            source: self.source.clone(),
            region: self.region.clone(),
            project: Label::new(namespace),
        }
    }
}

impl Source for Functions {
    /// Rows are found by when their run *started*, but a row may only be there once its run has *ended*. So at the
    /// time a poll has read up to `to`, runs that started up to 900 s before it may still be without a row, and
    /// that row may take `settle` to arrive: every poll reads so much again. It costs no extra call where the rows of
    /// that time fit a page. Asynchronous functions may run 24 h; theirs are found because the API shows a running run
    /// with RetCode 2, which makes it an open run, and a poll reads back to the oldest of those, a day at most.
    fn reach(&self) -> Reach {
        Reach { lookback: self.settings.lookback.0, overlap: self.settings.settle.0 + LONGEST_RUN }
    }

    fn discover(&self) -> BoxFuture<'_, Result<Vec<CellKey>, PollError>> {
        Box::pin(async {
            let namespaces = match self.settings.every_namespace() {
                true => listing::namespaces(&*self.api).await.map_err(during("ListNamespaces"))?,
                false => self.settings.namespaces.clone(),
            };
            let mut cells: Vec<CellKey> = namespaces.iter().map(|name| self.cell(name)).collect();
            cells.sort();
            cells.dedup();
            Ok(cells)
        })
    }

    fn rediscover(&self) -> Option<Duration> {
        self.settings.every_namespace().then_some(REDISCOVER)
    }

    fn poll<'a>(
        &'a self,
        cell: &'a CellKey,
        window: &'a Window,
        intake: &'a dyn Intake,
    ) -> BoxFuture<'a, Result<Read, PollError>> {
        Box::pin(poll::poll(self, cell, window, intake))
    }
}

#[cfg(test)]
mod tests;
