//! Runs of many tasks, and stores that hold them.

use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::model::{
    Batch, CellKey, CellPlan, Label, Observation, Outcome, Reach, RunId, RunState, TaskInfo, TaskKey,
    Timestamp,
};
use taskrun_exporter::sources;
use taskrun_exporter::state::{Limits, Store};

/// When the runs are counted.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

/// The cell of one project.
pub(crate) fn plan(project: usize) -> CellPlan {
    CellPlan {
        key: CellKey {
            kind: "wedata",
            source: Label::new("dataflows"),
            region: Label::new("ap-guangzhou"),
            project: Label::new(&format!("14609478789445{project:05}")),
        },
        reach: Reach { lookback: Duration::from_secs(86_400), overlap: Duration::from_secs(300) },
        buckets: (sources::kind("wedata").unwrap().buckets)(),
        expected_interval: None,
        interval: None,
    }
}

pub(crate) fn store() -> Store {
    let limits = Limits { series: 10_000_000, tasks_per_source: 200_000, runs: u64::MAX };
    Store::new(limits, Duration::from_secs(7 * 86_400))
}

/// Run number `n` of `task`: ten minutes each, every fifth task fails now and then.
pub(crate) fn run(task: usize, n: usize) -> Observation {
    let key = TaskKey {
        workflow: Label::new(&format!("workflow_{:04}", task / 10)),
        task: Label::new(&format!("每日同步_订单明细_{task:05}")),
        task_id: Label::new(&format!("20241018{task:012}")),
    };
    let planned = NOW.minus(Duration::from_secs(600 * (100 - n as u64)));
    let outcome =
        if task.is_multiple_of(5) && n.is_multiple_of(2) { Outcome::Failed } else { Outcome::Success };
    let instance: Arc<str> = format!("20241018{task:012}_{planned}").into();
    let mut seen = Observation::new(key, RunId { instance, round: 0 }, RunState::Finished(outcome));
    seen.info = TaskInfo { task_type: "35".into(), cycle: "I".into(), ..TaskInfo::default() };
    seen.planned = Some(planned);
    seen.started = Some(planned.plus(Duration::from_secs(5)));
    seen.ended = Some(planned.plus(Duration::from_secs(35 + task as u64 % 300)));
    seen.retries = Some(0);
    seen.expected_interval = Some(Duration::from_secs(600));
    seen
}

/// `each` runs of every task, task after task, as the batch of the first poll.
pub(crate) fn batch(tasks: std::ops::Range<usize>, each: usize) -> Batch {
    let observations = tasks.flat_map(|task| (0..each).map(move |n| run(task, n))).collect();
    Batch { poll: 1, observations, watermark: Some(NOW), complete: true, ..Batch::default() }
}

/// Takes a batch over, as the keeper does between commit and publication.
pub(crate) fn take(store: &mut Store, plan: &CellPlan, batch: &Batch) {
    let delta = store.apply(&plan.key, batch, NOW).unwrap();
    store.adopt(delta);
}

/// A store of `projects` cells with `tasks` tasks each, two runs a task.
pub(crate) fn filled(projects: usize, tasks: usize) -> Store {
    let mut store = store();
    for project in 0..projects {
        let plan = plan(project);
        store.begin(&plan, NOW);
        take(&mut store, &plan, &batch(project * tasks..(project + 1) * tasks, 2));
    }
    store
}
