use super::bench::{Bench, at, since_midnight};
use super::*;
use crate::model::{Facets, Known, OpenRun, Outcome, RunId, TaskKey, Timestamp, Zone};
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
async fn between_two_listings_of_all_that_is_open_what_did_not_change_is_taken_to_be_open() {
    let bench = Bench::new();
    bench.set(row(1, "01:00", 1, 1), &[]);
    let open = |task, time| OpenRun {
        run: RunId { instance: key(task, time).as_str().into(), round: 0 },
        task: TaskKey::default(),
        parent: "".into(),
        planned: None,
        since: None,
    };
    let mut window = Window { from: at("03:00"), ..since_midnight("04:00") };
    window.open = vec![open(1, "01:00")];
    let mut listed = Vec::new();
    for _ in 0..14 {
        assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
        let last = bench.desk.batches().pop().unwrap();
        let calls = bench.api.calls("ListInstances").len();
        assert!(last.complete);
        assert_eq!(last.still_open.len(), usize::from(calls == 1), "listed or taken to be open");
        listed.push(calls);
    }
    assert_eq!(listed, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]);

    // One that the listing does not show is looked for by the next poll too: missing twice, it is gone.
    let bench = Bench::new();
    window.open = vec![open(9, "01:00")];
    for _ in 0..2 {
        bench.poll(&window).await.unwrap();
        assert_eq!(bench.api.calls("ListInstances").len(), 2);
        assert!(bench.desk.batches().pop().unwrap().still_open.is_empty());
    }
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
    assert!(marks.len() > 3 && marks.iter().all(|mark| *mark == at("04:00")), "{marks:?}");
    assert_eq!(batches.iter().filter(|batch| batch.complete).count(), 1);
    assert_eq!(batches.last().unwrap().gaps, Some(Gaps::default()));
    // Whatever changed before the watermark was handed over before, or lies in a gap.
    let mut shown = std::collections::BTreeSet::new();
    for batch in &batches {
        shown.extend(batch.observations.iter().map(|seen| seen.run.to_string()));
        if let Some(gaps) = &batch.gaps {
            for minute in 0..60 {
                let changed = at(&format!("01:{minute:02}"));
                let left = gaps.of("").iter().any(|gap| gap.from <= changed && changed < gap.to);
                let run = key(100 + minute, &format!("01:{minute:02}"));
                assert!(left || shown.contains(&run), "{run} is neither shown nor left: {gaps:?}");
            }
        }
    }
    let order: Vec<Option<Timestamp>> = bench.desk.counted().iter().map(|seen| seen.updated).collect();
    let newest = order.iter().position(|updated| *updated == Some(at("01:59"))).unwrap();
    let oldest = order.iter().position(|updated| *updated == Some(at("01:00"))).unwrap();
    assert!(newest < 20 && oldest >= 40, "the newest slice first: {newest} {oldest}");
}

/// What is left after a poll, as minutes of the day.
fn left(bench: &Bench) -> Vec<(String, String)> {
    let time = |at: Timestamp| Zone::east8().write(at)[11..16].to_owned();
    bench.desk.gaps().of("").iter().map(|gap| (time(gap.from), time(gap.to))).collect()
}

#[tokio::test]
async fn a_poll_cut_off_is_gone_on_with_by_another_process_after_what_is_new() {
    let mut bench = Bench::new();
    bench.settings.detail = Which::Never;
    an_hour_of_changes(&bench);
    bench.api.set().fitting = Some(20);
    // What is left after the newest slice fails: it holds the first half of the hour.
    let broken = Error::Server { code: "InternalError".into() };
    bench.api.set().failing_before = Some(("2025-03-28 01:30:00".into(), broken));
    assert!(bench.poll(&since_midnight("02:00")).await.is_err());
    let counted = bench.counted().len();
    assert!((1..=31).contains(&counted), "{counted}");
    let rest = left(&bench);
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].0, "00:00");

    bench.api.set().failing_before = None;
    bench.set(row(900, "02:01", 2, 1), &[]);
    let bench = Bench { keep: Keep::new(ApiZone::parse("UTC+8").unwrap()), ..bench };
    let window = Window { from: at("01:55"), gaps: bench.desk.gaps(), ..since_midnight("02:05") };
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert_eq!(bench.desk.counted()[counted].updated, Some(at("02:01")), "what is new comes first");
    assert_eq!(bench.counted().len(), 61, "each once");
    assert!(left(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn catching_up_ends_in_time_for_the_next_poll() {
    let mut bench = Bench::new();
    bench.settings.detail = Which::Never;
    an_hour_of_changes(&bench);
    bench.api.set().fitting = Some(5);
    bench.api.set().slow_list = Duration::from_secs(4);
    let Read::Torn(told) = bench.poll(&since_midnight("02:00")).await.unwrap() else { panic!() };
    assert!(told.contains("is left for the next polls"), "{told}");
    let last = bench.desk.peek().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(at("02:00")), true));
    assert!(last.backlog.unwrap() > 0);
    let mut polls = 0;
    while !left(&bench).is_empty() {
        let window = Window { from: at("01:55"), gaps: bench.desk.gaps(), ..since_midnight("02:00") };
        bench.poll(&window).await.unwrap();
        polls += 1;
        assert!(polls < 20, "{:?}", left(&bench));
    }
    assert!(polls > 1);
    assert_eq!(bench.counted().len(), 60, "each once");
}

#[tokio::test]
async fn details_that_are_left_make_a_gap_of_their_own() {
    let bench = Bench::new();
    an_hour_of_changes(&bench);
    bench.api.set().fitting = Some(20);
    let trouble = Error::Server { code: "InternalError".into() };
    bench.api.set().errors.insert(format!("GetTaskInstance {}", key(105, "01:05")), trouble);
    assert!(bench.poll(&since_midnight("04:00")).await.is_err());
    assert_eq!(bench.counted().len(), 60, "every run is counted all the same");
    let rest = left(&bench);
    assert_eq!((rest.len(), &*rest[0].0), (1, "01:05"), "{rest:?}");
    let calls = bench.api.calls("GetTaskInstance").len();
    assert_eq!(calls, 60);
    bench.api.set().errors.clear();
    let window = Window { from: at("03:55"), gaps: bench.desk.gaps(), ..since_midnight("04:01") };
    assert_eq!(bench.poll(&window).await.unwrap(), Read::Whole);
    assert!(left(&bench).is_empty());
    assert_eq!(bench.api.calls("GetTaskInstance"), [format!("GetTaskInstance {}", key(105, "01:05"))]);
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
    // A second is shared by the two slices on its sides.
    assert_eq!(left(&bench), [("01:29".to_owned(), "01:30".to_owned())]);
    let last = bench.desk.batches().pop().unwrap();
    assert_eq!((last.watermark, last.complete), (Some(at("04:00")), false));
    assert!(last.backlog.unwrap() > 0);
    // It is read again, and told, until it is too old to wait for.
    for (day, held) in [(1, 1), (6, 1), (7, 0)] {
        let later = at("04:00").plus(Duration::from_secs(day * 86_400));
        let window = Window { from: later, to: later, gaps: bench.desk.gaps(), ..since_midnight("04:00") };
        let read = bench.poll(&window).await.unwrap();
        assert_eq!((matches!(read, Read::Torn(_)), left(&bench).len()), (true, held), "{day}: {read:?}");
    }
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
