//! Answers read outside a poll, the way a poll reads them: for benchmarks, and to try a recorded one.

use super::listing::{self, Listing};
use super::names::Names;
use super::normalize::Activity;
use super::poll::{self, Due};
use super::wire::{InvocationPage, LIMIT, TaskPage};
use crate::model::{Label, Observation, RunState, Timestamp};
use crate::transport::{Error, tencent};

/// One answer of DescribeInvocations.
pub struct Page {
    activities: Vec<Activity>,
    names: Names,
}

impl Page {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Those of a call that is answered so.
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let answer: InvocationPage = tencent::decode(body)?;
        let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
        let rows = listing::rows(answer.invocation_set, total)?;
        let (page, _) = Listing::back_to(Timestamp::default(), Vec::new(), None).take(rows);
        Ok(Self { activities: page.activities, names: Names::new() })
    }

    /// The runs, as far as the answer tells of them.
    pub fn runs(&self) -> Vec<Observation> {
        let each = self.activities.iter().map(|activity| (activity, self.workflow(activity)));
        each.flat_map(|(activity, workflow)| {
            activity.shares.iter().map(move |share| activity.observe(share, &workflow))
        })
        .collect()
    }

    /// The first finished runs, as many as one call asks about, as the body of its answer, one of
    /// DescribeInvocationTasks, tells of them.
    ///
    /// # Errors
    /// Those of a call that is answered so.
    pub fn finished(&self, body: &[u8]) -> Result<Vec<Observation>, Error> {
        let answer: TaskPage = tencent::decode(body)?;
        let due = |activity| {
            let workflow = self.workflow(activity);
            let finished =
                activity.shares.iter().filter(|share| matches!(share.state, RunState::Finished(_)));
            finished.map(move |share| Due { activity, share, workflow: workflow.clone() })
        };
        let due: Vec<Due<'_>> = self.activities.iter().flat_map(due).take(LIMIT).collect();
        Ok(poll::observe(&due, &poll::tasks(answer)))
    }

    fn workflow(&self, activity: &Activity) -> Label {
        self.names.of(&activity.command)
    }
}
