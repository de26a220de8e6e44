//! The catalogue of what clients do to a server, 72 to 90: each made here, or by a test that is named here.

mod many;
mod site;
mod tls;

use std::collections::BTreeSet;

/// Number, file, name of the test.
const FAULTS: &[(u8, &str, &str)] = &[
    (72, "tests/it/serving/many.rs", "ten_thousand_scrapes_are_answered_or_told_to_come_again"),
    (73, "src/http/tests/holding.rs", "a_reader_that_stops_is_cut_before_its_whole_time_is_up"),
    (73, "src/http/tests.rs", "a_client_that_does_not_read_is_cut_and_its_place_freed"),
    (74, "src/http/tests.rs", "slow_silent_and_idle_clients_are_closed"),
    (74, "tests/it/serving/many.rs", "a_thousand_held_connections_keep_nobody_from_scraping"),
    (75, "src/http/tests/holding.rs", "only_who_got_an_answer_may_wait_for_long"),
    (75, "src/http/tests/holding.rs", "the_connection_that_waits_longest_makes_room"),
    (76, "src/http/tests.rs", "malformed_requests_are_refused_and_harm_nobody"),
    (77, "src/http/tests.rs", "malformed_requests_are_refused_and_harm_nobody"),
    (78, "src/http/tests.rs", "other_methods_and_paths_are_refused"),
    (78, "tests/it/serving/many.rs", "no_request_makes_a_series"),
    (79, "src/http/tests.rs", "other_methods_and_paths_are_refused"),
    (80, "src/http/accept.rs", "what_is_odd_gets_plain_text"),
    (81, "src/http/accept.rs", "gzip_is_used_where_it_is_wanted"),
    (82, "src/http/tests.rs", "head_tells_the_same_without_the_body"),
    (83, "src/http/tests.rs", "too_many_scrapes_are_told_to_come_again"),
    (84, "src/http/tests.rs", "odd_headers_change_nothing"),
    (85, "tests/it/serving/many.rs", "a_scrape_sees_the_page_before_or_after_a_swap_and_no_mixture"),
    (86, "src/state/tests/mod.rs", "the_series_bound_holds_for_all_sources_together"),
    (87, "src/web_config/tests.rs", "guesses_beyond_the_queue_are_told_to_come_again"),
    (87, "src/web_config/tests.rs", "an_unknown_name_costs_what_a_known_one_does"),
    (88, "tests/it/serving/tls.rs", "only_a_client_with_the_right_certificate_comes_in"),
    (89, "tests/it/serving/tls.rs", "a_certificate_that_is_swapped_is_used_and_garbage_is_not"),
    (89, "src/web_config/tests.rs", "certificates_change_without_the_file_and_garbage_changes_nothing"),
    (90, "tests/it/serving/many.rs", "before_the_first_poll_there_is_a_page_without_tasks"),
];

#[test]
fn no_fault_of_serving_is_left_out() {
    for (number, file, name) in FAULTS {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {name}(")), "{number}: there is no {name} in {file}");
    }
    let made: BTreeSet<u8> = FAULTS.iter().map(|(number, ..)| *number).collect();
    assert_eq!(made, (72..=90).collect());
}
