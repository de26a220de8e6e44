//! What is left of a function, by whatever ended its reading, is read on by the next poll or the next process.

use super::{Cloud, NOW, at, poll, refused, source};
use crate::model::{Stretch, Timestamp, Window};
use crate::sources::Read;
use crate::sources::desk::FakeDesk;
use crate::transport::Error;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The same, with the gaps that `desk` was left with.
fn on_from(poll: u64, later: i64, desk: &FakeDesk) -> Window {
    Window { gaps: desk.gaps(), ..at(poll, later) }
}

/// The gaps that `desk` was left with, in seconds after [`NOW`].
fn gaps(desk: &FakeDesk) -> Vec<(String, i64, i64)> {
    let told = |(part, stretch): (&Arc<str>, Stretch)| {
        (part.to_string(), stretch.from.secs() - NOW, stretch.to.secs() - NOW)
    };
    desk.gaps().stretches().map(told).collect()
}

#[tokio::test]
async fn one_second_with_more_rows_than_can_be_reached_is_read_again_for_an_hour() {
    let cloud = Cloud::with(&["a"]);
    for n in 0..10_100 {
        cloud.rows.lock().unwrap().get_mut("a").unwrap().push((
            NOW - 600,
            json!({"RequestId": n, "StartTime": "2023-11-15 06:03:20", "RetCode": 0, "InvokeFinished": 1}),
        ));
    }
    cloud.run("a", "later", NOW - 10, 0);
    let (source, desk) = (source(&cloud, json!({"functions": ["a"]})), FakeDesk::default());
    let read = poll(&source, &at(1, 0), &desk).await.unwrap();
    assert!(matches!(&read, Read::Torn(text) if text.contains("a (")), "{read:?}");
    let batches = desk.batches();
    let seen: std::collections::HashSet<_> =
        batches.iter().flat_map(|batch| &batch.observations).map(|seen| &seen.run.instance).collect();
    assert_eq!(seen.len(), 10_001, "what can be reached is read, and what comes after");
    let last = batches.last().unwrap();
    assert!(!last.complete && last.backlog.unwrap() >= 100);
    // A second is shared by the two spans on its sides.
    let held = vec![("a".to_owned(), -601, -599)];
    assert_eq!(gaps(&desk), held, "what comes before and after it is not read again");
    // Half an hour later still; more than an hour later no more.
    poll(&source, &on_from(2, 1800, &desk), &desk).await.unwrap();
    assert_eq!(gaps(&desk), held);
    assert!(matches!(poll(&source, &on_from(3, 3100, &desk), &desk).await.unwrap(), Read::Torn(_)));
    assert_eq!(gaps(&desk), []);
    assert_eq!(poll(&source, &on_from(4, 3160, &desk), &desk).await.unwrap(), Read::Whole);
}

#[tokio::test]
async fn a_function_that_is_refused_stops_no_other_and_is_read_from_there_later() {
    let cloud = Cloud::with(&["a", "b"]);
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    let code = "UnauthorizedOperation.CAM".to_owned();
    cloud.fail("a", Some(Error::Auth { code: code.into(), hint: "" }));
    cloud.run("a", "r1", NOW - 10, 0);
    cloud.run("b", "r2", NOW - 10, 0);
    let read = poll(&source, &at(1, 0), &desk).await.unwrap();
    assert!(
        matches!(&read, Read::Refused(text) if text.contains("a (UnauthorizedOperation.CAM)")),
        "{read:?}"
    );
    assert_eq!(desk.peek().pop().unwrap().watermark, Some(Timestamp::from_secs(NOW)));
    assert_eq!(desk.runs(), ["b r2 success"]);
    cloud.fail("a", None);
    assert_eq!(gaps(&desk), [("a".to_owned(), -3600 - 930, 0)]);
    // Not by the process that was refused.
    let source = self::source(&cloud, json!({}));
    let mut later = on_from(100, 6 * 3600, &desk);
    later.floor = Timestamp::from_secs(NOW - 3600);
    assert_eq!(poll(&source, &later, &desk).await.unwrap(), Read::Whole);
    assert_eq!(desk.runs(), ["a r1 success"], "long before the watermark");
    assert_eq!(gaps(&desk), []);
}

#[tokio::test]
async fn a_function_that_stays_refused_holds_seven_days_and_no_more() {
    let cloud = Cloud::with(&["a", "b"]);
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    cloud.fail("a", Some(refused("UnauthorizedOperation.CAM")));
    let day = 86_400;
    for days in 0..=9 {
        let mut window = on_from(1 + days, days.cast_signed() * day, &desk);
        (window.first, window.floor) = (false, Timestamp::from_secs(NOW - day));
        window.from = Timestamp::from_secs(NOW + (days.cast_signed() - 1) * day);
        poll(&source, &window, &desk).await.unwrap();
    }
    assert_eq!(gaps(&desk), [("a".to_owned(), 2 * day, 9 * day)]);
    assert_eq!(desk.peek().pop().unwrap().watermark, Some(Timestamp::from_secs(NOW + 9 * day)));
    // Deleted: there is nothing to wait for.
    cloud.fail("a", Some(refused("ResourceNotFound.FunctionName")));
    let mut window = on_from(20, 9 * day + 60, &desk);
    window.floor = Timestamp::from_secs(NOW - day);
    assert_eq!(poll(&source, &window, &desk).await.unwrap(), Read::Whole);
    assert_eq!(gaps(&desk), []);
}

#[tokio::test]
async fn a_function_that_one_listing_leaves_out_is_read_on_when_it_is_back() {
    let cloud = Cloud::with(&["a", "b"]);
    let desk = FakeDesk::default();
    cloud.fail("a", Some(refused("UnauthorizedOperation.CAM")));
    cloud.run("a", "r1", NOW - 10, 0);
    poll(&source(&cloud, json!({})), &at(1, 0), &desk).await.unwrap();
    let other = Cloud::with(&["b"]);
    poll(&source(&other, json!({})), &on_from(2, 3600, &desk), &desk).await.unwrap();
    assert_eq!(gaps(&desk), [("a".to_owned(), -3600 - 930, 0)]);
    cloud.fail("a", None);
    let back = Window { floor: Timestamp::from_secs(NOW - 3600), ..on_from(3, 7200, &desk) };
    poll(&source(&cloud, json!({})), &back, &desk).await.unwrap();
    assert_eq!(desk.runs(), ["a r1 success"]);
    poll(&source(&other, json!({})), &on_from(4, 2 * 86_400, &desk), &desk).await.unwrap();
    assert_eq!(gaps(&desk), []);
}

/// A run an hour in each of `functions`, for three days before [`NOW`].
fn three_days(cloud: &Cloud, functions: &[&str]) {
    for function in functions {
        for hour in 0..72 {
            cloud.run(function, &format!("{function}{hour}"), NOW - 1800 - 3600 * hour, 0);
        }
    }
}

/// The window after three days in which nobody looked.
fn after_three_days(poll: u64, desk: &FakeDesk) -> Window {
    let from = Timestamp::from_secs(NOW - 3 * 86_400);
    Window { first: false, from, floor: from, ..on_from(poll, 0, desk) }
}

#[tokio::test]
async fn after_a_downtime_the_newest_of_every_function_comes_first_and_then_day_by_day() {
    let cloud = Cloud::with(&["a", "b", "c"]);
    three_days(&cloud, &["a", "b", "c"]);
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    assert_eq!(poll(&source, &after_three_days(2, &desk), &desk).await.unwrap(), Read::Whole);
    let counted: Vec<String> = desk.counted().iter().map(|seen| seen.run.instance.to_string()).collect();
    assert_eq!(counted[..3], ["a0", "b0", "c0"]);
    let hours: Vec<i64> = counted.iter().map(|run| run[1..].parse().unwrap()).collect();
    let days: Vec<i64> = hours.iter().map(|hour| (hour + 23) / 24).collect();
    assert!(days.is_sorted(), "{days:?}");
    assert_eq!(counted.len(), 3 * 72);
    assert_eq!(gaps(&desk), []);
}

#[tokio::test]
async fn what_ends_a_poll_leaves_the_rest_of_it_to_the_next_process() {
    let cloud = Cloud::with(&["a", "b", "c"]);
    three_days(&cloud, &["a", "b", "c"]);
    let desk = FakeDesk::default();
    let throttled = Error::Throttled { code: "RequestLimitExceeded".into(), retry_after: None };
    cloud.fail("c", Some(throttled));
    assert!(poll(&source(&cloud, json!({})), &after_three_days(2, &desk), &desk).await.is_err());
    assert_eq!(desk.counted().len(), 2);
    let (days, hour) = (-3 * 86_400, -3600);
    assert_eq!(
        gaps(&desk),
        [("a".to_owned(), days, hour), ("b".to_owned(), days, hour), ("c".to_owned(), days, 0)]
    );
    assert!(desk.peek().iter().all(|batch| !batch.complete));
    cloud.fail("c", None);
    cloud.calls();
    let window = Window { from: Timestamp::from_secs(NOW - 930), ..after_three_days(3, &desk) };
    assert_eq!(poll(&source(&cloud, json!({})), &window, &desk).await.unwrap(), Read::Whole);
    assert_eq!(desk.counted().len(), 3 * 72);
    assert_eq!(gaps(&desk), []);
    // Each function's newest, then three days of each less what was read.
    assert_eq!(cloud.calls().len(), 3 + 3 * 3);
}

#[tokio::test(start_paused = true)]
async fn catching_up_ends_in_time_for_the_next_poll() {
    let cloud = Cloud::with(&["a", "b", "c"]);
    three_days(&cloud, &["a", "b", "c"]);
    *cloud.slow.lock().unwrap() = Duration::from_secs(8);
    let desk = FakeDesk::default();
    let read = poll(&source(&cloud, json!({})), &after_three_days(2, &desk), &desk).await.unwrap();
    assert!(matches!(&read, Read::Torn(text) if text.contains("3 functions")), "{read:?}");
    let last = desk.peek().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(Timestamp::from_secs(NOW)), false));
    let marks = desk.peek().iter().filter(|batch| batch.gaps.is_some()).count();
    assert!(marks > 2, "a long poll says now and then how far it is");
    let mut polls = 0;
    while !gaps(&desk).is_empty() {
        let window = Window { from: Timestamp::from_secs(NOW - 930), ..after_three_days(3, &desk) };
        poll(&source(&cloud, json!({})), &window, &desk).await.unwrap();
        polls += 1;
        assert!(polls < 5);
    }
    assert_eq!(desk.counted().len(), 3 * 72);
}

#[tokio::test]
async fn a_function_that_breaks_is_read_again_from_where_it_stands() {
    let cloud = Cloud::with(&["a", "b"]);
    cloud.run("b", "r2", NOW - 10, 0);
    cloud.fail("a", Some(Error::Server { code: "InternalError.System".into() }));
    let (source, desk) = (source(&cloud, json!({})), FakeDesk::default());
    assert!(matches!(poll(&source, &at(1, 0), &desk).await.unwrap(), Read::Torn(_)));
    let last = desk.peek().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(Timestamp::from_secs(NOW)), false));
    assert_eq!(desk.runs(), ["b r2 success"]);
    assert_eq!(gaps(&desk), [("a".to_owned(), -3600 - 930, 0)]);
}
