//! How many calls sources make in a steady state: against the least that their APIs allow (the table in
//! `src/sources/README.md`), and against what `plan` says beforehand.

use crate::rig::{Rig, START, Setup};
use std::collections::{BTreeMap, BTreeSet};
use taskrun_exporter::app::plan::{Assumptions, Given, outline};
use taskrun_exporter::model::{Clock as _, Timestamp};
use taskrun_exporter::simulator::{Span, TrueRun};

/// What was called, by the API's name of the action.
type Counts = BTreeMap<String, f64>;

/// A source that was watched for a while.
struct Watched {
    rig: Rig,
    kind: &'static str,
    interval: i64,
    polls: i64,
    began: Timestamp,
    counts: Counts,
}

impl Watched {
    /// Polls `polls` times every `interval` seconds, after some polls that do not count.
    async fn watch(kind: &'static str, source: &str, tasks: usize, interval: i64, polls: i64) -> Self {
        let rig = Rig::of(source, Setup { tasks, ..Setup::default() }).await;
        Self::follow(kind, rig, interval, polls).await
    }

    async fn follow(kind: &'static str, rig: Rig, interval: i64, polls: i64) -> Self {
        // The first poll reads the lookback; what is looked for at once after it is, too.
        for _ in 0..2 {
            rig.advance(interval);
            rig.tick().await;
        }
        rig.clouds.clouds.calls.clear();
        let began = rig.clock.now();
        for _ in 0..polls {
            rig.advance(interval);
            rig.tick().await;
        }
        let report = rig.clouds.clouds.calls.report();
        let counts = report.as_object().unwrap().iter().map(|(action, tally)| {
            let action = action.strip_prefix(&format!("{kind}.")).unwrap().replace('.', "/");
            (action, tally["count"].as_f64().unwrap())
        });
        let counts = counts.collect();
        Self { rig, kind, interval, polls, began, counts }
    }

    fn count(&self, action: &str) -> f64 {
        self.counts.get(action).copied().unwrap_or_default()
    }

    fn total(&self) -> f64 {
        self.counts.values().sum()
    }

    fn seconds(&self) -> f64 {
        (self.interval * self.polls) as f64
    }

    /// What finished meanwhile, and could be known by then.
    fn finished(&self, region: &str) -> Vec<TrueRun> {
        let span = Span {
            from: START.minus(std::time::Duration::from_secs(86_400)),
            to: self.rig.clock.now(),
            since: None,
        };
        let runs = self.rig.clouds.clouds.truth(self.kind, &span).into_iter();
        runs.filter(|run| run.known > self.began && run.region == region).collect()
    }

    /// The polls that could show the end of a run.
    fn busy(&self, runs: &[TrueRun]) -> f64 {
        let poll =
            |run: &TrueRun| (run.known.millis() - self.began.millis() - 1).div_euclid(self.interval * 1000);
        runs.iter().map(poll).collect::<BTreeSet<i64>>().len() as f64
    }

    /// Calls are at most a tenth above the least that the API allows.
    fn is_economical(&self, least: f64) {
        let made = self.total();
        assert!(made >= least, "the formula is wrong: {made} calls, {least} at least: {:?}", self.counts);
        assert!(made <= 1.1 * least, "{made} calls, {least} would do: {:?}", self.counts);
    }

    /// Each action is called as often as `plan` says, within 5 %, or within one call.
    fn is_as_planned(&self, assumed: &[(&str, f64)]) {
        let texts: Vec<String> =
            assumed.iter().map(|(name, value)| format!("{}.{name}={value}", self.kind)).collect();
        let given = Given::read(&texts, &self.rig.config.sources).unwrap();
        let assumptions = Assumptions { given, recalled: Vec::new() };
        let planned = outline(&self.rig.config, &assumptions, START).unwrap();
        let mut seen = BTreeSet::new();
        for (_, called, rate) in &planned.actions {
            let (said, made) = (rate * self.seconds(), self.count(called.action));
            assert!(
                (said - made).abs() <= (0.05 * made).max(1.0),
                "{}: {said:.1} planned, {made} made; {:?}",
                called.action,
                self.counts
            );
            seen.insert(called.action.to_owned());
        }
        for action in self.counts.keys() {
            assert!(seen.contains(action), "{action} was called and not planned");
        }
    }

    fn per_day(&self, count: f64) -> f64 {
        count * 86_400.0 / self.seconds()
    }
}

fn tencent(kind: &str, region: &str, interval: i64, settings: &str) -> String {
    format!(
        "[sources.{kind}]\nkind = \"{kind}\"\naccount = \"main\"\nregions = [\"{region}\"]\nschedule = \"{interval}s\"\n[sources.{kind}.settings]\n{settings}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn wedata_lists_changes_once_a_poll_and_asks_about_each_finished_run_once() {
    let source =
        tencent("wedata", "ap-guangzhou", 60, "projects = [\"*\"]\nlookback = \"10m\"\nlogs = \"never\"");
    let watched = Watched::watch("wedata", &source, 8, 60, 60).await;
    let runs = watched.finished("").len() + watched.finished("ap-guangzhou").len();
    let finished = runs as f64;
    assert!(finished > 60.0, "{finished} runs test nothing");
    let discovery = watched.seconds() / 600.0;
    watched.is_economical(watched.polls as f64 + finished + discovery);
    watched.is_as_planned(&[
        ("projects", 1.0),
        ("runs_per_day", watched.per_day(finished)),
        ("failed_share", 0.0),
        ("open_runs", 30.0),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_project_costs_one_call_a_poll() {
    // One task, which is another project's.
    let settings = "projects = [\"1531612696090365952\"]\nlookback = \"10m\"";
    let source = tencent("wedata", "ap-shanghai", 60, settings);
    let watched = Watched::watch("wedata", &source, 1, 60, 60).await;
    assert_eq!(watched.counts, Counts::from([("ListInstances".to_owned(), 60.0)]));
    watched.is_as_planned(&[("runs_per_day", 0.0), ("open_runs", 0.0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tat_reads_one_page_a_poll_and_the_tasks_that_ended_together() {
    let source = tencent("tat", "ap-guangzhou", 60, "lookback = \"10m\"");
    let watched = Watched::watch("tat", &source, 8, 60, 60).await;
    let runs = watched.finished("ap-guangzhou");
    watched.is_economical(watched.polls as f64 + watched.busy(&runs));
    watched.is_as_planned(&[
        ("runs_per_day", watched.per_day(runs.len() as f64)),
        ("new_commands_per_day", 0.0),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_region_of_tat_costs_one_call_a_poll() {
    let source = tencent("tat", "ap-shanghai", 60, "lookback = \"10m\"");
    let watched = Watched::watch("tat", &source, 2, 60, 60).await;
    assert_eq!(watched.counts, Counts::from([("DescribeInvocations".to_owned(), 60.0)]));
    watched.is_as_planned(&[("runs_per_day", 0.0), ("new_commands_per_day", 0.0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_reads_each_function_once_a_poll_busy_or_not() {
    let source = tencent("scf", "ap-guangzhou", 60, "namespaces = [\"*\"]\nlookback = \"10m\"");
    let watched = Watched::watch("scf", &source, 2, 60, 30).await;
    let runs = watched.finished("ap-guangzhou").len() as f64;
    // Two functions in one of two namespaces; the lists every five and ten minutes.
    let lists = 2.0 * watched.seconds() / 300.0 + watched.seconds() / 600.0;
    watched.is_economical(2.0 * watched.polls as f64 + lists);
    watched.is_as_planned(&[
        ("namespaces", 2.0),
        ("functions", 2.0),
        ("runs_per_day", watched.per_day(runs)),
    ]);
}

/// A world in which nothing is run again for a while: a rerun is a flow run of its own kind, of which no figure tells.
async fn without_reruns(source: &str, tasks: usize) -> Rig {
    let day = std::time::Duration::from_secs(86_400);
    for seed in 1..100 {
        let rig = Rig::of(source, Setup { seed, tasks, ..Setup::default() }).await;
        let span = Span { from: START.minus(day / 6), to: START.plus(day / 6), since: None };
        if rig.clouds.clouds.truth("enos", &span).iter().all(|run| run.run.ends_with("#1")) {
            return rig;
        }
    }
    panic!("every world has reruns")
}

/// When a flow instance was planned: its id, and those of its tasks, end in that time.
fn planned(run: &TrueRun) -> Timestamp {
    let stamp = run.run.split('#').next().unwrap().rsplit('-').next().unwrap();
    let time = chrono::NaiveDateTime::parse_from_str(&format!("{stamp:0<14}"), "%Y%m%d%H%M%S").unwrap();
    Timestamp::from_secs(time.and_utc().timestamp())
}

#[tokio::test(flavor = "multi_thread")]
async fn enos_gets_a_flow_run_while_it_is_under_way_and_a_task_when_it_changes() {
    // One flow of two tasks, every five minutes; polls that meet it at any point of its life.
    let source = "[sources.enos]\nkind = \"enos\"\naccount = \"plant\"\nschedule = \"70s\"\n[sources.enos.settings]\nflow_types = [\"periodic\"]\nlookback = \"2h\"\n";
    let watched = Watched::follow("enos", without_reruns(source, 2).await, 70, 110).await;
    let runs = watched.finished("");
    let mut flows: BTreeMap<Timestamp, Timestamp> = BTreeMap::new();
    for run in &runs {
        let end = flows.entry(planned(run)).or_insert(run.ended);
        *end = run.ended.max(*end);
    }
    let count = flows.len() as f64;
    let secs = |from: Timestamp, to: Timestamp| (to.millis() - from.millis()) as f64 / 1000.0;
    // The search reaches a minute ahead.
    let ahead = 60.0;
    let flow_seconds = flows.iter().map(|(planned, end)| secs(*planned, *end) + ahead).sum::<f64>() / count;
    let mean = |of: &dyn Fn(&TrueRun) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    let started = |run: &TrueRun| run.started.unwrap_or(run.ended);
    let (queued, running) =
        (mean(&|run| secs(planned(run), started(run))), mean(&|run| secs(started(run), run.ended)));
    watched.is_as_planned(&[
        ("flows_per_day", watched.per_day(count)),
        ("tasks_per_flow", runs.len() as f64 / count),
        ("flow_seconds", flow_seconds),
        ("wait_seconds", ahead),
        ("queue_seconds", queued),
        ("run_seconds", running),
        ("stuck_share", 0.0),
    ]);
    // Nothing less shows an end within one poll: one search, each flow run under way, each task that changed or runs.
    let interval = watched.interval as f64;
    let flow_gets = count * (flow_seconds / interval + 1.0);
    let task_gets = runs.len() as f64 * (ahead / interval + queued / interval + running / interval + 1.0);
    watched.is_economical(0.97 * (watched.polls as f64 + flow_gets + task_gets));
}
