use super::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const T0: i64 = 1_743_120_000;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Gives its answers in order, the last one for ever.
struct Script {
    answers: Mutex<VecDeque<Result<Option<Triple>, CredentialsError>>>,
    asked: Arc<AtomicUsize>,
}

impl Origin for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
        })
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<Option<Timestamp>>>);

impl Observer for Told {
    fn breaker(&self, _: &str, _: &str, _: Option<crate::model::BreakerState>) {}
    fn clock_skew(&self, _: &str, _: f64) {}
    fn api_call(&self, _: crate::model::ApiCall<'_>) {}
    fn rate_limit_wait(&self, _: &str, _: &'static str, _: &'static str, _: Duration) {}
    fn rate_limit(&self, _: &str, _: &'static str, _: &'static str, _: f64) {}
    fn credentials_expiry(&self, account: &str, expires: Option<Timestamp>) {
        assert_eq!(account, "main");
        self.0.lock().unwrap().push(expires);
    }
}

struct Scene {
    cached: Arc<Cached>,
    clock: Arc<Hands>,
    asked: Arc<AtomicUsize>,
    told: Arc<Told>,
}

fn scene(answers: Vec<Result<Option<Triple>, CredentialsError>>) -> Scene {
    let (clock, asked, told) =
        (Arc::new(Hands(T0.into())), Arc::new(AtomicUsize::new(0)), Arc::new(Told::default()));
    let origin = Script { answers: Mutex::new(answers.into()), asked: Arc::clone(&asked) };
    let (hands, listener) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&told) as Arc<dyn Observer>);
    Scene {
        cached: Arc::new(Cached::new("main".into(), Box::new(origin), hands, listener)),
        clock,
        asked,
        told,
    }
}

impl Scene {
    async fn id(&self) -> String {
        self.cached.get().await.map_or_else(|error| error.to_string(), |triple| triple.secret_id)
    }

    async fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(seconds.unsigned_abs())).await;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn keys(id: &str, expires: Option<i64>) -> Result<Option<Triple>, CredentialsError> {
    let expires = expires.map(|after| Timestamp::from_secs(T0 + after));
    Ok(Some(Triple { secret_id: id.into(), secret_key: "k".into(), token: None, expires }))
}

fn broken() -> Result<Option<Triple>, CredentialsError> {
    Err(CredentialsError::Unusable { origin: "script", cause: "gone".into() })
}

#[tokio::test(start_paused = true)]
async fn temporary_keys_are_kept_and_renewed_ahead_of_their_end() {
    let scene = scene(vec![keys("one", Some(7200)), keys("two", Some(14_400))]);
    assert_eq!(scene.id().await, "one");
    scene.pass(6300).await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 1));
    // A tenth of two hours before the end, whatever the jitter.
    scene.pass(180).await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("two", 2));
    let ends = [Some(Timestamp::from_secs(T0 + 7200)), Some(Timestamp::from_secs(T0 + 14_400))];
    assert_eq!(*scene.told.0.lock().unwrap(), ends);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_fetches_once() {
    let scene = scene(vec![keys("one", Some(7200)), keys("two", Some(7200))]);
    let crowd: Vec<_> = (0..20)
        .map(|_| {
            let cached = Arc::clone(&scene.cached);
            tokio::spawn(async move { cached.get().await.unwrap().secret_id })
        })
        .collect();
    for one in crowd {
        assert_eq!(one.await.unwrap(), "one");
    }
    assert_eq!(scene.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_old_keys_until_their_end() {
    let scene = scene(vec![keys("one", Some(1000)), broken()]);
    scene.id().await;
    scene.pass(800).await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2));
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2), "not asked again at once");
    scene.pass(6).await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 3));
    scene.pass(195).await;
    assert_eq!(scene.id().await, "script: gone");
    assert_eq!(scene.id().await, "script: gone");
    assert_eq!(scene.asked(), 4, "a failure is repeated, not asked for again at once");
    scene.pass(21).await;
    scene.id().await;
    assert_eq!(scene.asked(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_failures_is_no_hot_loop() {
    // No keys at all; keys that never end; keys that come to their end meanwhile.
    for before in [None, Some(keys("one", None)), Some(keys("one", Some(1800)))] {
        let scene = scene(before.clone().into_iter().chain([broken()]).collect());
        for _ in 0..3600 {
            scene.id().await;
            scene.pass(1).await;
        }
        // After the first minute one a minute, or two where the roll is low.
        assert!((30..=140).contains(&scene.asked()), "{before:?}: asked {} times", scene.asked());
    }
}

#[test]
fn rests_grow_and_are_spread() {
    let secs = |count, roll| rest(count, roll).as_secs_f64();
    assert_eq!([0, 1, 2, 3, 4, 99].map(|count| secs(count, 0.0)), [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]);
    assert_eq!(secs(0, 1.0), 2.5);
}

#[tokio::test(start_paused = true)]
async fn exporters_that_start_together_renew_apart_and_all_ahead_of_the_end() {
    let at = |life: u64, new| {
        let end = Timestamp::from_secs(T0).plus(Duration::from_secs(life));
        times(Timestamp::from_secs(T0), end, new).renew.since(Timestamp::from_secs(T0)).unwrap().as_secs_f64()
    };
    for (life, margin) in [(7200, 720.0), (43_200, 4320.0), (1800, 300.0)] {
        let mut moments: Vec<f64> = (0..200).map(|_| life as f64 - at(life, true)).collect();
        moments.sort_by(f64::total_cmp);
        assert!(moments[0] >= margin && moments[199] <= margin * 1.1, "{moments:?}");
        assert!(moments[199] - moments[0] > margin * 0.05, "all at once: {moments:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_broken_for_a_while_keeps_the_keys_and_is_found_again_without_a_restart() {
    let scene = scene(vec![keys("one", None), broken(), broken(), keys("two", None)]);
    assert_eq!(scene.id().await, "one");
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2));
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2), "a rest after a failure");
    scene.pass(6).await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 3));
    // The API refuses the old keys: that ends the rest, once.
    scene.cached.invalidate();
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("two", 4));
    assert_eq!(
        (scene.id().await.as_str(), scene.asked()),
        ("two", 5),
        "and from now on each call looks again"
    );
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_refused_again_and_again_are_fetched_more_and_more_rarely() {
    let scene = scene((0..).take(500).map(|n| keys(&n.to_string(), Some(43_200))).collect());
    for _ in 0..3600 {
        scene.id().await;
        scene.cached.invalidate();
        scene.pass(1).await;
    }
    assert!((12..=20).contains(&scene.asked()), "{}", scene.asked());
    // Then they are good for long, so that the next refusal is believed at once again.
    scene.pass(2000).await;
    let asked = scene.asked();
    scene.cached.invalidate();
    scene.id().await;
    scene.pass(11).await;
    scene.cached.invalidate();
    scene.id().await;
    assert_eq!(scene.asked(), asked + 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_while_there_is_one() {
    let scene = scene(vec![keys("one", Some(7200)), broken(), keys("two", None)]);
    scene.id().await;
    scene.pass(7000).await;
    scene.id().await;
    scene.pass(10).await;
    assert_eq!(scene.id().await, "two");
    let end = Some(Timestamp::from_secs(T0 + 7200));
    assert_eq!(*scene.told.0.lock().unwrap(), [end, None], "keys that never end have none");
    let Scene { cached, told, .. } = scene;
    drop(cached);
    assert_eq!(told.0.lock().unwrap().len(), 3, "an account that is gone has none either");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_under_way_holds_up_nobody_who_has_good_keys() {
    let scene = scene(vec![keys("one", Some(7200)), keys("two", Some(14_400))]);
    scene.id().await;
    scene.pass(6900).await;
    let renewing = tokio::spawn({
        let cached = Arc::clone(&scene.cached);
        async move { cached.get().await.unwrap().secret_id }
    });
    tokio::task::yield_now().await;
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2));
    assert_eq!(renewing.await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_is_given_up_leaves_its_turn_to_the_next() {
    let scene = scene(vec![keys("one", Some(7200))]);
    let given_up = tokio::time::timeout(Duration::from_millis(1), scene.cached.get()).await;
    assert!(given_up.is_err());
    assert_eq!((scene.id().await.as_str(), scene.asked()), ("one", 2));
}

#[tokio::test(start_paused = true)]
async fn keys_that_never_end_are_looked_up_each_time_and_survive_a_broken_file() {
    let scene = scene(vec![keys("one", None), keys("two", None), broken()]);
    assert_eq!(scene.id().await, "one");
    assert_eq!(scene.id().await, "two");
    assert_eq!(scene.id().await, "two");
    scene.cached.invalidate();
    assert_eq!(scene.id().await, "two");
}

#[tokio::test(start_paused = true)]
async fn refused_keys_are_fetched_again_but_not_by_every_complaint() {
    let scene = scene(vec![keys("one", Some(7200)), keys("two", Some(7200)), keys("three", Some(7200))]);
    scene.id().await;
    scene.pass(60).await;
    scene.cached.invalidate();
    assert_eq!(scene.id().await, "two");
    scene.cached.invalidate();
    assert_eq!(scene.id().await, "two", "that complaint was about the keys before");
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_ended_are_used_for_a_while_all_the_same() {
    let scene = scene(vec![keys("one", Some(-3600))]);
    assert_eq!((scene.id().await.as_str(), scene.id().await.as_str()), ("one", "one"));
    assert_eq!(scene.asked(), 1);
    scene.pass(61).await;
    scene.id().await;
    assert_eq!(scene.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_stay_the_same_near_their_end_are_not_asked_for_each_time() {
    let scene = scene(vec![keys("one", Some(200))]);
    for _ in 0..60 {
        assert_eq!(scene.id().await, "one");
        scene.pass(1).await;
    }
    assert!(scene.asked() <= 3, "{}", scene.asked());
}
