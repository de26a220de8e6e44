//! The projects of the tenant, and DescribeTenantProjects.

use crate::simulator::tencent::Call;
use crate::simulator::{Refusal, cut};
use serde_json::{Value, json};

/// One project.
#[derive(Debug)]
pub(super) struct Project {
    /// ProjectId: too long for a float to hold.
    pub(super) id: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// The region that its instances are read in.
    pub(super) region: &'static str,
    /// 1 enabled, 0 disabled.
    pub(super) status: i64,
}

/// Every project of the tenant: two that work, in two regions, and a disabled one.
pub(super) const PROJECTS: &[Project] = &[
    Project { id: "1460947878944567296", name: "orders", region: "ap-guangzhou", status: 1 },
    Project { id: "1531612696090365952", name: "报表", region: "ap-shanghai", status: 1 },
    Project { id: "1700000000000000003", name: "retired", region: "ap-guangzhou", status: 0 },
];

impl Project {
    /// The project of the task with this number.
    pub(super) fn of_task(index: usize) -> &'static Self {
        let enabled: &[Self] = &PROJECTS[..2];
        &enabled[index % enabled.len()]
    }

    /// The project that a call names, if its caller may see it there.
    pub(super) fn of_call(call: &Call<'_>) -> Result<&'static Self, Refusal> {
        let id = call.arguments.required("ProjectId")?;
        let project = PROJECTS.iter().find(|project| project.id == id && project.region == call.region);
        match project {
            Some(project) if project.status == 1 => Ok(project),
            Some(_) => Err(Refusal::of("FailedOperation", "The project is disabled.")),
            None => {
                Err(Refusal::of("UnauthorizedOperation.UserNotInProject", "The user is not in the project."))
            }
        }
    }
}

/// DescribeTenantProjects: the whole tenant, whatever the region.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let needed = |name: &str| {
        let missing = || Refusal::of("MissingParameter", format!("The request is missing `{name}`."));
        call.arguments.integer(name)?.ok_or_else(missing)
    };
    let (number, size) = (needed("PageNumber")?, needed("PageSize")?);
    if size < 1 {
        return Err(Refusal::of("InvalidParameterValue", "PageSize is below 1."));
    }
    // The document's own example asks for page 0 and gets the first one.
    let offset = (number - 1).max(0).saturating_mul(size);
    let total = i64::try_from(PROJECTS.len()).unwrap_or_default();
    let page = cut(PROJECTS.iter().collect(), total, offset, size, 0);
    let rows: Vec<Value> = page.rows.into_iter().map(row).collect();
    Ok(json!({"Data": {
        "PageNumber": number, "PageSize": size, "Rows": rows, "TotalCount": page.total,
        "TotalPageNumber": (page.total + size - 1) / size,
    }}))
}

fn row(project: &Project) -> Value {
    json!({
        "TenantId": "1315000000", "ProjectId": project.id, "ProjectName": project.name,
        "DisplayName": project.name, "Region": project.region, "Description": "",
        "CreateTime": "2020-09-22T00:00:00+00:00", "Creator": null, "Tenant": null, "AdminUsers": null,
        "Clusters": null, "Params": null, "Status": project.status,
    })
}
