//! What was counted against what happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use taskrun_exporter::app::names;
use taskrun_exporter::ledger::{Embedded, Ledger as _};
use taskrun_exporter::model::{Label, Timestamp};
use taskrun_exporter::simulator::Clouds;
use taskrun_exporter::simulator::Span;

/// The kinds that lose nothing whatever lies between two polls; a rerun of EnOS that does leaves no trace in its API.
const EXACT: [&str; 3] = ["wedata", "tat", "scf"];
/// The lookback of their sources.
const LOOKBACK: Duration = Duration::from_secs(3600);

type Counts = BTreeMap<[String; 4], u64>;

/// Where the kept totals differ from the truth until `end`, and the page from what is kept.
pub(crate) fn differences(clouds: &Clouds, state: &Path, page: &str, end: Timestamp) -> Vec<String> {
    let kept = Embedded::open(state, &names(), end).unwrap().restore().unwrap();
    let mut differences = Vec::new();
    if kept.damaged > 0 {
        differences.push(format!("{} kept values are damaged", kept.damaged));
    }
    for kind in EXACT {
        let (mut counted, mut really) = (Counts::new(), Counts::new());
        let mut first: BTreeMap<String, Timestamp> = BTreeMap::new();
        for cell in kept.cells.iter().filter(|cell| cell.key.kind == kind) {
            first.insert(cell.key.project.to_string(), cell.meta.since);
            for (task, record) in &cell.tasks {
                let names = [&cell.key.project, &task.workflow, &task.task, &task.task_id];
                *counted.entry(names.map(ToString::to_string)).or_default() +=
                    record.runs.iter().sum::<u64>();
            }
        }
        let Some(earliest) = first.values().min() else {
            differences.push(format!("{kind}: nothing was kept"));
            continue;
        };
        let span = Span { from: earliest.minus(LOOKBACK), to: end, since: Some(*earliest) };
        for run in clouds.truth(kind, &span) {
            let here = run.region.is_empty() || run.region == "ap-guangzhou";
            let since = first.get(&run.project).is_some_and(|since| run.ended >= since.minus(LOOKBACK));
            if here && since {
                let names = [&run.project, &run.workflow, &run.task, &run.task_id];
                *really.entry(names.map(|text| Label::new(text).to_string())).or_default() += 1;
            }
        }
        let (all, shown): (u64, u64) = (really.values().sum(), shown(page, kind));
        println!(
            "{kind:<7} {all} runs of {} tasks, {} counted, {shown} shown",
            really.len(),
            counted.values().sum::<u64>()
        );
        if shown != counted.values().sum::<u64>() {
            differences.push(format!("{kind}: the page is not what is kept"));
        }
        counted.retain(|_, runs| *runs > 0);
        for task in counted.keys().chain(really.keys().filter(|task| !counted.contains_key(*task))) {
            let (counted, really) = (counted.get(task).unwrap_or(&0), really.get(task).unwrap_or(&0));
            if counted != really {
                differences.push(format!("{kind}: {task:?} has {counted} runs, really {really}"));
            }
        }
    }
    differences
}

fn shown(page: &str, kind: &str) -> u64 {
    let of_kind = format!("kind=\"{kind}\"");
    let lines =
        page.lines().filter(|line| line.starts_with("taskrun_runs_total{") && line.contains(&of_kind));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
