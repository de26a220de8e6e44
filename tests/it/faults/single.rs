//! Faults that need an exporter of their own: names, addresses, clocks and keys.

use super::case::{KINDS, TENCENT};
use super::stand::{ILL, Stand, WELL, Wants};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::model::Timestamp;
use taskrun_exporter::simulator::{ManualClock, SimClock, apim, tc3};
use tokio::time::Instant;

/// Polls until the source is in the wanted state, within one interval.
async fn until(stand: &Stand, whole: bool, why: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    while stand.rig.poll_of(ILL).await != whole {
        assert!(Instant::now() < end, "{why}: {:?}", stand.rig.keeper.published().cells);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn polls(stand: &Stand, result: &str) -> f64 {
    stand.page().await.sum("taskrun_source_polls_total", &[("source", ILL), ("result", result)])
}

/// Fault 1. The label is longer than any name may be, so that every resolver says so without asking anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_exist_is_a_connection_that_fails() {
    let url = format!("https://{}.invalid", "a".repeat(64));
    for kind in KINDS {
        let stand = Stand::start(kind, Wants { url: Some(&url), ..Wants::default() }).await;
        let _watch = stand.watch();
        let (ill, well) = tokio::join!(stand.rig.poll_of(ILL), stand.rig.poll_of(WELL));
        assert!(!ill && well, "{kind}: {:?}", stand.rig.keeper.published().cells);
        assert!(polls(&stand, "connect").await >= 1.0, "{:?}", stand.rig.keeper.published().cells);
        assert_eq!(stand.age(&stand.page().await, WELL), 0.0, "{kind}");
    }
}

/// Fault 15, as far as the machine's resolver has an IPv6 address for its own name: nobody listens there.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_an_address_that_is_dead_is_reached_by_the_other() {
    for kind in KINDS {
        let stand = Stand::start(kind, Wants { host: "localhost", ..Wants::default() }).await;
        assert!(stand.rig.poll_of(ILL).await, "{kind}: {:?}", stand.rig.keeper.published().cells);
    }
}

/// Faults 21 and 22.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_change_on_the_disk_are_used_and_ones_that_vanish_are_kept() {
    for kind in KINDS {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"not-the-key-yet-0123456789abcdef").unwrap();
        let path = file.path().display().to_string();
        let (right, keys) = match TENCENT.contains(kind) {
            true => (
                tc3::SECRET_KEY,
                format!(
                    "credentials = {{ secret_id = {{ env = \"ID\" }}, secret_key = {{ file = \"{path}\" }} }}"
                ),
            ),
            false => (
                apim::SECRET_KEY,
                format!("access_key = {{ env = \"ENOS_ID\" }}\nsecret_key = {{ file = \"{path}\" }}"),
            ),
        };
        let stand = Stand::start(kind, Wants { keys: Some(&keys), ..Wants::default() }).await;
        let _watch = stand.watch();
        let (ill, well) = tokio::join!(stand.rig.poll_of(ILL), stand.rig.poll_of(WELL));
        assert!(!ill && well, "{kind}: {:?}", stand.rig.keeper.published().cells);
        assert!(polls(&stand, "auth").await >= 1.0, "{kind}");
        std::fs::write(file.path(), right).unwrap();
        stand.rig.advance(30);
        until(&stand, true, "the key is right now").await;
        for gone in [false, true] {
            match gone {
                false => std::fs::write(file.path(), "").unwrap(),
                true => std::fs::remove_file(file.path()).unwrap(),
            }
            stand.rig.advance(30);
            assert!(stand.rig.poll_of(ILL).await, "{kind}: {:?}", stand.rig.keeper.published().cells);
        }
    }
}

/// Fault 24: ten minutes behind the clouds, which refuse a signature that is off by five.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_compensated_for() {
    for kind in KINDS {
        let behind = Timestamp::from_millis(crate::rig::START.millis() - 600_000);
        let clock = Arc::new(SimClock::new(Arc::new(ManualClock::new(behind))));
        let stand = Stand::start(kind, Wants { clock: Some(clock), ..Wants::default() }).await;
        let _watch = stand.watch();
        let (ill, well) = tokio::join!(stand.rig.poll_of(ILL), stand.rig.poll_of(WELL));
        assert!(ill && well, "{kind}: {:?}", stand.rig.keeper.published().cells);
        let code = if TENCENT.contains(kind) { "AuthFailure.SignatureExpire" } else { "1003" };
        let refused = |page: &crate::page::Page| {
            page.sum("taskrun_api_requests_total", &[("account", ILL), ("code", code)])
        };
        assert_eq!(refused(&stand.page().await), 1.0, "{kind}: refused once, and never again");
        stand.rig.advance(30);
        assert!(stand.rig.poll_of(ILL).await, "{kind}");
        assert_eq!(refused(&stand.page().await), 1.0, "{kind}");
    }
}
