use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// The most requests in any one second of `sent`.
fn busiest_second(sent: &[Instant]) -> usize {
    sent.iter()
        .map(|from| sent.iter().filter(|at| *at >= from && **at - *from < SECOND).count())
        .max()
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the pattern of callers, no second holds more than the documented limit.
    #[test]
    fn no_second_holds_more_than_the_limit(
        limit in 1_u32..40,
        budget in 0.05_f64..=1.0,
        gaps in prop::collection::vec(0_u64..400, 1..200),
    ) {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::of(f64::from(limit), budget), start);
        let (mut now, mut sent) = (start, Vec::new());
        for gap in gaps {
            now += Duration::from_millis(gap);
            while let Err(next) = pace.take(now) {
                prop_assert!(next > now, "a refusal must name a later time");
                now = next;
            }
            sent.push(now);
        }
        prop_assert!(busiest_second(&sent) <= limit as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_uses_the_whole_budget_and_no_more() {
    let bucket = Arc::new(Bucket::new(Rate::of(20.0, 0.8)));
    let start = Instant::now();
    let crowd: Vec<_> = (0..164)
        .map(|_| {
            let bucket = Arc::clone(&bucket);
            tokio::spawn(async move { bucket.turn(Priority::Current).await.at })
        })
        .collect();
    let mut sent = Vec::new();
    for one in crowd {
        sent.push(one.await.unwrap());
    }
    assert!(busiest_second(&sent) <= 20);
    let took = (Instant::now() - start).as_secs_f64();
    // A burst of 4 (3.999… before rounding), then 160 at 16 a second; the timer's grain is 1 ms each.
    assert!((9.9..10.3).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn giving_up_takes_no_turn() {
    let bucket = Arc::new(Bucket::new(Rate::of(1.0, 1.0)));
    bucket.turn(Priority::Current).await;
    for _ in 0..50 {
        assert!(
            tokio::time::timeout(Duration::from_millis(1), bucket.turn(Priority::Current)).await.is_err()
        );
    }
    let turn = bucket.turn(Priority::Current).await;
    assert!(turn.waited < SECOND, "{:?}", turn.waited);
}

#[tokio::test(start_paused = true)]
async fn a_complaint_halves_the_rate_once_and_it_comes_back() {
    let bucket = Bucket::new(Rate::of(20.0, 0.5));
    assert_eq!(bucket.changed_rate(), Some(10.0));
    assert_eq!(bucket.changed_rate(), None);
    let (one, two) = (bucket.turn(Priority::Current).await, bucket.turn(Priority::Current).await);
    tokio::time::advance(Duration::from_millis(50)).await;
    bucket.slow_down(&one, Duration::ZERO);
    bucket.slow_down(&two, Duration::ZERO);
    assert_eq!(bucket.changed_rate(), Some(5.0));
    tokio::time::advance(SECOND).await;
    assert!((bucket.changed_rate().unwrap() - 5.2).abs() < 1e-9);
    tokio::time::advance(SECOND * 60).await;
    assert_eq!(bucket.changed_rate(), Some(10.0));
    for _ in 0..100 {
        let turn = bucket.turn(Priority::Current).await;
        bucket.slow_down(&turn, Duration::ZERO);
    }
    let floor = bucket.changed_rate().unwrap();
    assert!((0.5..1.0).contains(&floor), "{floor}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_the_api_asks_for_holds_for_all_callers() {
    let bucket = Bucket::new(Rate::of(20.0, 0.8));
    let turn = bucket.turn(Priority::Current).await;
    bucket.slow_down(&turn, SECOND * 7);
    let waited = bucket.turn(Priority::Current).await.waited;
    assert!(waited >= SECOND * 7 && waited < SECOND * 8, "{waited:?}");
}

#[test]
fn hosts_have_their_own_buckets_and_callers_share_them() {
    let limiter = Limiter::default();
    let of = |host: &str| limiter.bucket("tat", "DescribeInvocations", host, Rate::of(20.0, 0.8));
    assert!(Arc::ptr_eq(&of("a"), &of("a")));
    assert!(!Arc::ptr_eq(&of("a"), &of("b")));
}
