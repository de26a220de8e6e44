//! The watchdog: says that work goes on, to the service manager and to `/-/healthy`, and only while it does.
//!
//! That this task runs shows that the runtime does. Beyond that the keeper's thread must have taken a step since it was
//! asked for one, and no ticker, scout or worker may have fallen silent. A slow or dead upstream, a full disk and a client
//! that does not read are trouble, but no restart cures them: none of them counts here.

use crate::keeper::Keeper;
use crate::model::Clock;
use crate::schedule::Liveness;
use crate::systemd;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked where no service manager says how often it wants to hear.
const USUAL: Duration = Duration::from_secs(20);

/// What the watchdog found last. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Health(Arc<ArcSwapOption<String>>);

impl Health {
    /// What does not go on that should.
    pub(super) fn trouble(&self) -> Option<Arc<String>> {
        self.0.load_full()
    }
}

/// Looks after keeper and schedule.
pub(super) struct Watchdog {
    keeper: Keeper,
    liveness: Liveness,
    clock: Arc<dyn Clock>,
    health: Health,
    beats: Option<u64>,
}

impl Watchdog {
    /// A watchdog that has not looked yet.
    pub(super) fn new(keeper: Keeper, liveness: Liveness, clock: Arc<dyn Clock>, health: Health) -> Self {
        Self { keeper, liveness, clock, health, beats: None }
    }

    /// Looks again and again, and tells the service manager while all is well. Never ends.
    pub(super) async fn run(mut self) {
        let every = systemd::watchdog_interval().unwrap_or(USUAL);
        loop {
            if self.look(every) {
                systemd::alive();
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Whether all goes on; what is late by less than `grace` is taken to.
    fn look(&mut self, grace: Duration) -> bool {
        // Asked for at the last look: since then there was time for a step.
        let beats = self.keeper.beats();
        let hung = self.beats.replace(beats) == Some(beats);
        let trouble = if !self.keeper.is_alive() {
            Some("the keeper has ended".to_owned())
        } else if hung {
            Some(format!("the keeper has not taken a step for {} s", grace.as_secs()))
        } else {
            self.liveness.silent(self.clock.now(), grace)
        };
        let before = self.health.trouble();
        match &trouble {
            Some(trouble) if before.is_none() => {
                tracing::error!(%trouble, "work does not go on; under systemd the exporter is restarted if that lasts; please report this");
            }
            None if before.is_some() => tracing::info!("work goes on"),
            _ => {}
        }
        let well = trouble.is_none();
        self.health.0.store(trouble.map(Arc::new));
        well
    }
}

#[cfg(test)]
mod tests;
