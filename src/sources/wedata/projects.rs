//! The projects of the tenant.

use super::api::Api;
use super::wire::{DESCRIBE_TENANT_PROJECTS, DescribeTenantProjects};
use crate::sources::lenient::Field;
use crate::sources::{PollError, during};
use std::collections::BTreeSet;

const PAGE_SIZE: u64 = 100;

/// Pages: 10 000 projects.
const MAX_PAGES: u64 = 100;

/// The status of an enabled project.
const ENABLED: i64 = 1;

/// The ids of the enabled projects of `region`, each once.
pub(super) async fn discover(api: &dyn Api, region: &str) -> Result<BTreeSet<String>, PollError> {
    let mut found = BTreeSet::new();
    let mut met = BTreeSet::new();
    for page in 1..=MAX_PAGES {
        let request = DescribeTenantProjects { page_number: page, page_size: PAGE_SIZE };
        let answer = api.projects(&request).await.map_err(during(DESCRIBE_TENANT_PROJECTS.name))?;
        let rows = answer.rows.items();
        let before = met.len();
        for project in rows.iter().filter_map(Field::get) {
            let Some(id) = project.project_id.get() else { continue };
            met.insert(id.clone());
            if project.status.get().is_none_or(|status| *status == ENABLED)
                && lies_in(project.region.text(), region)
            {
                found.insert(id.clone());
            }
        }
        // Without a total the end is a page that tells nothing new.
        let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
        if met.len() == before || total.is_some_and(|total| met.len() >= total) {
            break;
        }
    }
    Ok(found)
}

/// Whether a project's Region means `region`. The common parameter says `ap-beijing`, the sample of this action
/// `beijing`; a row without one is taken to be of the region that answered.
fn lies_in(told: &str, region: &str) -> bool {
    let city = region.split_once('-').map_or(region, |(_, city)| city);
    told.is_empty() || told.eq_ignore_ascii_case(region) || told.eq_ignore_ascii_case(city)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_recognised_in_both_spellings() {
        assert!(lies_in("beijing", "ap-beijing"));
        assert!(lies_in("ap-beijing", "ap-beijing"));
        assert!(lies_in("", "ap-beijing"));
        assert!(!lies_in("shanghai", "ap-beijing"));
        assert!(!lies_in("ap-beijing-fsi", "ap-beijing"));
        assert!(!lies_in("ap", "ap-beijing"));
    }
}
