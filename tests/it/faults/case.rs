//! One fault of the catalogue, and the play that every one of them goes through.

use super::stand::{ILL, Stand, WELL, Wants, get, lookback};
use super::wire::{Fault, Plan};
use crate::page::Page;
use crate::truth;
use std::time::Duration;
use taskrun_exporter::model::Clock as _;
use tokio::time::Instant;

pub(crate) const KINDS: &[&str] = &["wedata", "tat", "scf", "enos"];
pub(crate) const TENCENT: &[&str] = &["wedata", "tat", "scf"];

/// Rig time between two polls: one interval of the sources.
const INTERVAL: i64 = 30;

/// How polls end while the fault lasts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Expect {
    /// Nothing can be read: the source is down, and this is the result.
    Fails(&'static str),
    /// What could be read was; the result is `partial`.
    Partial,
    /// Nothing is missing.
    Ok,
}

/// What a check of one case's own looks at.
pub(crate) struct Scene<'a> {
    pub(crate) kind: &'static str,
    pub(crate) stand: &'a Stand,
    pub(crate) before: &'a Page,
    pub(crate) during: &'a Page,
    /// The status page, for people.
    pub(crate) site: String,
    /// How long the poll took.
    pub(crate) took: Duration,
}

impl Scene<'_> {
    /// How much a family of the source in trouble has grown.
    pub(crate) fn grown(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        self.during.sum(family, labels) - self.before.sum(family, labels)
    }
}

/// Counters and some of their labels.
pub(crate) type Moves = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// One fault.
pub(crate) struct Case {
    /// Its number in the catalogue.
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    /// Whom it can befall.
    pub(crate) kinds: &'static [&'static str],
    plan: Plan,
    expect: Expect,
    /// Counters of the source that grow.
    moves: Moves,
    check: fn(&Scene<'_>),
    /// Whether it comes with the first poll, which reads most.
    first: bool,
    /// Whether the totals are the truth afterwards.
    truth: bool,
    timeout: &'static str,
    tasks: usize,
    most_tasks: u64,
    /// Polls while it lasts.
    polls: usize,
}

impl Case {
    pub(crate) const fn new(number: u8, name: &'static str, fault: Fault, expect: Expect) -> Self {
        Self {
            number,
            name,
            kinds: KINDS,
            plan: Plan { fault, only: "", shots: usize::MAX },
            expect,
            moves: &[],
            check: |_| {},
            first: false,
            truth: true,
            timeout: "10s",
            tasks: 3,
            most_tasks: 200_000,
            polls: 1,
        }
    }

    /// Befalls only these kinds.
    pub(crate) const fn of(mut self, kinds: &'static [&'static str]) -> Self {
        self.kinds = kinds;
        self
    }

    /// Strikes only calls whose action contains this.
    pub(crate) const fn only(mut self, action: &'static str) -> Self {
        self.plan.only = action;
        self
    }

    /// Strikes only so many calls.
    pub(crate) const fn shots(mut self, shots: usize) -> Self {
        self.plan.shots = shots;
        self
    }

    /// These counters grow.
    pub(crate) const fn moves(mut self, moves: Moves) -> Self {
        self.moves = moves;
        self
    }

    pub(crate) const fn check(mut self, check: fn(&Scene<'_>)) -> Self {
        self.check = check;
        self
    }

    /// Comes with the first poll. What that has taken in cannot be the truth any more.
    pub(crate) const fn first(mut self) -> Self {
        (self.first, self.truth) = (true, false);
        self
    }

    pub(crate) const fn timeout(mut self, timeout: &'static str) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) const fn tasks(mut self, tasks: usize, most: u64) -> Self {
        (self.tasks, self.most_tasks) = (tasks, most);
        self
    }

    pub(crate) const fn polls(mut self, polls: usize) -> Self {
        self.polls = polls;
        self
    }
}

/// Well, in trouble, well again.
pub(crate) async fn drive(case: &'static Case, kind: &'static str) {
    let label = format!("{} {} ({kind})", case.number, case.name);
    let wants =
        Wants { timeout: case.timeout, tasks: case.tasks, most_tasks: case.most_tasks, ..Wants::default() };
    let stand = Stand::start(kind, wants).await;
    let watch = stand.watch();
    let mut polls = Vec::new();
    if !case.first {
        tokio::join!(recover(&stand, &label), stand.rig.poll_of(WELL));
        polls.push(stand.rig.clock.now());
    }
    let before = stand.page().await;
    stand.wire.set(case.plan).await;
    let mut took = Duration::ZERO;
    for _ in 0..case.polls {
        stand.rig.advance(INTERVAL);
        let from = Instant::now();
        let ill = async {
            stand.rig.poll_of(ILL).await;
            from.elapsed()
        };
        let (ended, well) = tokio::join!(ill, stand.rig.poll_of(WELL));
        took = ended;
        assert!(
            well,
            "{label}: the other source is in trouble too: {:?}",
            stand.rig.keeper.published().cells
        );
    }
    let during = stand.page().await;
    let site = get(stand.site, "/").await;
    let scene = Scene { kind, stand: &stand, before: &before, during: &during, site, took };
    expect(case, &scene, &label);
    (case.check)(&scene);
    stand.wire.set(Plan { fault: Fault::None, ..case.plan }).await;
    stand.rig.advance(INTERVAL);
    recover(&stand, &label).await;
    polls.push(stand.rig.clock.now());
    let after = stand.page().await;
    assert!(!watch.is_finished(), "{label}: a scrape went wrong; see above");
    assert_eq!((stand.age(&after, ILL), stand.age(&after, WELL)), (0.0, INTERVAL as f64), "{label}");
    if case.truth {
        truth::compare(&stand.rig, kind, lookback(kind), &polls);
    }
}

fn expect(case: &Case, scene: &Scene<'_>, label: &str) {
    let told = format!("{label}: {:?}", scene.stand.rig.keeper.published().cells);
    let polls = "taskrun_source_polls_total";
    let ended = |result| scene.grown(polls, &[("source", ILL), ("result", result)]);
    let all = scene.grown(polls, &[("source", ILL)]);
    let up = || scene.during.of("taskrun_source_up").filter(|up| up.label("source") == ILL);
    match case.expect {
        Expect::Fails(result) => {
            assert!(all > 0.0 && ended(result) == all, "{told}");
            assert!(up().all(|up| up.value == 0.0), "{told}");
            let cells = &scene.stand.rig.keeper.published().cells;
            assert!(cells.iter().any(|cell| !cell.message.is_empty()), "{label}: one line says what it is");
            let counted = scene.grown("taskrun_runs_total", &[("source", ILL)]);
            assert_eq!(counted, 0.0, "{label}: nothing was read");
        }
        Expect::Partial => {
            assert!(ended("partial") > 0.0 && ended("partial") + ended("ok") == all, "{told}");
            assert!(up().all(|up| up.value == 1.0), "{told}");
        }
        Expect::Ok => assert!(all > 0.0 && ended("ok") == all, "{told}"),
    }
    for (family, labels) in case.moves {
        let labels: Vec<_> = labels.iter().copied().chain([("source", ILL)]).collect();
        // The API's own families are by account, which is called as the source.
        let labels: Vec<_> = match family.starts_with("taskrun_api_") {
            true => labels
                .into_iter()
                .map(|(name, value)| (if name == "source" { "account" } else { name }, value))
                .collect(),
            false => labels,
        };
        assert!(scene.grown(family, &labels) > 0.0, "{label}: {family}{labels:?} does not move; {told}");
    }
    assert_eq!(scene.stand.age(scene.during, WELL), 0.0, "{label}: the other source is not fresh");
}

/// Polls until all is read again. The exporter's time stands still meanwhile, so that this is within one interval; a
/// token that was refused is not asked for again at once.
async fn recover(stand: &Stand, label: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while !stand.rig.poll_of(ILL).await {
        assert!(
            Instant::now() < until,
            "{label}: no recovery within an interval: {:?}",
            stand.rig.keeper.published().cells
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
