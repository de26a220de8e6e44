//! Full pages of the simulated clouds, as bytes.

use hyper::HeaderMap;
use serde_json::{Value, json};
use taskrun_exporter::model::Timestamp;
use taskrun_exporter::simulator::tc3::{self, Authorization, SECRET_ID, SECRET_KEY};
use taskrun_exporter::simulator::{Request, World, stamp};
use taskrun_exporter::sources::faces;

/// 2026-03-01 00:00:00 UTC.
const NOW: Timestamp = Timestamp::from_secs(1_772_323_200);

/// 100 rows of DescribeInvocations.
pub(crate) fn invocations() -> Vec<u8> {
    ask(("tat", "2020-10-28", "DescribeInvocations"), &json!({"Limit": 100}), "InvocationSet", 100)
}

/// 100 rows of DescribeInvocationTasks, of the first finished tasks of [`invocations`].
pub(crate) fn tasks() -> Vec<u8> {
    let page: Value = serde_json::from_slice(&invocations()).unwrap();
    let ids: Vec<&Value> = page["Response"]["InvocationSet"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["InvocationTaskBasicInfoSet"].as_array().unwrap())
        .filter(|task| !UNFINISHED.contains(&task["TaskStatus"].as_str().unwrap()))
        .map(|task| &task["InvocationTaskId"])
        .take(100)
        .collect();
    let arguments = json!({"InvocationTaskIds": ids, "Limit": 100, "HideOutput": true});
    ask(("tat", "2020-10-28", "DescribeInvocationTasks"), &arguments, "InvocationTaskSet", 100)
}

/// 200 rows of ListInstances.
pub(crate) fn instances() -> Vec<u8> {
    let arguments = json!({
        "ProjectId": "1460947878944567296", "PageNumber": 1, "PageSize": 200, "ScheduleTimeZone": "UTC+8",
        "ScheduleTimeFrom": "2026-02-26 00:00:00", "ScheduleTimeTo": "2026-03-01 08:00:00",
    });
    ask(("wedata", "2021-08-20", "ListInstances"), &arguments, "Data/Items", 200)
}

/// 500 rows of GetFunctionLogs.
pub(crate) fn logs() -> Vec<u8> {
    let arguments = json!({
        "FunctionName": FUNCTION, "Namespace": "default", "Offset": 0, "Limit": 500,
        "StartTime": "2026-03-01 07:00:00", "EndTime": "2026-03-01 08:00:00",
    });
    ask(("scf", "2018-04-16", "GetFunctionLogs"), &arguments, "Data", 500)
}

const UNFINISHED: [&str; 5] = ["PENDING", "DELIVERING", "DELIVER_DELAYED", "RUNNING", "CANCELLING"];

/// The function that [`logs`] is about.
pub(crate) const FUNCTION: &str = "thumbnail-0";

/// The answer to a signed call, which must hold `rows` rows at `place`.
fn ask(
    (service, version, action): (&str, &str, &str),
    arguments: &Value,
    place: &str,
    rows: usize,
) -> Vec<u8> {
    let world = World::try_new(1, 1.0, World::TASKS).unwrap();
    let request = signed(service, version, action, arguments);
    let face = faces().into_iter().find(|face| face.claim(&request).is_some()).unwrap();
    let answer = face.answer(&request, &world, NOW);
    let value = answer.value().unwrap();
    let found = value.pointer(&format!("/Response/{place}")).and_then(Value::as_array).map(Vec::len);
    assert_eq!(found, Some(rows), "{action}: {}", value["Response"]["Error"]);
    value.to_string().into_bytes()
}

fn signed(service: &str, version: &str, action: &str, arguments: &Value) -> Request {
    let at = NOW.secs().to_string();
    let scope = format!("{SECRET_ID}/{}/{service}/tc3_request", stamp::format(NOW.secs(), 0, "%Y-%m-%d"));
    let unsigned = format!("TC3-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host, Signature=");
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("x-tc-action", action),
        ("x-tc-version", version),
        ("x-tc-region", "ap-guangzhou"),
        ("x-tc-timestamp", &at),
        ("authorization", &unsigned),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let body = arguments.to_string().into();
    let mut request =
        Request { method: "POST".into(), path: "/".into(), query: String::new(), headers, body, skew: 0 };
    let authorization = Authorization::of(&request).unwrap();
    let signature = tc3::sign(&request, &authorization, &at, SECRET_KEY).unwrap();
    request.headers.insert("authorization", format!("{unsigned}{signature}").parse().unwrap());
    request
}
