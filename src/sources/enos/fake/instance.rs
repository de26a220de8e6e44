//! Flow instances: POST flowInstances `search` and GET flowInstances `get`.

use super::flow::{Flow, Node};
use super::task::{STATUSES, Task, created, status_name};
use super::{Asked, Fault};
use crate::simulator::{World, cut, stamp};
use serde_json::{Map, Value, json};

/// How long instances are kept, in seconds: the console shows 90 days.
const KEPT: i64 = 90 * 86_400;
const OWNER: &str = "demo";

/// One flow instance: a run of a flow.
struct Instance {
    flow: Flow,
    k: i64,
    tasks: Vec<(Node, Task)>,
}

impl Instance {
    fn of(world: &World, flow: Flow, k: i64) -> Self {
        let tasks = flow.nodes().map(|node| {
            let task = Task::of(world, &flow, &node, k);
            (node, task)
        });
        let tasks = tasks.collect();
        Self { flow, k, tasks }
    }

    /// FAIL as soon as one node has failed for good, though others still run.
    fn status(&self, now: i64) -> i64 {
        let ended = |task: &Task| task.current(now).1.ended() <= now;
        let statuses: Vec<i64> = self.tasks.iter().map(|(_, task)| task.status(now)).collect();
        let failed = self.tasks.iter().any(|(_, task)| ended(task) && matches!(task.status(now), -1 | 4 | 7));
        let all = |wanted: &[i64]| statuses.iter().all(|status| wanted.contains(status));
        if failed {
            -1
        } else if all(&[1, 10]) {
            1
        } else if all(&[0]) {
            0
        } else if all(&[0, 3, 5, 6]) {
            5
        } else if self.tasks.iter().all(|(_, task)| ended(task)) {
            8
        } else {
            2
        }
    }

    fn row(&self, world: &World, now: i64, whole: bool) -> Value {
        let flow = &self.flow;
        let plain = |at: i64| stamp::plain(at, stamp::CHINA);
        let status = self.status(now);
        let started = self.tasks.iter().filter_map(|(_, task)| task.runs[0].started()).min();
        let over = self.tasks.iter().all(|(_, task)| task.current(now).1.ended() <= now);
        let ended = self.tasks.iter().map(|(_, task)| task.current(now).1.ended()).max();
        let mut row = json!({
            "instanceId": flow.instance_id(self.k),
            "flowId": flow.id(),
            "flowName": flow.name(),
            "freq": "0 0 * * * ? *",
            "cycle": flow.cycle(),
            "parameters": "[]",
            "doAs": "simulated",
            "graph": self.graph(now, whole).to_string(),
            "status": status,
            "statusDesc": status_name(status),
            "triggerTime": plain(flow.rhythm.at(self.k)),
            "startTime": started.filter(|at| *at <= now).map(plain),
            "endTime": ended.filter(|_| over).map(plain),
            "timestamp": format!("{}.0", plain(created(world, flow, self.k))),
            "virtual": false,
            "owner": OWNER,
            "hasEditPri": true,
            "hasReadPri": true,
        });
        if whole {
            row["alertMode"] = json!(3);
            row["calDt"] = json!(stamp::format(flow.rhythm.at(self.k) - 86_400, stamp::CHINA, "%Y-%m-%d"));
        } else {
            row["isCancelled"] = json!(status == 8);
        }
        row
    }

    /// A document inside a text. Searches spell its fields differently, and tell no status.
    fn graph(&self, now: i64, whole: bool) -> Value {
        let tasks: Vec<Value> = self
            .tasks
            .iter()
            .enumerate()
            .map(|(n, (node, task))| {
                let mut row = Map::new();
                let (name, id) = if whole { ("taskName", "taskId") } else { ("task_name", "task_id") };
                row.insert(name.to_owned(), json!(node.name()));
                // A number in most places and a text in some: so in the documents.
                let number = json!(node.id());
                let id_value = if whole && n % 2 == 1 { json!(node.id().to_string()) } else { number };
                row.insert(id.to_owned(), id_value);
                row.insert("taskInstId".to_owned(), json!(node.instance_id(&self.flow, self.k)));
                row.insert("nodeId".to_owned(), json!(format!("t_{}", node.id())));
                row.insert("x".to_owned(), json!(0.002));
                row.insert("y".to_owned(), json!(0.009));
                if whole {
                    row.insert("status".to_owned(), json!(status_name(task.status(now))));
                }
                Value::Object(row)
            })
            .collect();
        let owners = if whole { format!(";{OWNER};") } else { OWNER.to_owned() };
        let mut graph = json!({
            "creator": OWNER, "freq": "0 0 * * * ? *", "alertMode": 3, "owners": owners, "flows": [],
            "cycle": self.flow.cycle(), "name": self.flow.name(), "instId": self.flow.instance_id(self.k),
            "id": self.flow.id(), "relations": [], "parameters": "[]", "tasks": tasks,
        });
        graph[if whole { "doAs" } else { "do_as" }] = json!("simulated");
        graph
    }
}

/// GET flowInstances `get`.
pub(super) fn answer(asked: &Asked<'_>) -> Result<Value, Fault> {
    let (flow, k) = Flow::find(asked.world, &asked.text("flowInstId")).ok_or(Fault::Incorrect)?;
    if created(asked.world, &flow, k) > asked.now {
        return Err(Fault::Incorrect);
    }
    Ok(Instance::of(asked.world, flow, k).row(asked.world, asked.now, true))
}

/// What a search asks for.
struct Query {
    kind: i64,
    expression: String,
    owner: String,
    /// Half open, in milliseconds.
    triggered: (i64, i64),
    statuses: Vec<i64>,
    page: i64,
    size: i64,
    descending: bool,
}

impl Query {
    fn read(body: &[u8]) -> Result<Self, Fault> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Fault::Incorrect)?;
        let text = |name: &str| body[name].as_str().map(str::to_owned).ok_or(Fault::Incorrect);
        let whole = |value: &Value| value.as_i64().ok_or(Fault::Incorrect);
        // The vendor's own sample sends the type as a text.
        let kind = match &body["type"] {
            Value::String(text) => text.parse().map_err(|_| Fault::Incorrect)?,
            other => whole(other)?,
        };
        let statuses = text("status")?;
        let code = |text: &str| {
            let code = text.trim().parse().map_err(|_| Fault::Incorrect)?;
            let known = STATUSES.iter().any(|(known, _)| *known == code);
            if known { Ok(code) } else { Err(Fault::Incorrect) }
        };
        let pagination = &body["pagination"];
        let (page, size) = (whole(&pagination["pageNo"])?, whole(&pagination["pageSize"])?);
        if page < 0 || size <= 0 || !(0..=2).contains(&kind) {
            return Err(Fault::Incorrect);
        }
        let mut descending = false;
        for sorter in pagination["sorters"].as_array().into_iter().flatten() {
            let field = sorter["field"].as_str().unwrap_or_default();
            if !["start_time", "create_time", "update_time"].contains(&field) {
                return Err(Fault::Incorrect);
            }
            descending = sorter["order"].as_str().is_some_and(|order| order.eq_ignore_ascii_case("desc"));
        }
        Ok(Self {
            kind,
            expression: body["expression"].as_str().unwrap_or_default().to_owned(),
            owner: text("owner")?,
            triggered: (whole(&body["fromTriggerTime"])?, whole(&body["toTriggerTime"])?),
            statuses: statuses
                .split(',')
                .filter(|text| !text.is_empty())
                .map(code)
                .collect::<Result<_, _>>()?,
            page,
            size,
            descending,
        })
    }

    fn takes(&self, instance: &Instance, now: i64) -> bool {
        let (id, name) = (instance.flow.instance_id(instance.k), instance.flow.name());
        (self.statuses.is_empty() || self.statuses.contains(&instance.status(now)))
            && (id.contains(&self.expression) || name.contains(&self.expression))
    }
}

/// POST flowInstances `search`.
pub(super) fn search(asked: &Asked<'_>) -> Result<Value, Fault> {
    let query = Query::read(&asked.request.body)?;
    let (world, now) = (asked.world, asked.now);
    let mut found = Vec::new();
    if query.owner.is_empty() || query.owner == OWNER {
        for flow in Flow::all(world).filter(|flow| flow.kind() == query.kind) {
            let from = (query.triggered.0 + 999).div_euclid(1000).max(now - KEPT);
            let to = (query.triggered.1 - 1).div_euclid(1000);
            for k in flow.rhythm.between(from, to).take_while(|k| created(world, &flow, *k) <= now) {
                if let Some(flow) = Flow::of(world, flow.index) {
                    let instance = Instance::of(world, flow, k);
                    if query.takes(&instance, now) {
                        found.push(instance);
                    }
                }
            }
        }
    }
    found.sort_by_key(|instance| (instance.flow.rhythm.at(instance.k), instance.flow.index));
    if query.descending {
        found.reverse();
    }
    let total = i64::try_from(found.len()).unwrap_or_default();
    let page = cut(found, total, query.page.saturating_mul(query.size), query.size, asked.request.skew);
    let rows: Vec<Value> = page.rows.iter().map(|instance| instance.row(world, now, false)).collect();
    Ok(json!({"flowInsts": rows, "count": page.total}))
}
