//! What HTTP hands out: the keeper's last publication, with the exporter's own metrics after it.

use crate::expose::{self, Packer};
use crate::http::{Exposition, Page, Refused, Wanted};
use crate::keeper::Keeper;
use crate::metrics::Own;
use crate::model::{CellKey, CellStatus, Clock, Label, Status, Timestamp};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// A kind, a source and a region.
pub type Place = (&'static str, Label, Label);

/// The pages of the running exporter.
pub struct LivePage {
    keeper: Keeper,
    own: Arc<Own>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    /// What is to be polled once before the exporter is ready; a reload changes it.
    places: ArcSwap<Vec<Place>>,
}

impl LivePage {
    /// The pages of what `keeper` publishes; ready when each of `places` was polled once.
    pub fn new(keeper: Keeper, own: Arc<Own>, clock: Arc<dyn Clock>, places: Vec<Place>) -> Self {
        let started = clock.now();
        for reason in Refused::ALL {
            own.http_refused(reason.name(), 0);
        }
        Self { keeper, own, clock, started, places: ArcSwap::from_pointee(places) }
    }

    /// The cells there are.
    pub(super) fn cells(&self) -> Vec<CellKey> {
        self.keeper.published().cells.iter().map(|status| status.cell.clone()).collect()
    }

    /// What is to be polled from now on.
    pub(super) fn expect(&self, places: Vec<Place>) {
        self.places.store(Arc::new(places));
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
        let published = self.keeper.published();
        self.places.load().iter().all(|(kind, source, region)| {
            let here = |status: &&CellStatus| {
                status.cell.kind == *kind && status.cell.source == *source && status.cell.region == *region
            };
            let mut cells = published.cells.iter().filter(here).peekable();
            cells.peek().is_some() && cells.all(|status| status.last_poll.is_some())
        })
    }

    fn healthy(&self) -> bool {
        self.keeper.is_alive()
    }

    fn status(&self) -> Status {
        let published = self.keeper.published();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            started: self.started,
            now: self.clock.now(),
            ready: self.ready(),
            series: published.page.series as u64,
            cells: published.cells.clone(),
            endpoints: self.own.endpoints(),
        }
    }

    fn scraped(&self, code: u16, took: Duration) {
        self.own.scraped(code, took);
    }

    fn refused(&self, refused: Refused) {
        self.own.http_refused(refused.name(), 1);
    }
}
