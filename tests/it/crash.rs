//! The daemon killed at random moments: what it shows in the end equals the simulated clouds' truth, as if nothing had
//! happened. `make crash-test N=1000` is the long run.

use crate::cli::{Daemon, exporter};
use crate::clouds::clouds;
use crate::page::Page;
use crate::truth::{Totals, of_page, of_truth};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use taskrun_exporter::app::names;
use taskrun_exporter::ledger::{Embedded, Ledger as _};
use taskrun_exporter::model::{Clock as _, Timestamp};
use taskrun_exporter::simulator::{Span, TrueRun};

/// The kinds that lose nothing whatever lies between two polls; a rerun of EnOS that does leaves no trace in its API.
const EXACT: [&str; 3] = ["wedata", "tat", "scf"];

fn config(address: &str, state: &Path) -> tempfile::NamedTempFile {
    let source = |kind: &str, settings: &str| {
        format!(
            "[sources.{kind}]\nkind = \"{kind}\"\naccount = \"main\"\nregions = [\"ap-guangzhou\"]\nschedule = \"1s\"\n\
             settings = {{ lookback = \"20m\"{settings} }}\n"
        )
    };
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    write!(
        file,
        "[web]\nlisten = [\"127.0.0.1:0\"]\n[state]\npath = \"{}\"\n[accounts.main]\nprovider = \"tencentcloud\"\n\
         credentials = {{ secret_id = {{ env = \"ID\" }}, secret_key = {{ env = \"KEY\" }} }}\nendpoint = \"http://{address}\"\n\
         {}{}{}",
        state.display(),
        source("wedata", ", projects = [\"*\"], detail = \"failed\", window = \"1d\""),
        source("tat", ""),
        source("scf", ", namespaces = [\"*\"]"),
    )
    .unwrap();
    file
}

fn times() -> usize {
    std::env::var("CRASHES").map_or(60, |n| n.parse().expect("CRASHES is a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_or_doubles_a_run() {
    // Fast enough for some hundred runs; the clouds work out a day of all of them for each page of TAT.
    let clouds = clouds(13, 8.0, 8, "").await;
    let directory = tempfile::tempdir().unwrap();
    let file = config(&clouds.running.addr.to_string(), directory.path());
    let path = file.path().to_str().unwrap().to_owned();
    let start = move || Daemon::start(exporter().args(["run", "--config", &path]));

    let began = clouds.running.clouds.clock.now();
    let mut moments = fastrand::Rng::with_seed(17);
    for _ in 0..times() {
        let mut daemon = start();
        daemon.wait_for("serving metrics");
        tokio::time::sleep(Duration::from_millis(moments.u64(0..1500))).await;
        daemon.kill();
    }

    // A whole second: SCF tells nothing finer, and what ends within the last one would never be shown.
    let end = Timestamp::from_secs(clouds.running.clouds.clock.now().secs());
    clouds.running.clouds.clock.freeze(end);
    let mut daemon = start();
    let address = daemon.address();
    let caught_up = move || {
        let until = Instant::now() + Duration::from_secs(300);
        loop {
            let page = Page::read(&crate::cli::get(address, "/metrics").1);
            // The cells of discovery are asked every ten minutes only.
            let cells = page.of("taskrun_source_last_success_timestamp_seconds");
            let cells = cells.filter(|cell| cell.label("kind") == "tat" || !cell.label("project").is_empty());
            let polled: Vec<f64> = cells.map(|sample| sample.value).collect();
            // Two polls after the end: one may have begun before it.
            if polled.len() >= EXACT.len() && polled.iter().all(|at| *at > end.as_seconds() + 3.0) {
                return page;
            }
            if Instant::now() >= until {
                let told: Vec<String> = page
                    .samples
                    .iter()
                    .filter(|sample| sample.value != 0.0 && !sample.name.contains("duration"))
                    .filter(|sample| {
                        ["taskrun_source_", "taskrun_api_"].iter().any(|own| sample.name.starts_with(own))
                    })
                    .map(|sample| format!("{} {:?} {}", sample.name, sample.labels, sample.value))
                    .collect();
                panic!("not caught up with {end:?}:\n{}", told.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let page = tokio::task::spawn_blocking(caught_up).await.unwrap();
    daemon.kill();

    let kept = Embedded::open(directory.path(), &names(), end).unwrap().restore().unwrap();
    assert_eq!(kept.damaged, 0);
    for kind in EXACT {
        let floors: Vec<(String, Timestamp)> = kept
            .cells
            .iter()
            .filter(|cell| cell.key.kind == kind)
            .map(|cell| (cell.key.project.to_string(), cell.meta.floor))
            .collect();
        let from = floors.iter().map(|(_, floor)| *floor).min().unwrap();
        let span = Span { from, to: end, since: Some(began) };
        let counts = |run: &TrueRun| {
            let here = run.region.is_empty() || run.region == "ap-guangzhou";
            here && floors.iter().any(|(project, floor)| *project == run.project && run.ended >= *floor)
        };
        let runs: Vec<TrueRun> =
            clouds.running.clouds.truth(kind, &span).into_iter().filter(counts).collect();
        compare(kind, &of_page(&page, kind), &runs, &span);
    }
}

/// A run whose outcome was changed while nobody looked is simply what it is then: of its task only the sums are fixed.
fn compare(
    kind: &str,
    counted: &std::collections::BTreeMap<[String; 4], Totals>,
    runs: &[TrueRun],
    span: &Span,
) {
    let truth = of_truth(runs, span);
    assert!(truth.values().map(Totals::all_runs).sum::<u64>() > 50, "{kind}: too little happened");
    for (task, really) in &truth {
        let revised = runs.iter().any(|run| run.task_id == task[3] && run.revised.is_some());
        let counted = counted.get(task).unwrap_or_else(|| panic!("{kind}: {task:?} is missing"));
        if revised {
            assert_eq!(counted.all_runs(), really.all_runs(), "{kind}: {task:?}");
        } else {
            assert_eq!(counted, really, "{kind}: {task:?}");
        }
    }
    let all = |totals: &mut dyn Iterator<Item = &Totals>| totals.map(Totals::all_runs).sum::<u64>();
    assert_eq!(
        all(&mut counted.values()),
        all(&mut truth.values()),
        "{kind}: a task that does not exist has runs"
    );
}
