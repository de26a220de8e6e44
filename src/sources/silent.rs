//! Stands in for the simulated API of a kind until that is there.

use crate::model::Timestamp;
use crate::simulator::{Answer, Face, Request, World};

struct Silent;

impl Face for Silent {
    fn kind(&self) -> &'static str {
        ""
    }
    fn claims(&self, _: &Request) -> bool {
        false
    }
    fn answer(&self, _: &Request, _: &World, _: Timestamp) -> Answer {
        Answer
    }
}

/// A face that claims nothing.
pub(super) fn face() -> Box<dyn Face> {
    Box::new(Silent)
}
