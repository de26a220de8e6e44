use super::*;
use crate::sources::wedata::script::{Script, row};
use serde_json::Value;

/// The moment before which the rows of [`many`] changed.
fn to() -> Timestamp {
    Zone::east8().read("2025-03-28 23:00:00").unwrap()
}

async fn list(script: &Script) -> (Listing, Result<Reading, Error>) {
    let mut request = ListInstances {
        project_id: "p".into(),
        schedule_time_from: String::new(),
        schedule_time_to: String::new(),
        last_update_time_from: None,
        last_update_time_to: None,
        instance_state_list: None,
        sort_column: "SCHEDULE_DATE",
        sort_type: "ASC",
        page_number: 1,
        page_size: PAGE_SIZE,
        schedule_time_zone: "UTC+8".into(),
    };
    let mut listing = Listing::default();
    let read = listing.read(script, &mut request, &Names::new(), (&Zone::east8(), to()), true).await;
    (listing, read)
}

/// One row a task, planned later and later.
fn many(count: u64) -> Vec<Value> {
    (0..count).map(|task| row(task, &format!("{:02}:{:02}", 1 + task / 60, task % 60), 2, 1)).collect()
}

#[tokio::test]
async fn pages_are_read_by_the_total_and_each_row_once() {
    for (count, pages) in [(0, 1), (1, 1), (200, 1), (201, 2), (450, 3)] {
        let script = Script::default();
        script.set().rows = many(count);
        let (listing, read) = list(&script).await;
        assert_eq!(read.unwrap(), Reading::Whole);
        assert_eq!((listing.rows().len() as u64, listing.left()), (count, 0));
        assert_eq!(script.calls("ListInstances").len(), pages, "{count}");
    }
}

#[tokio::test]
async fn a_row_that_joins_while_paging_costs_at_most_another_reading() {
    let script = Script::default();
    script.set().rows = many(450);
    // Planned first of all: it pushes every other row down, once the first page is read.
    script.set().joining = vec![(1, row(9999, "00:01", 2, 1))];
    let (listing, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Whole);
    assert_eq!(listing.rows().len(), 451);
}

#[tokio::test]
async fn a_row_that_leaves_while_paging_hides_none() {
    let script = Script::default();
    script.set().rows = many(450);
    // Gone after the first page: row 200 slips from the second page to the first, behind the reader's back.
    script.set().leaving = vec![(1, "task100")];
    let (listing, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Whole);
    assert!(listing.shows(&crate::sources::wedata::script::key(200, "04:20")));
    assert_eq!(listing.rows().len(), 450);
}

#[tokio::test]
async fn a_list_that_keeps_growing_is_whole_once_nothing_older_turns_up() {
    let script = Script::default();
    script.set().rows = many(250);
    let late = |page: u64| {
        let mut row = row(1000 + page, "00:01", 2, 1);
        row["LastUpdateTime"] = "2025-03-28 23:00:01".into();
        (usize::try_from(page).unwrap(), row)
    };
    script.set().joining = (1..100).map(late).collect();
    let (_, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Whole);
    assert!(script.calls("ListInstances").len() <= 6);
}

#[tokio::test]
async fn a_total_that_the_rows_never_reach_is_whole_once_two_readings_agree() {
    for (total, reading, left) in [(12, Reading::Whole, 2), (209, Reading::Whole, 199)] {
        let script = Script::default();
        script.set().rows = many(10);
        script.set().total = Some(total);
        let (listing, read) = list(&script).await;
        assert_eq!((read.unwrap(), listing.rows().len(), listing.left()), (reading, 10, left));
        assert_eq!(script.calls("ListInstances 1 ").len(), 2);
    }
}

#[tokio::test]
async fn rows_listed_twice_explain_a_total_above_the_instances() {
    let script = Script::default();
    let mut rows = many(10);
    rows.push(rows[3].clone());
    script.set().rows = rows;
    let (listing, read) = list(&script).await;
    assert_eq!((read.unwrap(), listing.rows().len(), listing.left()), (Reading::Whole, 10, 0));
    assert_eq!(script.calls("ListInstances 1 ").len(), 2);
}

#[tokio::test]
async fn readings_that_differ_are_never_taken_for_whole() {
    let script = Script::default();
    script.set().rows = many(10);
    script.set().total = Some(40);
    script.set().joining = (1..20).map(|page| (page, row(1000 + page as u64, "00:01", 2, 1))).collect();
    let (listing, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Torn);
    assert!(listing.left() > 0);
}

#[tokio::test]
async fn nothing_shown_of_a_total_is_not_whole() {
    let script = Script::default();
    script.set().total = Some(5);
    let (listing, read) = list(&script).await;
    assert_eq!((read.unwrap(), listing.left()), (Reading::Torn, 5));
}

#[tokio::test]
async fn missing_pages_and_long_listings_are_to_be_cut() {
    let script = Script::default();
    script.set().rows = many(10);
    script.set().total = Some(210);
    assert_eq!(list(&script).await.1.unwrap(), Reading::TooLong, "a whole page is missing");

    let script = Script::default();
    script.set().rows = many(450);
    script.set().total = Some(MAX_ROWS + 1);
    assert_eq!(list(&script).await.1.unwrap(), Reading::TooLong);
    assert_eq!(script.calls("ListInstances").len(), 1, "the first page tells");
}

#[tokio::test]
async fn a_page_that_comes_again_ends_the_reading() {
    let script = Script::default();
    // As many pages as the total promises, all of them the same ten rows.
    script.set().rows = (0..60).flat_map(|_| (0..200).map(|n| row(n % 10, "01:00", 2, 1))).collect();
    let (listing, read) = list(&script).await;
    assert_eq!((read.unwrap(), listing.rows().len()), (Reading::TooLong, 10));
    assert_eq!(script.calls("ListInstances").len(), 4, "two pages in each of two readings");
}

#[tokio::test]
async fn rows_met_twice_do_not_end_the_reading_early() {
    let script = Script::default();
    let mut rows = many(201);
    rows.insert(0, rows[0].clone());
    script.set().rows = rows;
    script.set().total = Some(201);
    let (listing, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Whole);
    assert_eq!(listing.rows().len(), 201);
}

#[tokio::test]
async fn refused_rows_count_as_read_and_the_newest_state_wins() {
    let script = Script::default();
    let mut changed = row(1, "01:00", 2, 1);
    changed["LastUpdateTime"] = "2025-03-28 02:00:00".into();
    let mut keyless = row(3, "01:00", 2, 1);
    keyless["InstanceKey"] = Value::Null;
    keyless["TaskId"] = Value::Null;
    script.set().rows = vec![changed, row(1, "01:00", 1, 1), keyless];
    script.set().total = Some(2);
    let (listing, read) = list(&script).await;
    assert_eq!(read.unwrap(), Reading::Whole);
    assert_eq!(listing.rejected(), [RejectCause::MissingId]);
    assert_eq!(listing.rows().len(), 1);
    assert_eq!(
        listing.rows()[0].seen.state,
        crate::model::RunState::Finished(crate::model::Outcome::Success)
    );
}

#[tokio::test]
async fn a_page_without_rows_or_total_is_no_empty_page() {
    let page: InstancePage = serde_json::from_str("{\"TotalCount\": 5, \"Items\": null}").unwrap();
    assert!(total(&page).is_err());
    assert!(total(&InstancePage::default()).is_err());
    let page: InstancePage = serde_json::from_str("{\"TotalCount\": 0}").unwrap();
    assert_eq!(total(&page).unwrap(), Some(0));
}

#[tokio::test]
async fn what_was_read_before_a_failure_stands() {
    let script = Script::default();
    script.set().rows = many(450);
    script.set().errors.insert(
        "ListInstances 2 []".into(),
        Error::Throttled { code: "RequestLimitExceeded".into(), retry_after: None },
    );
    let (listing, read) = list(&script).await;
    assert!(read.is_err());
    assert_eq!(listing.rows().len(), 200);
}
