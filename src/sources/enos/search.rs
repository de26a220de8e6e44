//! The flow runs of a stretch of planned time.

use super::api::Api;
use super::settings::FlowType;
use super::wire::{FlowInstance, Found, Pagination, SearchRequest};
use crate::model::{RejectCause, Timestamp};
use crate::sources::lenient::{Field, List};
use crate::transport::Error;
use std::collections::HashSet;

/// Rows asked for at once: what the document advises at most, for the server's sake.
pub(super) const PAGE: u32 = 50;

/// Pages read at most; 20 000 flow runs.
const MOST_PAGES: u32 = 400;

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Each flow run once, all with an id.
    pub(super) flows: Vec<FlowInstance>,
    /// Rows that are none.
    pub(super) refused: Vec<RejectCause>,
    /// Whether there was more than is ever read.
    pub(super) torn: bool,
    /// The flow runs that a schedule started: only of these an interval can be expected.
    pub(super) scheduled: HashSet<String>,
    ids: HashSet<String>,
}

impl Sweep {
    /// Reads every page of one kind of flow planned from `from` to before `to`.
    ///
    /// Whether pages are numbered from 0 or from 1 differs between the document's versions. Asked from 0, a server
    /// that counts from 1 shows its first page twice, or refuses page 0; both are taken for what they are.
    pub(super) async fn add(
        &mut self,
        api: &dyn Api,
        flows: FlowType,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(), Error> {
        let mut page_no = 0;
        let mut listed = 0;
        for _ in 0..MOST_PAGES {
            let request = SearchRequest {
                r#type: flows.code(),
                owner: "",
                from_trigger_time: from.millis(),
                to_trigger_time: to.millis(),
                status: "",
                pagination: Pagination { page_no, page_size: PAGE },
            };
            let found = match api.search(&request).await {
                Ok(found) => found.into_one().unwrap_or_default(),
                Err(Error::Rejected { .. }) if page_no == 0 => {
                    page_no = 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (rows, fresh) = self.take(&found, listed, flows)?;
            listed += fresh;
            // The count may be the page's or the whole's: only where it promises more is a short page not the last.
            let promised =
                found.count.get().is_some_and(|count| u64::try_from(*count).is_ok_and(|n| n > listed));
            let repeated = fresh == 0 && page_no != 1;
            if rows == 0 || repeated || (rows < u64::from(PAGE) && !promised) {
                return Ok(());
            }
            page_no += 1;
        }
        self.torn = true;
        Ok(())
    }

    /// Takes up a page that comes after `listed` rows; says how many rows it had, and how many of them were new.
    fn take(&mut self, found: &Found, listed: u64, flows: FlowType) -> Result<(u64, u64), Error> {
        let all_listed =
            || found.count.get().is_some_and(|count| u64::try_from(*count).is_ok_and(|n| n <= listed));
        let rows = match &found.flow_insts {
            Field::Value(rows) => rows,
            Field::Absent if all_listed() => &List::new(),
            // Taken for "there are none", it would end the poll as if all had been seen.
            Field::Absent => return Err(Error::Decode("a search without flowInsts".into())),
            Field::Malformed => return Err(Error::Decode("flowInsts is no list".into())),
        };
        let mut fresh = 0;
        for row in rows {
            match row {
                Field::Value(flow) if flow.instance_id.text().is_empty() => {
                    self.refused.push(RejectCause::MissingId);
                }
                Field::Value(flow) => {
                    if self.ids.insert(flow.instance_id.text().to_owned()) {
                        if flows == FlowType::Periodic {
                            self.scheduled.insert(flow.instance_id.text().to_owned());
                        }
                        fresh += 1;
                        self.flows.push(flow.clone());
                    }
                }
                Field::Absent | Field::Malformed => self.refused.push(RejectCause::Malformed),
            }
        }
        Ok((rows.len() as u64, fresh))
    }

    /// Whether the flow run was found.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}
