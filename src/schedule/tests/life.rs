//! A fleet that is replaced while it polls, and what is noticed of one that does not go on.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_replaced_fleet_polls_on_what_is_the_same_without_a_tick_more_or_less() {
    let notes = Notes::new();
    let (same, other, new) = (
        Scripted::fixed("same", Act::Take(2 * SECOND)),
        Scripted::fixed("other", Act::Take(60 * SECOND)),
        Scripted::fixed("new", Act::Read),
    );
    let old = vec![scheduled("same", &same, 10 * SECOND), scheduled("other", &other, 10 * SECOND)];
    let mut fleet = start(&notes, old);
    // In the middle of a poll of each.
    while notes.begun("same").len() < 3 || notes.begun("other").is_empty() {
        notes.told.notified().await;
    }
    let wanted = vec![scheduled("same", &same, 10 * SECOND), scheduled("new", &new, 10 * SECOND)];
    assert_eq!(fleet.replace(wanted, GRACE).await, 1);
    tokio::time::sleep(60 * SECOND).await;
    let begun = notes.begun("same");
    assert!(begun.len() >= 8, "{begun:?}");
    assert!(begun.windows(2).all(|two| two[1] - two[0] == 10 * SECOND), "{begun:?}");
    assert!(notes.reasons("same").iter().all(|reason| *reason == Reason::Ok));
    assert_eq!(notes.reasons("other"), [Reason::Cancelled]);
    assert!(notes.begun("new").len() >= 5);
    // The same source with another schedule is another thing, and is never polled twice at once.
    assert_eq!(fleet.replace(vec![scheduled("same", &same, 20 * SECOND)], GRACE).await, 0);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(same.most_at_once.load(Ordering::SeqCst), 1);
    assert_eq!(fleet.liveness().dues(StandingClock.now()).len(), 1, "nothing is left of what is gone");
    assert!(fleet.stop(GRACE).await);
}

/// Whether the fleet was taken for alive at every moment of an hour.
async fn goes_on(fleet: &Fleet) -> Option<String> {
    for _ in 0..360 {
        tokio::time::sleep(10 * SECOND).await;
        if let Some(silent) = fleet.liveness().silent(StandingClock.now(), SECOND) {
            return Some(silent);
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn no_trouble_upstream_is_taken_for_a_schedule_that_stopped() {
    let notes = Notes::new();
    let failing = Scripted::new(Act::Read, vec![None], Some(300 * SECOND));
    let mut all = vec![scheduled("failing", &failing, 30 * SECOND)];
    for (name, act) in [
        ("read", Act::Read),
        ("torn", Act::Tear),
        ("slow", Act::Take(45 * SECOND)),
        ("hung", Act::Hang),
        ("broken", Act::Panic),
    ] {
        all.push(scheduled(name, &Scripted::fixed(name, act), 10 * SECOND));
    }
    let told = Bounds { running: 5 * SECOND, usual: 30 * SECOND, idle: 600 * SECOND };
    let quiet = scheduled("quiet", &Scripted::fixed("quiet", Act::Read), SECOND);
    all.push(Scheduled { schedule: Schedule::Adaptive(told), ..quiet });
    let fleet = start(&notes, all);
    assert_eq!(goes_on(&fleet).await, None);
    assert!(fleet.stop(GRACE).await);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ends_by_itself_is_noticed() {
    let notes = Notes::new();
    *notes.fatal.lock().unwrap() = Some("a".into());
    let all = ["a", "b"].map(|name| scheduled(name, &Scripted::fixed(name, Act::Read), 10 * SECOND));
    let fleet = start(&notes, all.into());
    assert_eq!(goes_on(&fleet).await.as_deref(), Some("a has ended by itself"));
    assert!(notes.begun("b").len() > 1 || notes.reports("b").len() == 1, "the other one is not disturbed");
}
