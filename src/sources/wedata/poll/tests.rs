use super::bench::{Bench, at, since_midnight};
use super::*;
use crate::model::{Facets, Known, OpenRun, Outcome, RunId, TaskKey, Timestamp};
use crate::sources::wedata::script::{key, life, row};
use crate::sources::wedata::settings::{ApiZone, Which};
use crate::transport::Error;
use serde_json::{Value, json};

#[tokio::test]
async fn a_failure_is_published_before_its_details_are_read() {
    let bench = Bench::new();
    bench.set(row(1, "03:00", 4, 1), &[life(0, "03:00", 4)]);
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    let batches = bench.desk.batches();
    assert_eq!(batches.len(), 3);
    assert_eq!(batches[0].observations[0].waits, None);
    assert!(batches[1].observations[0].waits.is_some());
    assert!(batches[..2].iter().all(|batch| batch.watermark.is_none() && !batch.complete));
    assert_eq!(
        (batches[2].watermark, batches[2].complete, batches[2].backlog),
        (Some(at("04:00")), true, Some(0))
    );
    assert_eq!(bench.counted(), [(key(1, "03:00"), Outcome::Failed)]);
    assert!(
        matches!(bench.desk.known(&key(1, "03:00"), 0), Known::Finished(_, facets) if facets.has(Facets::WAITS))
    );
}

#[tokio::test]
async fn what_is_known_costs_one_listing() {
    let bench = Bench::new();
    bench.set(row(1, "03:00", 2, 1), &[life(0, "03:00", 2)]);
    bench.poll(&since_midnight("04:00")).await.unwrap();
    bench.api.set().calls.clear();
    bench.poll(&since_midnight("04:01")).await.unwrap();
    assert_eq!(bench.api.set().calls, ["ListInstances 1 []"]);
    assert_eq!(bench.counted().len(), 1);
    // Not even after a restart, where only the state remembers.
    let restarted = Bench { keep: Keep::new(ApiZone::parse("UTC+8").unwrap()), ..bench };
    restarted.poll(&since_midnight("04:02")).await.unwrap();
    assert_eq!(restarted.api.calls("GetTaskInstance").len(), 0);
}

#[tokio::test]
async fn reruns_between_two_polls_are_each_a_run() {
    let bench = Bench::new();
    bench.set(row(1, "03:00", 4, 1), &[life(0, "03:00", 4)]);
    bench.poll(&since_midnight("04:00")).await.unwrap();
    let lives = [life(3, "05:30", 1), life(2, "05:20", 2), life(1, "05:10", 4), life(0, "03:00", 4)];
    bench.set(row(1, "03:00", 1, 4), &lives);
    bench.poll(&since_midnight("06:00")).await.unwrap();
    let round = |n: u32| RunId { instance: key(1, "03:00").as_str().into(), round: n }.to_string();
    let expected = [(round(0), Outcome::Failed), (round(1), Outcome::Failed), (round(2), Outcome::Success)];
    assert_eq!(bench.counted(), expected);
    assert_eq!(bench.desk.known(&key(1, "03:00"), 3), Known::Open);
    // Still running, unchanged: its rounds are not read again.
    bench.api.calls("");
    bench.poll(&since_midnight("06:01")).await.unwrap();
    assert_eq!(bench.api.calls("GetTaskInstance").len(), 0);
}

#[tokio::test]
async fn settings_choose_whose_details_are_read() {
    for (which, asked) in [(Which::All, 3), (Which::Failed, 2), (Which::Never, 0)] {
        let mut bench = Bench::new();
        bench.settings.detail = which;
        bench.set(row(1, "03:00", 2, 1), &[life(0, "03:00", 2)]);
        bench.set(row(2, "03:00", 4, 1), &[life(0, "03:00", 4)]);
        bench.set(row(3, "03:00", 2, 2), &[life(1, "03:00", 2), life(0, "02:00", 4)]);
        bench.set(row(4, "03:00", 1, 1), &[life(0, "03:00", 1)]);
        bench.poll(&since_midnight("04:00")).await.unwrap();
        assert_eq!(bench.api.calls("GetTaskInstance").len(), asked, "{which:?}");
        assert_eq!(bench.counted().len(), if asked == 0 { 3 } else { 4 }, "{which:?}");
    }
}

#[tokio::test]
async fn open_runs_that_did_not_change_are_confirmed_by_one_listing() {
    let bench = Bench::new();
    bench.set(row(1, "01:00", 1, 1), &[]);
    bench.set(row(2, "03:30", 2, 1), &[]);
    let mut window = Window { from: at("03:00"), ..since_midnight("04:00") };
    window.open = vec![OpenRun {
        run: RunId { instance: key(1, "01:00").as_str().into(), round: 0 },
        task: TaskKey::default(),
        parent: "".into(),
        planned: None,
        since: None,
    }];
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert_eq!(bench.desk.known(&key(1, "01:00"), 0), Known::Open);
    assert!(bench.desk.batches().pop().unwrap().complete);
    assert_eq!(bench.api.calls("ListInstances").len(), 2);

    window.open.clear();
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.api.calls("ListInstances").len(), 1, "nothing open, nothing to confirm");
    window.first = true;
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.api.calls("ListInstances").len(), 2, "the first poll knows of none, and looks");
}

#[tokio::test]
async fn a_listing_that_is_not_whole_moves_no_watermark() {
    let bench = Bench::new();
    bench.set(row(1, "03:00", 2, 1), &[life(0, "03:00", 2)]);
    bench.api.set().total = Some(9);
    // Two pages a reading, the second of them empty: each of the four shows one more instance than the one before.
    bench.api.set().joining = (1..4).map(|n| (2 * n, row(10 + n as u64, "03:00", 2, 1))).collect();
    assert!(matches!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Torn(_)));
    let last = bench.desk.batches().pop().unwrap();
    assert_eq!((last.watermark, last.complete, last.backlog), (None, false, Some(5)));
    assert_eq!(bench.counted().len(), 4);

    bench.api.set().errors.insert("ListInstances".into(), Error::Server { code: "InternalError".into() });
    assert!(bench.poll(&since_midnight("04:00")).await.is_err());
    assert_eq!(bench.watermark(), None);
}

#[tokio::test]
async fn an_instance_listed_twice_stops_nothing() {
    let bench = Bench::new();
    bench.set(row(1, "03:00", 2, 1), &[life(0, "03:00", 2)]);
    let twin = row(1, "03:00", 2, 1);
    bench.api.set().rows.push(twin);
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    assert_eq!(bench.watermark(), Some(at("04:00")));

    bench.api.set().total = Some(4);
    let Read::Refused(told) = bench.poll(&since_midnight("04:01")).await.unwrap() else { panic!() };
    assert!(told.contains("2 instances more"), "{told}");
    assert_eq!(bench.watermark(), Some(at("04:01")));
}

/// Sixty instances, each finished and changed a minute after the one before, from 01:00 on.
fn an_hour_of_changes(bench: &Bench) {
    for minute in 0..60 {
        let time = format!("01:{minute:02}");
        bench.set(row(100 + minute, &time, 2, 1), &[life(0, &time, 2)]);
    }
}

#[tokio::test]
async fn more_changes_than_one_reading_takes_are_read_in_slices() {
    let mut bench = Bench::new();
    bench.settings.detail = Which::Never;
    an_hour_of_changes(&bench);
    bench.api.set().fitting = Some(20);
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    assert_eq!(bench.counted().len(), 60);
    let batches = bench.desk.batches();
    let marks: Vec<Timestamp> = batches.iter().filter_map(|batch| batch.watermark).collect();
    assert!(marks.len() > 3 && marks.is_sorted(), "{marks:?}");
    assert_eq!(marks.last(), Some(&at("04:00")));
    assert_eq!(batches.iter().filter(|batch| batch.complete).count(), 1);
    // Whatever changed before a watermark was handed over before it.
    let mut shown = std::collections::BTreeSet::new();
    for batch in &batches {
        shown.extend(batch.observations.iter().map(|seen| seen.run.to_string()));
        if let Some(mark) = batch.watermark {
            let due = (0..60).filter(|minute| at(&format!("01:{minute:02}")) < mark).count();
            assert!(shown.len() >= due, "{} of {due} before {mark}", shown.len());
        }
    }
}

#[tokio::test]
async fn details_that_are_left_hold_the_watermark_in_every_slice() {
    let bench = Bench::new();
    an_hour_of_changes(&bench);
    bench.api.set().fitting = Some(20);
    let trouble = Error::Server { code: "InternalError".into() };
    bench.api.set().errors.insert(format!("GetTaskInstance {}", key(105, "01:05")), trouble);
    assert!(bench.poll(&since_midnight("04:00")).await.is_err());
    assert_eq!(bench.counted().len(), 60, "every run is counted all the same");
    let marks = bench.desk.batches().into_iter().filter_map(|batch| batch.watermark).max();
    assert_eq!(marks, Some(at("01:05")));
}

#[tokio::test]
async fn a_second_with_more_changes_than_can_be_listed_is_told() {
    let mut bench = Bench::new();
    bench.settings.detail = Which::Never;
    for task in 0..30 {
        bench.set(row(task, "01:30", 2, 1), &[]);
    }
    bench.set(row(99, "02:30", 2, 1), &[]);
    bench.api.set().fitting = Some(20);
    let Read::Torn(told) = bench.poll(&since_midnight("04:00")).await.unwrap() else { panic!() };
    assert!(told.contains("within one second, 2025-03-27T17:"), "{told}");
    assert_eq!(bench.counted().len(), 21, "what can be listed of it, and what comes after it, is counted");
    let marks = bench.desk.batches().into_iter().filter_map(|batch| batch.watermark).max();
    assert!(marks.is_some_and(|mark| mark > at("01:29") && mark <= at("01:30")), "{marks:?}");
}

#[tokio::test]
async fn a_total_that_is_wrong_at_any_length_ends_the_cutting() {
    let bench = Bench::new();
    bench.set(row(1, "01:30", 2, 1), &[]);
    bench.api.set().total = Some(1_000_000_000);
    let Read::Torn(_) = bench.poll(&since_midnight("04:00")).await.unwrap() else { panic!() };
    let calls = bench.api.calls("ListInstances").len();
    assert!(calls < 300, "{calls} calls");
    assert_eq!(bench.desk.batches().iter().filter_map(|batch| batch.watermark).max(), None);
}

#[tokio::test]
async fn the_first_poll_looks_for_open_runs_before_its_watermark_moves() {
    let mut bench = Bench::new();
    bench.settings.detail = Which::Never;
    an_hour_of_changes(&bench);
    for task in 0..30 {
        // Waiting since before the window begins.
        let mut waiting = row(task, "03:30", 0, 1);
        waiting["LastUpdateTime"] = json!(format!("2025-03-20 00:{task:02}:00"));
        bench.set(waiting, &[]);
    }
    bench.api.set().fitting = Some(20);
    let window = Window { first: true, ..since_midnight("04:00") };
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert_eq!(bench.desk.known(&key(29, "03:30"), 0), Known::Open, "read in slices too");
    let batches = bench.desk.batches();
    let mark = batches.iter().position(|batch| batch.watermark.is_some());
    let open = batches.iter().rposition(|batch| batch.observations.iter().any(|seen| seen.ended.is_none()));
    assert!(open < mark, "{open:?} {mark:?}");
}

#[tokio::test]
async fn refused_rows_are_counted_and_told() {
    let bench = Bench::new();
    let mut stateless = row(1, "03:00", 2, 1);
    stateless["InstanceState"] = Value::Null;
    bench.set(stateless, &[]);
    let Read::Refused(told) = bench.poll(&since_midnight("04:00")).await.unwrap() else { panic!() };
    assert!(told.contains("malformed"), "{told}");
    let batches = bench.desk.batches();
    assert_eq!(batches[0].rejected.len(), 1);
    assert_eq!(batches.last().unwrap().watermark, Some(at("04:00")));
}

#[tokio::test]
async fn instances_are_read_without_listing() {
    let mut bench = Bench::new();
    bench.settings.instances = vec![key(1, "03:00"), key(2, "03:00")];
    bench.set(row(1, "03:00", 2, 2), &[life(1, "03:00", 2), life(0, "02:00", 4)]);
    bench.set(row(2, "03:00", 1, 1), &[life(0, "03:00", 1)]);
    assert_eq!(bench.poll(&since_midnight("04:00")).await.unwrap(), Read::Whole);
    assert_eq!(bench.api.calls("ListInstances").len(), 0);
    assert_eq!(bench.counted().len(), 2);
    let last = bench.desk.batches().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(at("04:00")), true));

    bench.settings.instances.push("3_2025-03-28 03:00:00".into());
    let Read::Refused(told) = bench.poll(&since_midnight("04:01")).await.unwrap() else { panic!() };
    assert!(told.contains("3_2025-03-28"), "{told}");
    let last = bench.desk.batches().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(at("04:01")), false));

    bench
        .api
        .set()
        .errors
        .insert("GetTaskInstance".into(), Error::Rejected { code: "FailedOperation".into() });
    assert!(bench.poll(&since_midnight("04:02")).await.is_err());
    assert_eq!(bench.watermark(), None);
}

#[tokio::test]
async fn the_window_is_asked_for_in_the_configured_zone() {
    let mut bench = Bench::new();
    bench.keep = Keep::new(ApiZone::parse("UTC+6").unwrap());
    // 03:00 in UTC+8 is 01:00 in UTC+6; a row of UTC+6 says so.
    let mut shifted = row(1, "01:00", 2, 1);
    shifted["LastUpdateTime"] = json!("2025-03-28 01:00:30");
    bench.set(shifted, &[]);
    let window = Window { from: at("03:00"), ..since_midnight("04:00") };
    bench.poll(&window).await.unwrap();
    assert_eq!(bench.desk.counted()[0].started, Some(at("03:00")));
    let late = Window { from: at("03:01"), ..since_midnight("04:00") };
    let other = Bench::new();
    let shifted = bench.api.set().rows.remove(0);
    other.set(shifted, &[]);
    other.poll(&late).await.unwrap();
    assert_eq!(other.counted().len(), 0);
}
