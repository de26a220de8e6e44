//! The keeper: the one owner of the state. Commit, then adopt, then publish.
//!
//! It runs on a thread of its own, because a commit may block on the disk and rendering takes CPU; workers wait for it,
//! scrapes never do: they take the page that was published last.

mod beat;
mod history;
mod relief;
#[cfg(test)]
mod tests;

use crate::expose::{Change, Rendered, Renderer, Subject};
use crate::ledger::Ledger;
use crate::metrics::{Own, Sink, Span, View, cell_families};
use crate::model::{
    Batch, BoxFuture, CellKey, CellPlan, CellStatus, Clock, Delta, Desk, Intake, IntakeClosed, Known,
    NativeGauge, PollReport, Pulse, RunId, TaskKey, Window,
};
use crate::state::{CellState, Store};
use arc_swap::ArcSwap;
use beat::Beat;
use history::History;
use relief::Episode;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the keeper before workers wait to put one down. Each worker has one at a time.
const QUEUE: usize = 256;

/// The first pause after a commit that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two tries of a commit that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the last publication shows, for scrapes and the status page.
#[derive(Clone, Default)]
pub struct Published {
    /// The page of run families.
    pub page: Rendered,
    /// How each cell fares.
    pub cells: Vec<CellStatus>,
}

/// What the keeper works with.
pub struct Parts {
    /// The state, empty or restored.
    pub store: Store,
    /// Where it is kept.
    pub ledger: Box<dyn Ledger>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// The kinds' own gauges.
    pub natives: Vec<&'static NativeGauge>,
    /// The exporter's own metrics.
    pub own: Arc<Own>,
}

/// A handle to the running keeper.
#[derive(Clone)]
pub struct Keeper {
    requests: mpsc::Sender<Request>,
    published: Arc<ArcSwap<Published>>,
    beat: Arc<Beat>,
}

enum Request {
    Beat,
    Begin { plan: CellPlan, reply: oneshot::Sender<Window> },
    Recall { cell: CellKey, runs: Vec<RunId>, reply: oneshot::Sender<Vec<Known>> },
    Submit { cell: CellKey, batch: Batch, reply: oneshot::Sender<()> },
    Report { report: PollReport, reply: oneshot::Sender<Pulse> },
    Pace { cell: CellKey, interval: Duration, reply: oneshot::Sender<()> },
    Retire { cell: CellKey, reply: oneshot::Sender<()> },
    KeepOnly { of: CellKey, found: Vec<CellKey>, reply: oneshot::Sender<()> },
}

impl Keeper {
    /// Publishes what the store was restored with, then starts the keeper's thread. It ends when every handle is gone,
    /// having served what was asked before.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(parts: Parts) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let published = Arc::new(ArcSwap::from_pointee(Published::default()));
        let beat = Arc::<Beat>::default();
        let views = cell_families(&parts.natives);
        let mut desk = KeeperThread {
            renderer: Renderer::new(views.iter().map(|(family, _)| *family)),
            views: views.into_iter().map(|(_, view)| view).collect(),
            store: parts.store,
            ledger: parts.ledger,
            clock: parts.clock,
            own: parts.own,
            published: Arc::clone(&published),
            history: BTreeMap::new(),
            changed: BTreeMap::new(),
            news: BTreeSet::new(),
            episode: Episode::default(),
            beat: Arc::clone(&beat),
        };
        // Here and not on the thread: the first scrape may come as soon as this returns, and a page without the restored
        // series would end them.
        desk.show_all();
        let thread = std::thread::Builder::new().name("keeper".into()).spawn(move || desk.run(queue))?;
        Ok((Self { requests, published, beat }, thread))
    }

    /// What was published last. Never waits.
    pub fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Whether the keeper's thread is there to serve.
    pub fn is_alive(&self) -> bool {
        !self.requests.is_closed()
    }

    /// How many steps the keeper's thread has taken; asks it for one more, so that it moves even where there is nothing
    /// to do. Waiting for room on a disk is steps too; a step that does not end is none. Never waits.
    pub fn beats(&self) -> u64 {
        if self.beat.ask() && self.requests.try_send(Request::Beat).is_err() {
            // The queue is full, so there is enough to take steps for; or the keeper is gone.
            self.beat.answered();
        }
        self.beat.count()
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, IntakeClosed> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(make(reply)).await.map_err(|_| IntakeClosed)?;
        answer.await.map_err(|_| IntakeClosed)
    }
}

impl Desk for Keeper {
    fn begin<'a>(&'a self, plan: &'a CellPlan) -> BoxFuture<'a, Result<Window, IntakeClosed>> {
        Box::pin(self.ask(|reply| Request::Begin { plan: plan.clone(), reply }))
    }

    fn intake(&self, cell: &CellKey) -> Arc<dyn Intake> {
        Arc::new(CellIntake { keeper: self.clone(), cell: cell.clone() })
    }

    fn report(&self, report: PollReport) -> BoxFuture<'_, Result<Pulse, IntakeClosed>> {
        Box::pin(self.ask(|reply| Request::Report { report, reply }))
    }

    fn pace<'a>(&'a self, cell: &'a CellKey, interval: Duration) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        Box::pin(self.ask(move |reply| Request::Pace { cell: cell.clone(), interval, reply }))
    }

    fn keep_only<'a>(
        &'a self,
        of: &'a CellKey,
        found: Vec<CellKey>,
    ) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        Box::pin(self.ask(|reply| Request::KeepOnly { of: of.clone(), found, reply }))
    }

    fn retire(&self, cell: CellKey) -> BoxFuture<'_, Result<(), IntakeClosed>> {
        Box::pin(self.ask(|reply| Request::Retire { cell, reply }))
    }
}

struct CellIntake {
    keeper: Keeper,
    cell: CellKey,
}

impl Intake for CellIntake {
    fn recall<'a>(&'a self, runs: &'a [RunId]) -> BoxFuture<'a, Result<Vec<Known>, IntakeClosed>> {
        Box::pin(self.keeper.ask(|reply| Request::Recall {
            cell: self.cell.clone(),
            runs: runs.to_vec(),
            reply,
        }))
    }

    fn submit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<(), IntakeClosed>> {
        Box::pin(self.keeper.ask(|reply| Request::Submit { cell: self.cell.clone(), batch, reply }))
    }
}

struct KeeperThread {
    store: Store,
    ledger: Box<dyn Ledger>,
    clock: Arc<dyn Clock>,
    own: Arc<Own>,
    views: Vec<View>,
    renderer: Renderer,
    published: Arc<ArcSwap<Published>>,
    /// The last polls of each cell, for the status page.
    history: BTreeMap<CellKey, History>,
    /// Cells that changed since the last publication, and what of them.
    changed: BTreeMap<CellKey, Change>,
    /// Cells of which something new was learnt since their last report.
    news: BTreeSet<CellKey>,
    /// What is going on where more is remembered than may be.
    episode: Episode,
    beat: Arc<Beat>,
}

/// Whoever waits for the next publication.
enum Waiting {
    Done(oneshot::Sender<()>),
    Reported(oneshot::Sender<Pulse>, Pulse),
}

impl Waiting {
    /// Answers. A worker that was stopped meanwhile does not wait for it.
    fn answer(self) {
        let _heard = match self {
            Self::Done(reply) => reply.send(()).is_ok(),
            Self::Reported(reply, pulse) => reply.send(pulse).is_ok(),
        };
    }
}

/// A cell, as it is rendered.
struct Shown<'a> {
    key: &'a CellKey,
    cell: &'a CellState,
    views: &'a [View],
}

impl Subject for Shown<'_> {
    fn tasks(&self, span: &Span) -> Vec<&TaskKey> {
        self.cell.tasks().range(span.clone()).map(|(task, _)| task).collect()
    }

    fn is_of_cell(&self, family: usize) -> bool {
        self.views[family].is_of_cell()
    }

    fn draw(&self, family: usize, span: &Span, sink: &mut dyn Sink) {
        self.views[family].draw(self.key, self.cell, span, sink);
    }
}

impl KeeperThread {
    fn show_all(&mut self) {
        let restored: Vec<CellKey> = self.store.cells().map(|(key, _)| key.clone()).collect();
        for key in restored {
            self.note(key, Change::All);
        }
        self.forget_dormant();
        self.publish();
    }

    fn run(&mut self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            // Whoever is answered may expect to see what it handed over, so answers wait for the publication; and
            // what came in meanwhile is served in the same round, so that one rendering is enough for all of it.
            let mut served = Vec::new();
            self.serve(first, &queue, &mut served);
            while let Ok(next) = queue.try_recv() {
                self.serve(next, &queue, &mut served);
            }
            self.relieve(&queue);
            self.publish();
            self.beat.step();
            served.into_iter().for_each(Waiting::answer);
            if let Err(error) = self.ledger.compact() {
                tracing::warn!(%error, "the state file keeps space that it does not need");
            }
        }
    }

    fn serve(&mut self, request: Request, queue: &mpsc::Receiver<Request>, served: &mut Vec<Waiting>) {
        self.beat.step();
        match request {
            Request::Beat => self.beat.answered(),
            Request::Begin { plan, reply } => {
                let shown = self.shows_now(&plan.key);
                let window = self.store.begin(&plan, self.clock.now());
                let change = if self.shows_now(&plan.key) == shown { Change::HEALTH } else { Change::All };
                self.note(plan.key, change);
                let _stopped = reply.send(window);
            }
            Request::Recall { cell, runs, reply } => {
                let _stopped = reply.send(self.store.recall(&cell, &runs));
            }
            Request::Submit { cell, batch, reply } => {
                let delta = self.store.apply(&cell, &batch, self.clock.now());
                let records = batch.observations.len() as u64;
                self.history.entry(cell).or_default().handed_over(records);
                if self.commit(delta, queue) {
                    served.push(Waiting::Done(reply));
                }
            }
            Request::Report { report, reply } => {
                let delta = self.store.record(&report);
                if self.commit(delta, queue) {
                    let news = self.news.remove(&report.cell);
                    let pulse = Pulse { under_way: self.store.is_under_way(&report.cell), news };
                    self.history.entry(report.cell.clone()).or_default().polled(report);
                    served.push(Waiting::Reported(reply, pulse));
                }
            }
            Request::Pace { cell, interval, reply } => {
                self.store.pace(&cell, interval);
                self.note(cell, Change::HEALTH);
                served.push(Waiting::Done(reply));
            }
            Request::Retire { cell, reply } => {
                self.withdraw(cell);
                served.push(Waiting::Done(reply));
            }
            Request::KeepOnly { of, found, reply } => {
                let same = |cell: &CellKey| {
                    cell.kind == of.kind && cell.source == of.source && cell.region == of.region
                };
                let gone = |cell: &&CellKey| same(cell) && !found.contains(cell);
                let gone: Vec<CellKey> =
                    self.store.cells().map(|(key, _)| key).filter(gone).cloned().collect();
                gone.into_iter().for_each(|cell| self.withdraw(cell));
                served.push(Waiting::Done(reply));
            }
        }
    }

    /// Keeps trying until the delta is kept: the batch is not lost, and nothing is shown that is not kept. Gives up
    /// only when the exporter stops; the next start reads the same again, because the watermark has not moved.
    fn commit(&mut self, delta: Option<Delta>, queue: &mpsc::Receiver<Request>) -> bool {
        let Some(delta) = delta else { return true };
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.ledger.commit(&delta) {
            self.own.committed(false);
            tracing::error!(%error, retry_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "counting is paused, scrapes go on from the last page; make room on the disk or mend its permissions");
            if !wait(pause, queue, &self.beat) {
                tracing::warn!(source.cell = %delta.cell,
                    "stopped before the last batch could be kept; the next start reads it again");
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.own.committed(true);
        if delta.folded > 0 {
            self.own.folded(delta.folded);
        }
        let shown = self.shows_now(&delta.cell);
        let cell = delta.cell.clone();
        let tasks = delta.tasks.iter().map(|(task, _)| task).chain(&delta.idle).cloned().collect();
        if self.store.is_news(&delta) {
            self.news.insert(cell.clone());
        }
        self.store.adopt(delta);
        // Where the present becomes doubtful, or certain again, every task shows other families.
        let change = if self.shows_now(&cell) == shown { Change::Tasks(tasks) } else { Change::All };
        self.note(cell, change);
        true
    }

    /// Forgets runs early where more are remembered than may be.
    fn relieve(&mut self, queue: &mpsc::Receiver<Request>) {
        let Some(relief) = self.store.relief() else { return };
        let (now, most) = (self.clock.now(), self.store.limits().runs);
        for (delta, runs) in relief.deltas {
            if !self.commit(Some(delta), queue) {
                return;
            }
            self.beat.step();
            self.own.forgotten_early(runs);
            self.episode.forgets(runs, most, now);
        }
        if relief.beyond > 0 {
            self.episode.is_beyond(relief.beyond, most, now);
        }
    }

    /// Shows a cell no more.
    fn withdraw(&mut self, cell: CellKey) {
        self.store.withdraw(&cell);
        self.forget_dormant();
        self.renderer.remove(&cell);
        self.history.remove(&cell);
        self.news.remove(&cell);
        self.note(cell, Change::All);
    }

    fn shows_now(&self, cell: &CellKey) -> bool {
        self.store.cell(cell).is_some_and(CellState::shows_now)
    }

    fn forget_dormant(&mut self) {
        for cell in self.store.forget_dormant(self.clock.now()) {
            if let Err(error) = self.ledger.retire(&cell) {
                tracing::warn!(source.cell = %cell, %error, "a cell that exists no more stays in the state file");
            }
        }
    }

    fn status(&self, key: &CellKey, cell: &CellState) -> CellStatus {
        let meta = cell.meta();
        let history = self.history.get(key);
        let last = history.and_then(History::last);
        CellStatus {
            cell: key.clone(),
            up: meta.up,
            last_poll: last.map(|poll| poll.began.plus(poll.took)),
            next_poll: None,
            last_result: last.map(|poll| poll.result),
            took: last.map(|poll| poll.took),
            last_success: meta.last_success,
            watermark: meta.watermark,
            backlog: meta.backlog,
            tasks: cell.tasks().len() as u64,
            message: meta.message.clone(),
            last_error: history.and_then(History::last_error),
            trail: history.map(History::trail).unwrap_or_default(),
        }
    }

    fn note(&mut self, cell: CellKey, change: Change) {
        match self.changed.entry(cell) {
            Entry::Vacant(place) => drop(place.insert(change)),
            Entry::Occupied(mut noted) => noted.get_mut().join(change),
        }
    }

    fn publish(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        for (key, change) in std::mem::take(&mut self.changed) {
            if let Some(cell) = self.store.cell(&key) {
                let shown = Shown { key: &key, cell, views: &self.views };
                self.renderer.update(&key, &change, &shown);
            }
        }
        let page = self.renderer.page();
        let cells = self.store.cells().map(|(key, cell)| self.status(key, cell)).collect();
        self.own.sizes(page.series, self.store.remembered_runs(), self.ledger.bytes());
        self.published.store(Arc::new(Published { page, cells }));
    }
}

/// Sleeps; whether the keeper is still wanted.
fn wait(pause: Duration, queue: &mpsc::Receiver<Request>, beat: &Beat) -> bool {
    let mut left = pause;
    while !left.is_zero() && !queue.is_closed() {
        beat.step();
        let step = left.min(FIRST_PAUSE);
        std::thread::sleep(step);
        left -= step;
    }
    !queue.is_closed()
}
