//! The real limiter, retries, breaker and scheduler over days that pass in seconds.

mod cloud;
mod fleet;

use cloud::{Cloud, Trouble};
use fleet::{LIST, Polled, watch};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use taskrun_exporter::model::Reason;
use taskrun_exporter::transport::{Priority, at};
use tokio::task::JoinSet;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
/// The documented limit of the actions of these tests.
const LIMIT: usize = 20;
/// What a budget of 0.8 allows of it.
const ALLOWED: f64 = 16.0;

/// Calls `cloud` again and again for `long` with so many callers of each priority. Tells how many calls each priority
/// had, and the longest that one of them took.
async fn press(cloud: &Arc<Cloud>, callers: usize, long: Duration) -> BTreeMap<Priority, (usize, Duration)> {
    let (client, began) = (Arc::new(cloud.client()), Instant::now());
    let mut all = JoinSet::new();
    for priority in Priority::ALL.iter().flat_map(|priority| std::iter::repeat_n(*priority, callers)) {
        let client = Arc::clone(&client);
        all.spawn(async move {
            let (mut count, mut longest) = (0, Duration::ZERO);
            while began.elapsed() < long {
                let from = Instant::now();
                let nothing = serde_json::json!({});
                let called = at(priority, client.call::<_, serde_json::Value>(&LIST, "r", &nothing)).await;
                count += usize::from(called.is_ok());
                longest = longest.max(from.elapsed());
            }
            (priority, count, longest)
        });
    }
    let mut told = BTreeMap::new();
    for (priority, count, longest) in all.join_all().await {
        let sum: &mut (usize, Duration) = told.entry(priority).or_default();
        *sum = (sum.0 + count, sum.1.max(longest));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_backlog_uses_the_budget_whole_and_no_second_beyond_the_limit() {
    let (cloud, long) = (Cloud::new(&[]), 4 * MINUTE);
    let callers = 12;
    let told = press(&cloud, callers, Duration::from_secs(long)).await;
    assert!(cloud.busiest(LIST.name) <= LIMIT, "{}", cloud.busiest(LIST.name));
    let used = cloud.sent(0..long) as f64 / (ALLOWED * long as f64);
    assert!((0.95..=1.01).contains(&used), "{used} of the budget");
    // The urgent ones have most of it, and nobody waits longer than eight turns for each that was there before.
    let bound = Duration::from_secs_f64((8 * 5 * callers) as f64 / ALLOWED / 0.95 + 1.0);
    for (priority, (count, longest)) in &told {
        assert!(*count > callers && *longest <= bound, "{priority:?}: {count}, {longest:?} of {bound:?}");
    }
    assert!(told[&Priority::Current].0 > 5 * told[&Priority::Backfill].0, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn bursts_after_a_pause_keep_to_the_limit_too() {
    let cloud = Cloud::new(&[]);
    let client = Arc::new(cloud.client());
    for _ in 0..40 {
        let mut burst = JoinSet::new();
        for _ in 0..40 {
            let client = Arc::clone(&client);
            burst.spawn(async move {
                let nothing = serde_json::json!({});
                client.call::<_, serde_json::Value>(&LIST, "r", &nothing).await.map(drop)
            });
        }
        assert!(burst.join_all().await.into_iter().all(|one| one.is_ok()));
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1000..3000))).await;
    }
    assert!(cloud.busiest(LIST.name) <= LIMIT, "{}", cloud.busiest(LIST.name));
}

#[tokio::test(start_paused = true)]
async fn complaints_slow_the_account_down_and_it_recovers() {
    let cloud = Cloud::new(&[(60..180, Trouble::Crowded(0.3))]);
    press(&cloud, 4, Duration::from_secs(300)).await;
    assert!(cloud.busiest(LIST.name) <= LIMIT);
    let rate = |during: std::ops::Range<u64>| cloud.sent(during.clone()) as f64 / during.count() as f64;
    assert!(rate(0..60) > 0.95 * ALLOWED);
    assert!(rate(90..180) < 0.5 * ALLOWED, "{}", rate(90..180));
    assert!(rate(240..300) > 0.95 * ALLOWED, "{}", rate(240..300));
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_failures_adds_a_tenth_of_requests_after_the_first_burst() {
    for (share, succeed) in [(0.5, true), (1.0, false)] {
        let cloud = Cloud::new(&[(0..2 * HOUR, Trouble::Failing(share))]);
        let client = Arc::new(cloud.client());
        let began = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..6 {
            let client = Arc::clone(&client);
            callers.spawn(async move {
                let (mut calls, mut good) = (0, 0);
                while began.elapsed() < Duration::from_secs(HOUR) {
                    let nothing = serde_json::json!({});
                    let called = client.call::<_, serde_json::Value>(&LIST, "r", &nothing).await;
                    (calls, good) = (calls + 1, good + usize::from(called.is_ok()));
                    tokio::time::sleep(5 * SECOND).await;
                }
                (calls, good)
            });
        }
        let ended = callers.join_all().await;
        let (calls, good) = ended.iter().fold((0, 0), |(calls, good), one| (calls + one.0, good + one.1));
        assert_eq!(good > 0, succeed);
        let (sent, most) = (cloud.sent(0..2 * HOUR), 20 + calls * 11 / 10);
        assert!(sent <= most, "{share}: {sent} requests for {calls} calls");
        // Where nothing is answered, the endpoint is hardly asked at all.
        assert!(succeed || sent < calls / 2, "{share}: {sent} requests for {calls} calls");
    }
}

/// The polls that began after all was well again, and before the next trouble, and did not read everything.
fn late_failures(polled: &[Polled], well: std::ops::Range<u64>) -> Vec<&Polled> {
    let begun = |one: &&Polled| well.contains(&one.from.as_secs()) && well.contains(&one.to.as_secs());
    polled.iter().filter(begun).filter(|one| one.reason != Reason::Ok).collect()
}

#[tokio::test(start_paused = true)]
async fn a_day_of_troubles() {
    let troubles = [
        (2 * HOUR..3 * HOUR, Trouble::Refused, Reason::Connect),
        (5 * HOUR..6 * HOUR, Trouble::Failing(1.0), Reason::Server),
        // Ends when some cells wait for an answer and others are just about to be polled.
        (8 * HOUR..9 * HOUR + 3, Trouble::Silent, Reason::Timeout),
        (12 * HOUR..12 * HOUR + 40, Trouble::Refused, Reason::Connect),
    ];
    let day = 14 * HOUR;
    let cloud = Cloud::new(&troubles.clone().map(|(during, trouble, _)| (during, trouble)));
    let record = watch(&cloud, 5, Duration::from_secs(MINUTE), Duration::from_secs(day)).await;
    assert!(cloud.busiest("List") <= LIMIT && cloud.busiest("Detail") <= LIMIT);
    let polled = record.polled.lock().unwrap();
    let mut well = 0;
    for (during, trouble, reason) in troubles {
        let failed = late_failures(&polled, well..during.start);
        assert!(failed.is_empty(), "before {trouble:?}: {failed:?}");
        let inside =
            |one: &&Polled| during.contains(&one.from.as_secs()) && during.contains(&one.to.as_secs());
        let told: Vec<_> = polled.iter().filter(inside).map(|one| one.reason).collect();
        assert!(!told.is_empty() && told.iter().all(|one| *one == reason), "{trouble:?}: {told:?}");
        let (sent, calls) = (cloud.sent(during.clone()), record.calls(during.clone()));
        assert!(sent <= 20 + calls * 11 / 10, "{trouble:?}: {sent} requests for {calls} calls");
        // Every poll that begins after the end reads on: so each cell is well within one interval and one poll.
        well = during.end;
    }
    assert!(late_failures(&polled, well..day).is_empty());
    for cell in 0..5 {
        let own: Vec<_> = polled.iter().filter(|one| one.cell.contains(&format!("cell{cell}"))).collect();
        assert!(own.len() as u64 > day / MINUTE * 9 / 10, "cell {cell} was polled {} times", own.len());
        assert!(own.windows(2).all(|two| two[0].to <= two[1].from), "polls of cell {cell} overlap");
    }
}

#[tokio::test(start_paused = true)]
async fn weeks_without_trouble_are_polled_on_time() {
    let (week, every) = (7 * 24 * HOUR, 15 * MINUTE);
    let cloud = Cloud::new(&[]);
    let record = watch(&cloud, 3, Duration::from_secs(every), Duration::from_secs(3 * week)).await;
    let polled = record.polled.lock().unwrap();
    assert_eq!(polled.len() as u64, 3 * 3 * week / every);
    assert!(polled.iter().all(|one| one.reason == Reason::Ok && one.to - one.from < 2 * SECOND));
    assert_eq!(cloud.sent(0..3 * week), 2 * polled.len());
}
