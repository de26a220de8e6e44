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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However long requests take to arrive, and whatever is cancelled or complained of: the server finds no second
    /// with more than the limit, as long as the way takes no longer than what the budget leaves free for it.
    #[test]
    fn no_second_is_too_full_where_requests_arrive(
        limit in 1_u32..30,
        budget in 0.3_f64..=1.0,
        // Bursts with pauses between them, on a way that is as fast and as slow as it may be.
        calls in prop::collection::vec(
            (prop_oneof![8 => Just(0_u64), 1 => 500_u64..3000], any::<bool>(), 0_u64..300, 0_u8..60),
            1..150,
        ),
    ) {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::of(f64::from(limit), budget), start);
        let jitter = ((1.0 - budget) / budget).clamp(0.04, 1.0);
        let (mut now, mut arrived, mut under_way) = (start, Vec::new(), Vec::new());
        for (gap, way, answer, fate) in calls {
            now += Duration::from_millis(gap);
            let id = loop {
                // Answers that came meanwhile make room, in whatever order.
                under_way.retain(|(id, at)| *at > now || { pace.ended(*id, *at); false });
                match pace.take(now) {
                    Ok(id) => break id,
                    Err(next) => now = next,
                }
            };
            let at = now + Duration::from_secs_f64(jitter * f64::from(u8::from(way)));
            arrived.push(at);
            under_way.push((id, at + Duration::from_millis(answer)));
            if fate == 0 {
                pace.slow_down(now, now, Duration::from_millis(answer));
            }
        }
        arrived.sort();
        prop_assert!(busiest_second(&arrived) <= limit as usize, "{}", busiest_second(&arrived));
    }

    /// Whoever joins and leaves: the most urgent is next, of those whoever came first; and nobody waits for more turns
    /// than eight for each that was there before, and eight.
    #[test]
    fn nobody_waits_for_ever(steps in prop::collection::vec((0_usize..5, 0_u8..4), 1..400)) {
        let mut queue = Queue::default();
        let mut waiting: Vec<(Ticket, u64, u64)> = Vec::new();
        let mut turns = 0;
        for (priority, act) in steps {
            match act {
                // Twice as many come as are served.
                0 | 1 => {
                    let ahead = waiting.len() as u64;
                    let ticket = queue.join(Priority::ALL[priority], Arc::default());
                    waiting.push((ticket, turns, ahead));
                }
                2 => {
                    let next: Vec<_> = waiting.iter().filter(|(one, ..)| queue.is_next(*one)).collect();
                    prop_assert_eq!(next.len(), usize::from(!waiting.is_empty()), "exactly one is next");
                    let Some((ticket, since, ahead)) = next.first().copied().copied() else { continue };
                    turns += 1;
                    prop_assert!(turns - since <= 8 * (ahead + 1), "{turns} {since} {ahead}");
                    let first = waiting.iter().map(|(one, ..)| *one).min();
                    let oldest = waiting.iter().map(|(one, ..)| *one).min_by_key(|(_, issued)| *issued);
                    prop_assert_eq!(Some(ticket), if turns % 8 == 0 { oldest } else { first });
                    queue.served(ticket);
                    waiting.retain(|(one, ..)| *one != ticket);
                }
                _ => {
                    if !waiting.is_empty() {
                        let (gone, ..) = waiting.swap_remove(priority % waiting.len());
                        queue.leave(gone);
                    }
                }
            }
        }
    }
}

/// Spawns a caller; tells in `order` when it has its turn.
fn caller(
    bucket: &Arc<Bucket>,
    priority: Priority,
    order: &Arc<Mutex<Vec<Priority>>>,
) -> tokio::task::JoinHandle<()> {
    let (bucket, order) = (Arc::clone(bucket), Arc::clone(order));
    tokio::spawn(async move {
        bucket.turn(priority).await;
        order.lock().unwrap().push(priority);
    })
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_the_rest_is_not_forgotten() {
    let bucket = Arc::new(Bucket::new(Rate::of(1.0, 1.0)));
    bucket.turn(Priority::Current).await;
    let order = Arc::default();
    let mut callers: Vec<_> =
        [Priority::Backfill, Priority::Log].map(|priority| caller(&bucket, priority, &order)).into();
    tokio::task::yield_now().await;
    // Urgent ones keep coming, faster than there are turns.
    for _ in 0..40 {
        callers.push(caller(&bucket, Priority::Current, &order));
        tokio::time::sleep(SECOND / 2).await;
    }
    let so_far = order.lock().unwrap().clone();
    let turn_of = |priority| so_far.iter().position(|one| *one == priority).unwrap();
    assert!(turn_of(Priority::Backfill) < 8 && turn_of(Priority::Log) < 16, "{so_far:?}");
    assert!(so_far.iter().filter(|one| **one == Priority::Current).count() >= so_far.len() - 2);
    for one in callers {
        one.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_holds_up_nobody() {
    let bucket = Arc::new(Bucket::new(Rate::of(1.0, 1.0)));
    bucket.turn(Priority::Current).await;
    let order = Arc::default();
    // The one that sleeps for its turn goes away; the one behind it must be woken for it.
    let first = caller(&bucket, Priority::Current, &order);
    let second = caller(&bucket, Priority::Log, &order);
    tokio::time::sleep(SECOND / 4).await;
    first.abort();
    tokio::time::timeout(SECOND, second).await.unwrap().unwrap();
    assert_eq!(*order.lock().unwrap(), [Priority::Log]);
}

#[tokio::test(start_paused = true)]
async fn a_complaint_of_the_account_slows_every_bucket() {
    let limiter = Limiter::default();
    let of = |action| limiter.bucket("tat", action, "a", Rate::of(20.0, 0.8));
    let (one, two) = (of("One"), of("Two"));
    two.changed_rate();
    let turn = one.turn(Priority::Current).await;
    limiter.slow_down(&turn, 5 * SECOND);
    assert_eq!(two.changed_rate(), Some(8.0));
    assert!(two.turn(Priority::Current).await.waited >= 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn rates_below_one_a_second_are_kept() {
    let bucket = Bucket::new(Rate::of(0.25, 1.0));
    let began = Instant::now();
    for _ in 0..10 {
        drop(bucket.turn(Priority::Current).await);
    }
    let took = began.elapsed().as_secs_f64();
    assert!((36.0..36.1).contains(&took), "{took}");
}
