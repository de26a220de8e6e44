//! Reading the configuration again while running: all of it is taken over, or nothing.

use super::build::{Workshop, places};
use super::load;
use super::page::{LivePage, Place};
use super::run::POLL_GRACE;
use crate::cli::ConfigArgs;
use crate::config::{Changes, Config, Problem};
use crate::http::Reload;
use crate::metrics::Own;
use crate::model::{Clock, Desk};
use crate::schedule::{Fleet, Scheduled};
use crate::systemd;
use crate::telemetry::Telemetry;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A wish for a reload, and where its outcome goes: what has changed, or what is wrong.
pub(super) type Wish = oneshot::Sender<Result<String, String>>;

/// Where the configuration came from, for reading it again.
pub(super) struct Source {
    args: ConfigArgs,
}

impl Source {
    /// Of files.
    pub(super) fn new(args: ConfigArgs) -> Self {
        Self { args }
    }
}

/// What a reload replaces, and what it needs for that. There is one, so one reload waits for the other.
pub(super) struct Polling {
    /// What is in force.
    pub(super) config: Config,
    pub(super) fleet: Fleet,
    pub(super) workshop: Workshop,
    pub(super) source: Option<Source>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) page: Arc<LivePage>,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) own: Arc<Own>,
}

/// A configuration that can be taken over.
struct Prepared {
    config: Config,
    changes: Changes,
    scheduled: Vec<Scheduled>,
}

impl Polling {
    /// Reads the configuration again. If it is good, everything is polled as it says, with what is counted kept; if not,
    /// all goes on as it was.
    pub(super) async fn reload(mut self, wish: Option<Wish>) -> Self {
        systemd::reloading();
        let answer = match self.prepare() {
            Ok(prepared) => {
                let changes = &prepared.changes;
                let list = |names: &[String]| names.join(", ");
                let (added, removed) = (list(&changes.added), list(&changes.removed));
                let (changed, said) = (list(&changes.changed), changes.to_string());
                let untouched = self.take_over(prepared).await;
                tracing::info!(added, removed, changed, untouched, "configuration read again and taken over");
                Ok(format!("{said}; polled on without a break: {untouched}"))
            }
            Err(problems) => {
                for problem in &problems {
                    tracing::error!(problem, "configuration not taken over; polling goes on as before");
                }
                Err(problems.join("\n"))
            }
        };
        self.own.reloaded(answer.is_ok(), self.clock.now());
        if let Some(wish) = wish {
            // Whoever asked may have gone away.
            let _gone = wish.send(answer);
        }
        systemd::ready();
        self
    }

    /// Everything that can fail, before anything is changed.
    fn prepare(&mut self) -> Result<Prepared, Vec<String>> {
        let Some(source) = &self.source else {
            return Err(vec!["there is no configuration file to read again".to_owned()]);
        };
        let said = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        let config = load(&source.args).map_err(said)?;
        let changes = config.changes_since(&self.config);
        let fixed: Vec<&str> = changes.need_a_restart().collect();
        if !fixed.is_empty() {
            let fixed = fixed.join(", ");
            return Err(vec![format!(
                "{fixed}: cannot change while running; restart the exporter, or undo it"
            )]);
        }
        let scheduled = self.workshop.build(&config).map_err(said)?;
        self.telemetry.set_level(&config.log).map_err(|error| vec![error.to_string()])?;
        Ok(Prepared { config, changes, scheduled })
    }

    /// Polls as it says from now on. Returns how many sources and regions were not touched.
    async fn take_over(&mut self, Prepared { config, scheduled, .. }: Prepared) -> usize {
        let places = places(&scheduled);
        let untouched = self.fleet.replace(scheduled, POLL_GRACE).await;
        for cell in self.page.cells() {
            let place: Place = (cell.kind, cell.source.clone(), cell.region.clone());
            // Without a keeper the exporter is about to end.
            if !places.contains(&place) && self.desk.retire(cell).await.is_err() {
                break;
            }
        }
        self.config = config;
        untouched
    }
}

/// What HTTP asks for a reload with.
pub(super) fn reload_by(wishes: mpsc::Sender<Wish>) -> Reload {
    Box::new(move || {
        let wishes = wishes.clone();
        Box::pin(async move {
            let (wish, outcome) = oneshot::channel();
            let stopping = || "the exporter is stopping".to_owned();
            wishes.send(wish).await.map_err(|_| stopping())?;
            outcome.await.map_err(|_| stopping())?
        })
    })
}
