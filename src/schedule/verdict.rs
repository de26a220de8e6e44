//! What is made of the end of an attempt.

use super::attempt::Cut;
use crate::model::{CellKey, PollReport, Reason, Timestamp};
use crate::sources::{PollError, Read};
use std::time::Duration;

/// The longest message that is passed on, in characters: a line of a log, a row of the status page.
const MAX_MESSAGE: usize = 400;

/// How an attempt went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Verdict {
    /// The bounded form.
    pub(super) reason: Reason,
    /// Whether all there was to read was read.
    pub(super) fresh: bool,
    /// One line; empty when all is well.
    pub(super) message: String,
    /// What makes two failures the same trouble beside the reason: action and code, not the wording.
    pub(super) subject: String,
}

impl Verdict {
    /// All was read.
    pub(super) fn ok() -> Self {
        Self { reason: Reason::Ok, fresh: true, message: String::new(), subject: String::new() }
    }

    /// Of a poll that may have been cut.
    pub(super) fn of_poll(ended: &Result<Result<Read, PollError>, Cut>) -> Self {
        match ended {
            Ok(Ok(Read::Whole)) => Self::ok(),
            Ok(Ok(Read::Refused(what))) => {
                Self { fresh: true, ..Self::trouble(Reason::Partial, what, "refused") }
            }
            Ok(Ok(Read::Torn(what))) => Self::trouble(Reason::Partial, what, "torn"),
            Ok(Err(error)) => Self::of_error(error),
            Err(cut) => Self::of_cut(*cut),
        }
    }

    /// Of what a source answered.
    pub(super) fn of_error(error: &PollError) -> Self {
        let subject = match error {
            PollError::Call { action, error, .. } => format!("{action} {}", error.code().unwrap_or_default()),
            PollError::Stopping(_) => String::new(),
        };
        Self::trouble(error.reason(), &error.to_string(), &subject)
    }

    /// Of an attempt that did not come to its own end.
    pub(super) fn of_cut(cut: Cut) -> Self {
        match cut {
            Cut::Late(deadline) => Self::trouble(
                Reason::Timeout,
                &format!("not done within {deadline:?}; give the source a longer schedule or less to read"),
                "deadline",
            ),
            Cut::Stopped => Self::trouble(Reason::Cancelled, "stopped before the end", ""),
            // A panic's own text may quote what the source answered, so it is not repeated here.
            Cut::Panicked => {
                Self::trouble(Reason::Panicked, "the exporter's own code failed; please report this", "")
            }
        }
    }

    fn trouble(reason: Reason, message: &str, subject: &str) -> Self {
        Self { reason, fresh: false, message: one_line(message), subject: subject.to_owned() }
    }

    /// The report to the keeper.
    pub(super) fn report(
        &self,
        cell: &CellKey,
        at: Timestamp,
        took: Duration,
        requests: u64,
        skipped_ticks: u64,
    ) -> PollReport {
        PollReport {
            cell: cell.clone(),
            at,
            took,
            reason: self.reason,
            fresh: self.fresh,
            requests,
            skipped_ticks,
            message: self.message.clone(),
        }
    }
}

/// `text` on one line and cut to a length: parts of it come from outside.
fn one_line(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = chars.by_ref().take(MAX_MESSAGE).collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_fresh_when_all_was_read() {
        let of = |read| {
            let verdict = Verdict::of_poll(&Ok(Ok(read)));
            (verdict.reason, verdict.fresh)
        };
        assert_eq!(of(Read::Whole), (Reason::Ok, true));
        assert_eq!(of(Read::Refused("one row without id".into())), (Reason::Partial, true));
        assert_eq!(of(Read::Torn("page 3".into())), (Reason::Partial, false));
        for (cut, reason) in [
            (Cut::Late(Duration::from_secs(60)), Reason::Timeout),
            (Cut::Stopped, Reason::Cancelled),
            (Cut::Panicked, Reason::Panicked),
        ] {
            let verdict = Verdict::of_poll(&Err(cut));
            assert_eq!((verdict.reason, verdict.fresh), (reason, false));
            assert!(!verdict.message.is_empty());
        }
    }

    #[test]
    fn messages_stay_on_one_short_line() {
        let verdict = Verdict::of_poll(&Ok(Ok(Read::Torn(format!("a\nb\u{1b}[31m{}", "界".repeat(1000))))));
        assert!(verdict.message.starts_with("a b [31m界"));
        assert_eq!(verdict.message.chars().count(), MAX_MESSAGE + 1);
    }
}
