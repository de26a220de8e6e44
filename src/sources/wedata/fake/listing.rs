//! ListInstances.

use super::history::{Instance, Task};
use super::instance::{fields, zone};
use super::project::Project;
use crate::model::Outcome;
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Refusal, cut, stamp};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

pub(super) const ARGUMENTS: &[&str] = &[
    "ProjectId",
    "ScheduleTimeFrom",
    "ScheduleTimeTo",
    "PageNumber",
    "PageSize",
    "SortColumn",
    "SortType",
    "InstanceType",
    "InstanceStateList",
    "TaskTypeIdList",
    "TaskCycleList",
    "Keyword",
    "InChargeList",
    "TaskFolderIdList",
    "WorkflowIdList",
    "ExecutorGroupIdList",
    "StartTimeFrom",
    "StartTimeTo",
    "LastUpdateTimeFrom",
    "LastUpdateTimeTo",
    "ScheduleTimeZone",
];

struct Row {
    task: usize,
    instance: Instance,
}

/// ListInstances.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let arguments = call.arguments;
    let hours = zone(call)?;
    let project = Project::of_call(call)?;
    let number = arguments.integer("PageNumber")?.unwrap_or(1);
    let size = arguments.integer("PageSize")?.unwrap_or(10);
    if number < 1 || !(1..=200).contains(&size) {
        return Err(Refusal::of(
            "InvalidParameterValue",
            "PageNumber is below 1, or PageSize not in 1..=200.",
        ));
    }
    arguments.required("ScheduleTimeFrom")?;
    arguments.required("ScheduleTimeTo")?;
    let query = Query::read(call, hours)?;
    let tasks: Vec<Task> = Task::all(call.world, project).filter(|task| query.takes_task(task)).collect();
    let mut rows: Vec<Row> = Vec::new();
    for (n, task) in tasks.iter().enumerate() {
        let instances = query.candidates(call, task).map(|k| task.instance(call.world, k));
        let taken = instances.filter(|instance| query.takes(instance, call.now));
        rows.extend(taken.map(|instance| Row { task: n, instance }));
    }
    query.sort(&mut rows, call.now);
    let total = i64::try_from(rows.len()).unwrap_or_default();
    let page = cut(rows, total, (number - 1).saturating_mul(size), size, call.skew);
    let items: Vec<Value> =
        page.rows.iter().map(|row| item(&tasks[row.task], &row.instance, call.now, hours)).collect();
    Ok(json!({"Data": {
        "TotalCount": page.total,
        "TotalPage": (page.total + size - 1) / size,
        // The number of rows of the page, as in the document's sample, whatever the text says.
        "PageCount": items.len(),
        "PageNumber": number,
        "PageSize": size,
        "Items": items,
    }}))
}

fn item(task: &Task, instance: &Instance, now: i64, hours: i32) -> Value {
    let mut item = fields(task, instance, now, hours);
    if let Some(round) = instance.current(now) {
        let (_, updated) = round.state(now);
        item["LastUpdateTime"] = json!(stamp::plain(updated, hours));
        let failed = round.outcome() == Outcome::Failed && round.ended() <= now;
        item["JobErrorMsg"] = if failed { json!(CANARY) } else { Value::Null };
    }
    item
}

type Range = (i64, i64);

struct Query<'a> {
    scheduled: Range,
    started: Option<Range>,
    updated: Range,
    states: Vec<i64>,
    types: Vec<i64>,
    kind: Option<i64>,
    cycles: Vec<&'a str>,
    owners: Vec<&'a str>,
    workflows: Vec<&'a str>,
    keywords: Vec<&'a str>,
    column: &'a str,
    descending: bool,
}

impl<'a> Query<'a> {
    fn read(call: &Call<'a>, hours: i32) -> Result<Self, Refusal> {
        let arguments = call.arguments;
        let time = |name: &str| -> Result<Option<i64>, Refusal> {
            let wrong =
                || Refusal::of("InvalidParameterValue", format!("{name} is not yyyy-MM-dd HH:mm:ss."));
            arguments.text(name)?.map(|text| stamp::read(text, hours).ok_or_else(wrong)).transpose()
        };
        let range = |from: &str, to: &str| -> Result<Option<Range>, Refusal> {
            let (from, to) = (time(from)?, time(to)?);
            Ok((from.is_some() || to.is_some()).then(|| (from.unwrap_or(0), to.unwrap_or(i64::MAX))))
        };
        let scheduled = range("ScheduleTimeFrom", "ScheduleTimeTo")?.unwrap_or((0, i64::MAX));
        let column = arguments.text("SortColumn")?.unwrap_or("SCHEDULE_DATE");
        let order = arguments.text("SortType")?.unwrap_or("DESC");
        let known = ["SCHEDULE_DATE", "START_TIME", "END_TIME", "COST_TIME"].contains(&column);
        if !known || !["ASC", "DESC"].contains(&order) {
            return Err(Refusal::of("InvalidParameterValue", "SortColumn or SortType is not known."));
        }
        Ok(Self {
            updated: range("LastUpdateTimeFrom", "LastUpdateTimeTo")?.unwrap_or((0, i64::MAX)),
            scheduled,
            started: range("StartTimeFrom", "StartTimeTo")?,
            states: arguments.integers("InstanceStateList")?,
            types: arguments.integers("TaskTypeIdList")?,
            kind: arguments.integer("InstanceType")?,
            cycles: arguments.texts("TaskCycleList")?,
            owners: arguments.texts("InChargeList")?,
            workflows: arguments.texts("WorkflowIdList")?,
            keywords: arguments
                .text("Keyword")?
                .map(|words| words.split(',').map(str::trim).filter(|word| !word.is_empty()).collect())
                .unwrap_or_default(),
            column,
            descending: order == "DESC",
        })
    }

    fn takes_task(&self, task: &Task) -> bool {
        let any = |wanted: &[&str], is: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|wanted| is(wanted))
        };
        let (id, name) = (task.id(), task.name());
        let cycle = if task.character.every() < 3600 { "I" } else { "H" };
        let workflow = format!("ec66594e-53a0-48cb-8044-a9eb3a58e{:03}", task.index / 2 % 4);
        (self.types.is_empty() || self.types.contains(&35))
            // Every instance here is a periodic one.
            && self.kind.is_none_or(|kind| kind == 1)
            && any(&self.cycles, &|wanted| wanted == cycle)
            && any(&self.owners, &|wanted| ["owner_a", "owner_b"].contains(&wanted))
            && any(&self.workflows, &|wanted| wanted == workflow)
            && any(&self.keywords, &|wanted| id.contains(wanted) || name.contains(wanted))
    }

    /// The numbers of the instances that may be taken, so that not every one since 1970 is looked at.
    fn candidates(&self, call: &Call<'_>, task: &Task) -> RangeInclusive<i64> {
        let first = self.updated.0.saturating_sub(call.world.reach(task.character)).max(self.scheduled.0);
        let last = call.now.saturating_add(call.world.span(task.character.ahead())).min(self.scheduled.1);
        task.rhythm.between(first, last)
    }

    fn takes(&self, instance: &Instance, now: i64) -> bool {
        let within = |range: Range, at: i64| (range.0..=range.1).contains(&at);
        let Some(round) = instance.current(now) else { return false };
        let (state, updated) = round.state(now);
        let started = round.started().filter(|at| *at <= now);
        within(self.scheduled, instance.planned)
            && within(self.updated, updated)
            && self.started.is_none_or(|range| started.is_some_and(|at| within(range, at)))
            && (self.states.is_empty() || self.states.contains(&state))
    }

    fn sort(&self, rows: &mut [Row], now: i64) {
        let by = |row: &Row| {
            let round = row.instance.current(now);
            let started = round.and_then(|round| round.started()).filter(|at| *at <= now);
            let ended = round.map(|round| round.ended()).filter(|at| *at <= now);
            match self.column {
                "START_TIME" => started,
                "END_TIME" => ended,
                "COST_TIME" => started.map(|started| ended.unwrap_or(now) - started),
                _ => Some(row.instance.planned),
            }
        };
        rows.sort_by_cached_key(|row| (by(row), row.instance.planned, row.task));
        if self.descending {
            rows.reverse();
        }
    }
}
