use super::state::{FAILURES, LONGEST, SILENCE, rest};
use super::*;
use crate::transport::stage::Notes;
use std::time::Duration;
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);

fn down() -> Error {
    Error::Connect { host: "a".into(), cause: "refused".into() }
}

fn breaker() -> (Arc<Breaker>, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let breakers = Breakers::new("main".into(), Arc::clone(&notes) as Arc<dyn Observer>);
    (breakers.of("a"), notes)
}

/// Sends, if it is let, a request that ends so.
async fn send(breaker: &Breaker, priority: Priority, ends: Result<(), Error>) -> Result<(), Error> {
    breaker.admit(priority).await?.sent(ends.as_ref().err());
    ends
}

async fn open(breaker: &Breaker) {
    for _ in 0..FAILURES {
        send(breaker, Priority::Current, Err(down())).await.unwrap_err();
    }
    assert!(!breaker.is_closed());
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_endpoint_in_a_row_open_it_and_others_do_not() {
    let other = [
        Error::Throttled { code: "RequestLimitExceeded".into(), retry_after: None },
        Error::Auth { code: "AuthFailure".into(), hint: "" },
        Error::Rejected { code: "InvalidParameter".into() },
        Error::Decode(String::new()),
        Error::TooLarge(1),
        Error::Server { code: "62109".into() },
        Error::Credentials(String::new()),
    ];
    for error in other {
        let (breaker, _) = breaker();
        for _ in 0..100 {
            send(&breaker, Priority::Current, Err(error.clone())).await.unwrap_err();
        }
        assert!(breaker.is_closed(), "{error:?}");
    }
    for error in [down(), Error::Timeout(SECOND), Error::Server { code: "http_503".into() }] {
        let (breaker, notes) = breaker();
        for _ in 1..FAILURES {
            send(&breaker, Priority::Log, Err(error.clone())).await.unwrap_err();
        }
        assert!(breaker.is_closed());
        send(&breaker, Priority::Log, Err(error.clone())).await.unwrap_err();
        assert_eq!(breaker.admit(Priority::Log).await.err(), Some(error), "the reason stays what it was");
        drop(breaker);
        assert_eq!(*notes.breakers.lock().unwrap(), ["closed", "open", "gone"]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_one_action_fails_and_others_work_it_stays_closed() {
    let (breaker, _) = breaker();
    for _ in 0..100 {
        send(&breaker, Priority::Current, Ok(())).await.unwrap();
        for _ in 0..2 * FAILURES {
            tokio::time::advance(SECOND / 2).await;
            send(&breaker, Priority::Detail, Err(Error::Server { code: "InternalError".into() }))
                .await
                .unwrap_err();
        }
    }
    assert!(breaker.is_closed());
    tokio::time::advance(SILENCE).await;
    send(&breaker, Priority::Detail, Err(down())).await.unwrap_err();
    assert!(!breaker.is_closed(), "but not when nothing works any more");
}

#[tokio::test(start_paused = true)]
async fn one_request_tries_and_the_polls_that_wait_share_its_fate() {
    for ends in [Ok(()), Err(Error::Timeout(SECOND))] {
        let (breaker, notes) = breaker();
        open(&breaker).await;
        let began = Instant::now();
        let mut polls = JoinSet::new();
        for _ in 0..50 {
            let (breaker, ends) = (Arc::clone(&breaker), ends.clone());
            polls.spawn(async move {
                let pass = breaker.admit(Priority::Current).await?;
                let probes = pass.probes;
                if probes {
                    tokio::time::sleep(3 * SECOND).await;
                }
                pass.sent(ends.as_ref().err());
                ends.map(|()| probes)
            });
        }
        tokio::task::yield_now().await;
        assert_eq!(breaker.admit(Priority::Detail).await.err(), Some(down()), "the rest fails at once");
        assert!(began.elapsed() < SECOND / 100);
        let ended = polls.join_all().await;
        let (first, longest) = (began.elapsed(), 4 * SECOND + SECOND / 100);
        assert!(first <= longest, "{first:?}");
        match &ends {
            Ok(()) => {
                assert_eq!(ended.iter().filter(|one| **one == Ok(true)).count(), 1);
                assert_eq!(ended.iter().filter(|one| **one == Ok(false)).count(), 49);
                assert_eq!(*notes.breakers.lock().unwrap(), ["closed", "open", "half_open", "closed"]);
            }
            Err(error) => {
                assert!(ended.iter().all(|one| one.as_ref().err() == Some(error)), "{ended:?}");
                assert_eq!(*notes.breakers.lock().unwrap(), ["closed", "open", "half_open", "open"]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_leaves_the_next_one_its_place() {
    let (breaker, _) = breaker();
    open(&breaker).await;
    tokio::time::advance(2 * SECOND).await;
    let probe = breaker.admit(Priority::Current).await.unwrap();
    assert!(probe.probes);
    let waiting = tokio::spawn({
        let breaker = Arc::clone(&breaker);
        async move { breaker.admit(Priority::Current).await.map(|pass| pass.probes) }
    });
    tokio::time::sleep(30 * SECOND).await;
    assert!(!waiting.is_finished());
    drop(probe);
    assert_eq!(tokio::time::timeout(60 * SECOND, waiting).await.unwrap().unwrap(), Ok(true));
    // A waiting caller that goes away disturbs nobody.
    assert!(send(&breaker, Priority::Current, Ok(())).await.is_ok() && breaker.is_closed());
}

#[tokio::test(start_paused = true)]
async fn who_comes_during_a_probe_does_not_fail_of_what_was_before() {
    let (breaker, _) = breaker();
    open(&breaker).await;
    tokio::time::advance(2 * SECOND).await;
    let probe = breaker.admit(Priority::Current).await.unwrap();
    let late = tokio::spawn({
        let breaker = Arc::clone(&breaker);
        async move { breaker.admit(Priority::Current).await.map(|pass| pass.probes) }
    });
    tokio::task::yield_now().await;
    probe.sent(Some(&Error::Timeout(SECOND)));
    let ended = tokio::time::timeout(10 * SECOND, late).await.unwrap().unwrap();
    assert_eq!(ended, Ok(true), "a try of its own");
}

#[tokio::test(start_paused = true)]
async fn what_was_let_through_before_is_held_back_too() {
    let (breaker, _) = breaker();
    let early = breaker.admit(Priority::Detail).await.unwrap();
    assert!(!early.is_stale());
    open(&breaker).await;
    assert!(early.is_stale());
    // Sent all the same, its failure is no news, and its answer is.
    early.sent(Some(&down()));
    assert!(!breaker.is_closed());
}

#[test]
fn pauses_grow_to_a_bound_well_below_a_poll() {
    let secs = |probes, roll| rest(probes, roll).as_secs_f64();
    assert_eq!([0, 1, 2, 3, 4, 99].map(|probes| secs(probes, 1.0)), [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
    assert_eq!(secs(99, 0.0), 5.0);
    assert!(LONGEST < 30 * SECOND);
}
