//! The catalogue of what goes wrong upstream, each fault made on purpose before each kind of source it can befall.
//!
//! While it lasts, `/metrics` answers 200, no counter falls, the other source stays fresh, and the fault has its name in
//! `taskrun_source_polls_total{result}` or a counter that tells it. When it is over the next poll reads everything.

mod case;
mod change;
mod content;
mod isolation;
mod message;
mod protocol;
mod single;
mod stand;
mod tls;
mod transport;
mod wire;

use case::{Case, KINDS, drive};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Cases of one kind that go on at once.
const AT_ONCE: usize = 4;

/// How long one case may take: most take four seconds.
const LONGEST: Duration = Duration::from_secs(300);

fn cases() -> impl Iterator<Item = &'static Case> {
    [transport::CASES, protocol::CASES, content::CASES].into_iter().flatten()
}

/// Every case that befalls `kind`; `FAULTS=17` runs those of one number.
async fn all(kind: &'static str) {
    let only = std::env::var("FAULTS").ok();
    let (places, mut under_way) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let wanted = |case: &&Case| {
        case.kinds.contains(&kind) && only.as_deref().is_none_or(|only| only == case.number.to_string())
    };
    for case in cases().filter(wanted) {
        let places = Arc::clone(&places);
        under_way.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let played = tokio::spawn(tokio::time::timeout(LONGEST, drive(case, kind)));
            let name = format!("{} {}", case.number, case.name);
            match played.await {
                Ok(Ok(())) => None,
                Ok(Err(_)) => Some(format!("{name}: not over after {LONGEST:?}")),
                Err(_) => Some(name),
            }
        });
    }
    let failed: Vec<String> = under_way.join_all().await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{kind}: {failed:?}; see above");
}

/// Faults, or parts of them, that other tests make: number, file, name of the test.
const ELSEWHERE: &[(u8, &str, &str)] = &[
    (1, "tests/it/faults/single.rs", "a_name_that_does_not_exist_is_a_connection_that_fails"),
    (2, "src/transport/resolver/tests.rs", "a_public_name_that_leads_here_is_not_followed"),
    (5, "tests/it/faults/tls.rs", "whoever_cannot_prove_who_he_is_gets_no_request"),
    (10, "src/transport/http/tests.rs", "bodies_beyond_the_cap_are_refused_packed_or_not"),
    (12, "src/transport/http/tests.rs", "redirects_are_not_followed"),
    (15, "tests/it/faults/single.rs", "a_name_with_an_address_that_is_dead_is_reached_by_the_other"),
    (17, "src/transport/header.rs", "retry_after_is_believed_within_bounds"),
    (17, "src/transport/retry.rs", "three_tries_with_jitter_that_doubles"),
    (18, "src/transport/retry.rs", "an_outage_adds_a_bounded_number_of_requests"),
    (21, "tests/it/faults/single.rs", "keys_that_change_on_the_disk_are_used_and_ones_that_vanish_are_kept"),
    (22, "tests/it/faults/single.rs", "keys_that_change_on_the_disk_are_used_and_ones_that_vanish_are_kept"),
    (23, "src/credentials/cached/tests.rs", "temporary_keys_are_kept_and_renewed_ahead_of_their_end"),
    (24, "tests/it/faults/single.rs", "a_clock_that_is_wrong_is_compensated_for"),
    (31, "tests/it/trouble.rs", "tat_totals_stay_true_through_noise"),
    (32, "src/sources/wedata/listing/tests.rs", "a_row_that_leaves_while_paging_hides_none"),
    (32, "src/sources/wedata/listing/tests.rs", "readings_that_differ_are_never_taken_for_whole"),
    (32, "src/sources/tat/poll/tests.rs", "rows_that_leave_between_two_pages_hide_none"),
    (32, "tests/it/trouble.rs", "wedata_totals_stay_true_through_noise"),
    (34, "src/sources/wedata/details/tests.rs", "a_log_without_end_ends_all_the_same"),
    (44, "src/state/tests/mod.rs", "what_does_not_fit_is_folded_and_the_sums_stay_true"),
    (44, "src/state/tests/mod.rs", "the_series_bound_holds_for_all_sources_together"),
    // No name of a label comes from outside.
    (46, "tests/it/catalogue.rs", "every_exposed_family_is_in_the_catalogue_with_its_labels"),
    (48, "src/telemetry/tests.rs", "no_value_can_break_its_line_or_reach_the_terminal"),
    (49, "tests/it/catalogue.rs", "no_secret_and_no_text_of_a_run_is_exposed"),
];

#[test]
fn no_fault_of_the_catalogue_is_left_out() {
    for (number, file, name) in ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {name}(")), "{number}: there is no {name} in {file}");
    }
    let made = cases().map(|case| case.number).chain(ELSEWHERE.iter().map(|(number, ..)| *number));
    assert_eq!(made.collect::<BTreeSet<u8>>(), (1..=49).collect());
    let (names, all): (BTreeSet<_>, usize) =
        (cases().map(|case| (case.number, case.name, case.kinds)).collect(), cases().count());
    assert_eq!(names.len(), all, "two cases are called the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn wedata_stands_every_fault() {
    all(KINDS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tat_stands_every_fault() {
    all(KINDS[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scf_stands_every_fault() {
    all(KINDS[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enos_stands_every_fault() {
    all(KINDS[3]).await;
}
