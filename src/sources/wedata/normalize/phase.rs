//! The phases of one life round.

use super::super::wire::LifeCycle;
use super::time;
use crate::model::{Outcome, RejectCause, Timestamp, Waits, Zone};
use std::time::Duration;

/// The phases of one life round, in the order of their start.
pub(super) struct Phases<'a> {
    phases: Vec<Phase<'a>>,
    /// What in them could not be read.
    pub(super) flaws: Vec<RejectCause>,
}

struct Phase<'a> {
    state: &'a str,
    start: Timestamp,
    end: Option<Timestamp>,
}

impl<'a> Phases<'a> {
    /// Reads the phases of `life`. One without a start tells nothing and is left out.
    pub(super) fn of(life: &'a LifeCycle, zone: &Zone) -> Self {
        let mut flaws = Vec::new();
        let mut phases: Vec<Phase<'_>> = Vec::new();
        for phase in life.life_cycle_detail_list.items() {
            let Some(phase) = phase.read(&mut flaws) else { continue };
            let (start, end) =
                (time(&phase.start_time, zone, &mut flaws), time(&phase.end_time, zone, &mut flaws));
            phases.extend(start.map(|start| Phase { state: phase.detail_state.text(), start, end }));
        }
        phases.sort_by_key(|phase| phase.start);
        Self { phases, flaws }
    }

    fn running(&self) -> impl Iterator<Item = &Phase<'a>> {
        self.phases.iter().filter(|phase| phase.state == "RUNNING")
    }

    /// How often the round was dispatched; `None` where no phase tells.
    pub(super) fn tries(&self) -> Option<u32> {
        let tries = u32::try_from(self.running().count()).ok()?;
        (!self.phases.is_empty()).then_some(tries)
    }

    /// From the first try's start to the last try's end, or to what came after it.
    pub(super) fn ran(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let started = self.running().next().map(|phase| phase.start);
        let last_try = self.running().last().and_then(|phase| phase.end);
        let closing = self.phases.iter().rev().find(|phase| closes(phase.state)).map(|phase| phase.start);
        (started, last_try.or(closing))
    }

    /// How the round ended; `None` where no phase closes it.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        // FAILED is a try that another follows; only EXPIRED is final.
        self.phases.iter().rev().find_map(|phase| match phase.state {
            "COMPLETE" => Some(Outcome::Success),
            "EXPIRED" => Some(Outcome::Failed),
            "SKIP_RUNNING" => Some(Outcome::Skipped),
            _ => None,
        })
    }

    /// The waits before the first try. Those between tries are part of the run.
    pub(super) fn waits(&self) -> Waits {
        let begun = self.running().next().map(|phase| phase.start);
        let total = |state: &str| {
            self.phases
                .iter()
                .filter(|phase| phase.state == state && begun.is_none_or(|begun| phase.start <= begun))
                .filter_map(|phase| phase.end?.since(phase.start))
                .reduce(Duration::saturating_add)
        };
        Waits { upstream: total("WAIT_UPSTREAM"), dispatch: total("WAIT_RUN") }
    }
}

fn closes(state: &str) -> bool {
    matches!(state, "COMPLETE" | "FAILED" | "EXPIRED" | "SKIP_RUNNING")
}
