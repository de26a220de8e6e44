//! Trouble upstream: each has its reason in the metrics, none stops the others, none loses or doubles a run.

use crate::rig::{Rig, source};
use crate::truth;
use std::time::Duration;
use taskrun_exporter::model::{Clock as _, Timestamp};

/// How an API can be in trouble, and what the poll's result is called then.
const TROUBLES: [(&str, &str); 7] = [
    ("throttle=1", "throttled"),
    ("server=1", "server"),
    ("internal=1", "server"),
    ("html=1", "decode"),
    ("torn=1", "connect"),
    ("auth=1", "auth"),
    ("slow=1:3s", "timeout"),
];

async fn each_trouble_has_its_name(kind: &str) {
    for (fault, result) in TROUBLES {
        let fast = [("TASKRUN_ACCOUNTS__MAIN__TIMEOUT", "1s"), ("TASKRUN_ACCOUNTS__PLANT__TIMEOUT", "1s")];
        let rig = Rig::with(&source(kind), 3, &fast).await;
        rig.afflict(fault);
        assert!(!rig.poll().await, "{kind} {fault}");
        let page = rig.page();
        let counted = page.sum("taskrun_source_polls_total", &[("result", result)]);
        assert!(counted >= 1.0, "{kind} {fault}: {:?}", rig.keeper.published().cells);
        assert_eq!(page.sum("taskrun_source_up", &[]), 0.0, "{kind} {fault}");
        let cells = &rig.keeper.published().cells;
        assert!(
            cells.iter().any(|cell| !cell.message.is_empty()),
            "{kind} {fault}: one line says what it is"
        );
        assert!(page.of("taskrun_runs_total").next().is_none(), "{kind} {fault}: nothing was read");
        rig.afflict("");
        recover(&rig).await;
        assert!(rig.page().sum("taskrun_runs_total", &[]) > 0.0, "{kind} after {fault}");
        assert!(rig.page().of("taskrun_source_up").all(|up| up.value == 1.0), "{kind} after {fault}");
    }
}

/// Polls until all is read again. A limiter that was told to slow down, and a token that was refused, take some seconds.
async fn recover(rig: &Rig) {
    for _ in 0..20 {
        rig.advance(30);
        if rig.poll().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("no recovery: {:?}", rig.keeper.published().cells);
}

#[tokio::test(flavor = "multi_thread")]
async fn wedata_names_its_trouble() {
    each_trouble_has_its_name("wedata").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tat_names_its_trouble() {
    each_trouble_has_its_name("tat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_names_its_trouble() {
    each_trouble_has_its_name("scf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enos_names_its_trouble() {
    each_trouble_has_its_name("enos").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_action_stops_its_own_source_alone() {
    let rig = Rig::start(&format!("{}{}", source("scf"), source("tat")), 3).await;
    rig.afflict("offline=GetFunctionLogs");
    assert!(!rig.poll().await);
    let calls = || rig.clouds.clouds.calls.report()["scf.GetFunctionLogs"]["count"].as_u64().unwrap();
    let page = rig.page();
    assert_eq!(page.sum("taskrun_source_up", &[("kind", "tat")]), 1.0);
    assert!(page.sum("taskrun_runs_total", &[("kind", "tat")]) > 0.0);
    assert!(page.sum("taskrun_source_polls_total", &[("kind", "scf"), ("result", "rejected")]) >= 1.0);
    let asked = calls();
    for _ in 0..3 {
        rig.advance(30);
        rig.poll().await;
    }
    assert_eq!(calls(), asked, "what is withdrawn is not asked again every poll");
}

/// Faults on every other poll: what fails is read again, what comes twice counts once.
async fn totals_stay_true(kind: &str, lookback: Duration, faults: &str) {
    let rig = Rig::start(&source(kind), 11).await;
    let mut polls: Vec<Timestamp> = Vec::new();
    for (turn, step) in [0, 45, 300, 31, 600, 30].into_iter().enumerate() {
        rig.advance(step);
        rig.afflict(if turn % 2 == 0 { faults } else { "" });
        let whole = rig.poll().await;
        assert!(whole || turn % 2 == 0, "{kind}: {:?}", rig.keeper.published().cells);
        polls.push(rig.clock.now());
    }
    truth::compare(&rig, kind, lookback, &polls);
}

const NOISE: &str = "throttle=0.1,server=0.1,internal=0.05,torn=0.05,html=0.05,dup=0.3,shift=0.3";

#[tokio::test(flavor = "multi_thread")]
async fn wedata_totals_stay_true_through_noise() {
    totals_stay_true("wedata", Duration::from_secs(1800), NOISE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tat_totals_stay_true_through_noise() {
    totals_stay_true("tat", Duration::from_secs(1800), NOISE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_totals_stay_true_through_noise() {
    totals_stay_true("scf", Duration::from_secs(1800), NOISE).await;
}
