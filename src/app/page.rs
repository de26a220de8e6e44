//! What HTTP hands out: the keeper's last publication, with the exporter's own metrics after it.

use super::watchdog::Health;
use crate::expose::{self, Packer};
use crate::http::{Exposition, Page, Refused, Wanted};
use crate::keeper::Keeper;
use crate::metrics::Own;
use crate::model::{CellKey, CellStatus, Clock, Label, Status, Timestamp};
use crate::schedule::Liveness;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A kind, a source and a region.
pub type Place = (&'static str, Label, Label);

/// The pages of the running exporter.
pub struct LivePage {
    keeper: Keeper,
    own: Arc<Own>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    /// Knows when cells are polled next; nothing is polled before it is there.
    liveness: OnceLock<Liveness>,
    health: Health,
}

impl LivePage {
    /// The pages of what `keeper` publishes.
    pub fn new(keeper: Keeper, own: Arc<Own>, clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        for reason in Refused::ALL {
            own.http_refused(reason.name(), 0);
        }
        Self { keeper, own, clock, started, liveness: OnceLock::new(), health: Health::default() }
    }

    /// The cells there are.
    pub(super) fn cells(&self) -> Vec<CellKey> {
        self.keeper.published().cells.iter().map(|status| status.cell.clone()).collect()
    }

    /// Polling has begun.
    pub(super) fn polled_by(&self, liveness: Liveness) {
        self.liveness.get_or_init(|| liveness);
    }

    /// Whether work goes on; the watchdog says.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// The cells as they were published, with what is known here alone.
    fn cells_at(&self, now: Timestamp) -> Vec<CellStatus> {
        let dues = self.liveness.get().map_or_else(BTreeMap::new, |liveness| liveness.dues(now));
        let due = |cell: &CellKey| {
            let rung = || dues.get(&Liveness::cron_of(&cell.source, &cell.region));
            dues.get(&cell.to_string()).or_else(rung).copied()
        };
        let published = self.keeper.published();
        let cells = published.cells.iter().cloned();
        cells.map(|cell| CellStatus { next_poll: due(&cell.cell), ..cell }).collect()
    }
}

impl Page for LivePage {
    fn metrics(&self, wanted: Wanted) -> Exposition {
        let published = self.keeper.published();
        let document = published.page.document(wanted.format);
        // As they are now: what a scrape shows of the exporter itself is never older than the scrape.
        let own = expose::own(&self.own, wanted.format);
        let own = expose::tail(&own, wanted.format, &mut Packer::default());
        if wanted.gzip { document.gzip(&own).into() } else { document.plain(&own).into() }
    }

    fn ready(&self) -> bool {
        // There is no page before everything remembered has been loaded and rendered, and none without the keeper.
        self.keeper.is_alive()
    }

    fn healthy(&self) -> bool {
        self.keeper.is_alive() && self.health.trouble().is_none()
    }

    fn status(&self) -> Status {
        let now = self.clock.now();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            started: self.started,
            now,
            ready: self.ready(),
            hung: self.health.trouble().map(|trouble| trouble.to_string()),
            series: self.keeper.published().page.series as u64,
            cells: self.cells_at(now),
            endpoints: self.own.endpoints(),
            quotas: self.own.quotas(),
            credentials: self.own.expiries(),
        }
    }

    fn scraped(&self, code: u16, took: Duration) {
        self.own.scraped(code, took);
    }

    fn refused(&self, refused: Refused) {
        self.own.http_refused(refused.name(), 1);
    }
}
