use super::*;
use crate::model::{FailedRun, FinishedRun, Histogram, OrderKey, RunId, Timestamp};
use std::time::Duration;

/// The runs that samples are exemplified by.
#[derive(Default)]
struct Examples(Vec<String>);

impl Sink for Examples {
    fn task(&mut self, _: &CellKey, _: &TaskKey, _: Timestamp) {}
    fn cell(&mut self, _: &CellKey, _: Timestamp) {}
    fn exporter(&mut self, _: Timestamp) {}
    fn sample(&mut self, _: &[(&str, &str)], _: f64) {}

    fn count_with(&mut self, _: &[(&str, &str)], _: u64, example: Option<Exemplar<'_>>) {
        self.0.extend(example.and_then(|example| example.run_id()));
    }

    fn histogram_with(&mut self, labels: &[(&str, &str)], _: &Histogram, example: Option<Exemplar<'_>>) {
        self.count_with(labels, 0, example);
    }
}

/// A failed run that is the `nth` of its task, and ended at `secs`.
fn failed(nth: i64, secs: i64) -> FailedRun {
    let run = RunId { instance: nth.to_string().into(), round: 0 };
    let order = OrderKey { at: Timestamp::from_secs(nth), run };
    FailedRun { order, outcome: Outcome::Failed, ended: Timestamp::from_secs(secs), return_code: None }
}

#[test]
fn an_example_is_never_older_than_the_one_before() {
    let mut record = TaskRecord::new(Timestamp::from_secs(0));
    let mut shown = |run: FailedRun| {
        record.durations[1].get_or_insert_with(|| Box::new(Histogram::of_seconds(&[1.0].into())));
        record.last = Some(Box::new(FinishedRun {
            order: run.order.clone(),
            outcome: run.outcome,
            planned: None,
            started: None,
            ended: Some(run.ended),
            duration: Some(Duration::from_secs(1)),
            return_code: None,
            memory_bytes: None,
        }));
        record.failures.push(run);
        let (mut durations_of, mut runs_of) = (Examples::default(), Examples::default());
        durations(&record, &mut durations_of);
        runs(&record, &mut runs_of);
        (durations_of.0.concat(), runs_of.0.concat())
    };
    assert_eq!(shown(failed(1, 100)), ("1".to_owned(), "1".to_owned()));
    assert_eq!(
        shown(failed(2, 90)),
        (String::new(), "1".to_owned()),
        "the second began later and ended sooner"
    );
    assert_eq!(shown(failed(3, 100)), ("3".to_owned(), "3".to_owned()));
}
