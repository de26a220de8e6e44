//! The projects of the tenant.

use super::api::Api;
use super::wire::{DESCRIBE_TENANT_PROJECTS, DescribeTenantProjects, Project, ProjectPage};
use crate::sources::lenient::Field;
use crate::sources::{PollError, during};
use crate::transport::Error;
use std::collections::BTreeSet;

pub(super) const PAGE_SIZE: u64 = 100;

/// Pages: 10 000 projects.
const MAX_PAGES: u64 = 100;

/// The status of an enabled project.
const ENABLED: i64 = 1;

/// The ids of the enabled projects of `region`, each once.
pub(super) async fn discover(api: &dyn Api, region: &str) -> Result<BTreeSet<String>, PollError> {
    let mut found = BTreeSet::new();
    let mut met = BTreeSet::new();
    let mut told = false;
    for page in 1..=MAX_PAGES {
        let request = DescribeTenantProjects { page_number: page, page_size: PAGE_SIZE };
        let answer = api.projects(&request).await.map_err(during(DESCRIBE_TENANT_PROJECTS.name))?;
        let total = answer.total_count.get().and_then(|total| usize::try_from(*total).ok());
        let rows = rows(&answer, total).map_err(during(DESCRIBE_TENANT_PROJECTS.name))?;
        told |= !rows.is_empty() || total.is_some_and(|total| total > 0);
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
        if met.len() == before || total.is_some_and(|total| met.len() >= total) {
            break;
        }
    }
    // A project that is not found is retired with all it shows, so an answer must be good to say that there is none.
    if met.is_empty() && told {
        return Err(during(DESCRIBE_TENANT_PROJECTS.name)(Error::Decode(
            "projects, but none with a ProjectId".into(),
        )));
    }
    Ok(found)
}

/// The rows of a page.
///
/// # Errors
/// Where there is neither a list nor a total of none: taken for an empty page, it would hide projects.
fn rows(page: &ProjectPage, total: Option<usize>) -> Result<&[Field<Project>], Error> {
    match page.rows.get() {
        Some(rows) => Ok(rows),
        None if total == Some(0) => Ok(&[]),
        None => Err(Error::Decode("a page of DescribeTenantProjects without Rows".into())),
    }
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
    use crate::sources::wedata::script::Script;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn enabled_projects_of_the_region_are_found_over_all_pages() {
        let project = |id: u64, region: &str, status: i64| json!({ "ProjectId": id, "Region": region, "Status": status });
        let script = Script::default();
        let first: Vec<Value> =
            (0..100).map(|id| project(id, "beijing", if id == 7 { 0 } else { 1 })).collect();
        let second = [
            project(99, "beijing", 1),
            project(100, "shanghai", 1),
            project(101, "ap-beijing", 1),
            json!({ "ProjectId": "102", "Region": "beijing", "Status": "-3" }),
            json!({ "ProjectId": null, "Region": "beijing", "Status": 1 }),
            json!("no project"),
        ];
        script.set().projects =
            vec![json!({ "Rows": first, "TotalCount": 103 }), json!({ "Rows": second, "TotalCount": 103 })];
        let found = discover(&script, "ap-beijing").await.unwrap();
        assert_eq!(found.len(), 100);
        assert!(
            found.contains("101") && !found.contains("7") && !found.contains("100") && !found.contains("102")
        );
        assert_eq!(script.calls("DescribeTenantProjects").len(), 2);
    }

    #[tokio::test]
    async fn the_documents_answer_is_read() {
        let path =
            format!("{}/tests/fixtures/wedata/DescribeTenantProjects.json", env!("CARGO_MANIFEST_DIR"));
        let answer: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let script = Script::default();
        script.set().projects = vec![answer["Response"]["Data"].clone()];
        assert_eq!(discover(&script, "ap-beijing").await.unwrap(), ["1990".to_owned()].into());
        assert_eq!(discover(&script, "ap-shanghai").await.unwrap(), [].into());
    }

    #[tokio::test]
    async fn no_projects_is_said_by_a_good_answer_only() {
        for (pages, good) in [
            (vec![json!({ "Rows": [], "TotalCount": 0 })], true),
            (vec![json!({ "Rows": null, "TotalCount": "0" })], true),
            (vec![json!({ "Rows": [] })], true),
            (vec![json!({ "TotalCount": 3 })], false),
            (vec![json!({ "Rows": null })], false),
            (vec![json!({ "Rows": "secret", "TotalCount": 3 })], false),
            (vec![json!({ "Rows": [], "TotalCount": 3 })], false),
            (vec![json!({ "Rows": [{ "Id": "1" }, null], "TotalCount": 2 })], false),
            (vec![json!({ "Rows": [{ "ProjectId": "1" }], "TotalCount": 2 }), json!({})], false),
        ] {
            let script = Script::default();
            script.set().projects = pages.clone();
            let found = discover(&script, "ap-beijing").await;
            assert_eq!(found.as_ref().ok(), good.then_some(&BTreeSet::new()), "{pages:?}");
            if let Err(error) = found {
                assert_eq!(error.reason().name(), "decode", "{error}");
                assert!(!error.to_string().contains("secret"), "{error}");
            }
        }
    }

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
