//! When a breaker opens, for how long, and who may try.

use crate::model::BreakerState;
use crate::transport::{Error, Priority};
use std::time::Duration;
use tokio::time::Instant;

/// So many requests must fail in a row.
pub(super) const FAILURES: u32 = 5;
/// And so long must nothing have been answered: where one action fails and the others work, it is not the endpoint.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// The shortest time to leave the endpoint alone, doubled with each probe that fails.
const FIRST: Duration = Duration::from_secs(1);
/// The longest. What a poll begins with waits at most for a probe under way, this long, and one probe more; that is to
/// stay below the shortest deadline of a poll, a minute: else polls would end late without having tried.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// What a breaker remembers.
#[derive(Default)]
pub(super) struct State {
    phase: Phase,
    answered: Option<Instant>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Sound,
    Shaky {
        failures: u32,
    },
    Open(Outage),
}

/// What is known while an endpoint fails.
struct Outage {
    since: Instant,
    /// How many probes have failed, and what opened the breaker.
    probes: u32,
    /// Nothing goes out before this.
    until: Instant,
    /// Whether a probe is under way.
    probing: bool,
    /// The last failure.
    error: Error,
}

/// What becomes of somebody who wants to send.
pub(super) enum Admission {
    Free,
    Probe,
    /// To look again when something has changed, or at this time.
    Wait(Option<Instant>),
    Fail(Error),
}

/// What an outcome has changed.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Turnout {
    Same,
    Opened { first: bool },
    Closed { failing: Duration },
}

impl State {
    pub(super) fn name(&self) -> BreakerState {
        match &self.phase {
            Phase::Sound | Phase::Shaky { .. } => BreakerState::Closed,
            Phase::Open(Outage { probing: true, .. }) => BreakerState::HalfOpen,
            Phase::Open(_) => BreakerState::Open,
        }
    }

    /// `seen` is what one caller has seen of the outage: a probe sent since then that failed has failed for him too.
    pub(super) fn admit(&mut self, priority: Priority, seen: &mut Option<u32>, now: Instant) -> Admission {
        let Phase::Open(outage) = &mut self.phase else { return Admission::Free };
        if !outage.probing && now >= outage.until {
            outage.probing = true;
            return Admission::Probe;
        }
        // A probe under way was sent before he came: it may fail of what is over by now.
        let to_fail = *seen.get_or_insert(outage.probes + u32::from(outage.probing));
        if !priority.opens_a_poll() || outage.probes > to_fail {
            return Admission::Fail(outage.error.clone());
        }
        Admission::Wait((!outage.probing).then_some(outage.until))
    }

    /// The endpoint answered.
    pub(super) fn answered(&mut self, now: Instant) -> Turnout {
        self.answered = Some(now);
        match std::mem::take(&mut self.phase) {
            Phase::Sound | Phase::Shaky { .. } => Turnout::Same,
            Phase::Open(outage) => Turnout::Closed { failing: now.saturating_duration_since(outage.since) },
        }
    }

    /// The endpoint failed. `roll` is uniform in `0..1`, so that hosts that failed together are not tried together.
    pub(super) fn failed(&mut self, probed: bool, error: &Error, now: Instant, roll: f64) -> Turnout {
        let (since, probes, first) = match &mut self.phase {
            Phase::Open(outage) if probed => (outage.since, outage.probes.saturating_add(1), false),
            // Sent before it opened.
            Phase::Open(_) => return Turnout::Same,
            Phase::Sound | Phase::Shaky { .. } => {
                let failures = match self.phase {
                    Phase::Shaky { failures } => failures.saturating_add(1),
                    _ => 1,
                };
                let silent = self.answered.is_none_or(|at| now.saturating_duration_since(at) >= SILENCE);
                if failures < FAILURES || !silent {
                    self.phase = Phase::Shaky { failures };
                    return Turnout::Same;
                }
                (now, 0, true)
            }
        };
        let until = now + rest(probes, roll);
        self.phase = Phase::Open(Outage { since, probes, until, probing: false, error: error.clone() });
        Turnout::Opened { first }
    }

    /// A probe ended without an outcome; somebody else may try.
    pub(super) fn given_up(&mut self, now: Instant) -> Turnout {
        match &mut self.phase {
            Phase::Open(outage) => {
                outage.probing = false;
                outage.until = now;
                Turnout::Opened { first: false }
            }
            Phase::Sound | Phase::Shaky { .. } => Turnout::Same,
        }
    }
}

/// How long to leave the endpoint alone after so many probes: half of it is sure, half of it chance.
pub(super) fn rest(probes: u32, roll: f64) -> Duration {
    let most = FIRST.saturating_mul(2_u32.saturating_pow(probes)).min(LONGEST);
    most.mul_f64(0.5 + 0.5 * roll.clamp(0.0, 1.0))
}
