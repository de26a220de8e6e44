//! What the kinds ask of a section, told by those who know them.

use super::Section;
use crate::config::findings::Findings;
use crate::config::nearest::nearest;
use crate::config::{Account, Problem};

/// What one kind of source asks of the section that names it.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// The kind's name.
    pub kind: &'static str,
    /// The `provider` its account must have.
    pub provider: &'static str,
    /// Whether it is polled per region.
    pub regional: bool,
    /// The problems of a section's settings.
    pub check: fn(&Section) -> Vec<Problem>,
}

impl Demand {
    /// Holds `section` to what its kind asks. Its account is `None` where that is broken itself.
    pub(in crate::config) fn check(
        kinds: &[Self],
        section: &Section,
        account: Option<&Account>,
        findings: &mut Findings<'_>,
    ) {
        let at = section.key();
        let Some(kind) = kinds.iter().find(|kind| kind.kind == section.kind) else {
            let meant = nearest(&section.kind, kinds.iter().map(|kind| kind.kind));
            let names: Vec<&str> = kinds.iter().map(|kind| kind.kind).collect();
            let message = match meant {
                Some(meant) => format!("unknown kind; did you mean {meant:?}?"),
                None => format!("unknown kind; write one of {}", names.join(", ")),
            };
            return findings.add(&at.child("kind"), message);
        };
        let needed = kind.provider;
        if let Some(found) = account.map(Account::provider).filter(|provider| *provider != needed) {
            let message = format!("is of provider {found:?}; {} needs an account of {needed:?}", kind.kind);
            findings.add(&at.child("account"), message);
        }
        let regions = at.child("regions");
        match (kind.regional, section.regions.is_empty()) {
            (true, true) if !findings.touches(&regions) => {
                findings.add(&regions, "is required; write one or more, like [\"ap-guangzhou\"]");
            }
            (false, false) => findings.add(&regions, format!("{} has no regions; leave it out", kind.kind)),
            _ => {}
        }
        findings.extend((kind.check)(section));
    }
}
