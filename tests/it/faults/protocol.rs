//! Faults 16 to 40: what the API says.

use super::case::{Case, Expect, Moves, Scene, TENCENT};
use super::change::{TOTALS, each, is_tencent, lists, put, refusal, replace};
use super::message::Asked;
use super::stand::ILL;
use super::wire::Fault;
use Expect::{Fails, Ok, Partial};
use serde_json::{Value, json};

const ENOS: &[&str] = &["enos"];
const WEDATA: &[&str] = &["wedata"];
const TAT: &[&str] = &["tat"];
const SCF: &[&str] = &["scf"];

const THROTTLED: Fault = Fault::Json(|value, asked| *value = refusal(asked, "RequestLimitExceeded", 0));
const HTTP_429: Fault = Fault::Told(429, &[], "{\"message\": \"too many\"}");
const DENIED: Fault = Fault::Json(|value, asked| *value = refusal(asked, "UnauthorizedOperation.CAM", 62103));

/// At most three tries of a call, and no call after one that failed for good.
fn tried(scene: &Scene<'_>, most: usize) {
    let asked = scene.stand.wire.asked();
    assert!((1..=most).contains(&asked.len()), "{}: {asked:?}", scene.kind);
}

/// Only the API that complained is asked less.
fn slowed(scene: &Scene<'_>) {
    let rates = |account| {
        let rates = scene.during.of("taskrun_api_rate_limit_per_second");
        rates
            .filter(move |rate| rate.label("account") == account)
            .map(|rate| (rate.labels.clone(), rate.value))
    };
    let before = |labels: &_| {
        let rates = &scene.before.samples;
        rates.iter().find(|one| one.name == "taskrun_api_rate_limit_per_second" && one.labels == *labels)
    };
    let cut = |(labels, rate)| before(&labels).is_some_and(|before| rate < before.value * 0.9);
    assert!(rates(ILL).any(cut), "{}: no rate was cut", scene.kind);
    assert!(!rates("well").any(cut), "another account was slowed down");
}

/// A total that lies.
macro_rules! total {
    ($lie:expr) => {
        Fault::Json(|value, _| put(value, TOTALS, &json!($lie)))
    };
}

/// These times in place of all that there are: in China's time, and with a zone.
macro_rules! times {
    ($plain:literal, $zoned:literal, $names:expr) => {
        Fault::Json(|value, _| {
            each(value, $names, &mut |field| match field.as_str() {
                Some(text) if text.contains('T') => *field = json!($zoned),
                Some(_) => *field = json!($plain),
                None => {}
            })
        })
    };
}

/// This figure in place of those that measure something.
macro_rules! figures {
    ($figure:expr) => {
        Fault::Json(|value, _| put(value, &["Duration", "BillDuration", "timeout"], &json!($figure)))
    };
}

/// HTTP 429 with this wish.
macro_rules! come_again {
    ($when:literal) => {
        Fault::Told(429, &[concat!("retry-after: ", $when)], "{}")
    };
}

pub(super) const CASES: &[Case] = &[
    Case::new(16, "too many requests, says the API", THROTTLED, Fails("throttled")).of(TENCENT).check(slowed),
    Case::new(16, "too many requests, says HTTP", HTTP_429, Fails("throttled")).check(slowed),
    Case::new(17, "come again in two seconds", come_again!("2"), Ok).shots(1).check(|scene| {
        assert!(scene.took.as_secs_f64() >= 2.0, "came again after {:?}", scene.took);
    }),
    Case::new(17, "come again before now", come_again!("-99999"), Ok).shots(1),
    Case::new(17, "come again long ago", come_again!("Sun, 06 Nov 1994 08:49:37 GMT"), Ok).shots(1),
    Case::new(17, "come again, whenever", come_again!("soon"), Ok).shots(1),
    // SCF goes on with other functions until three in a row are broken.
    Case::new(18, "a bad gateway", Fault::Told(502, &[], "<html>502</html>"), Fails("server"))
        .check(|scene| tried(scene, if scene.kind == "scf" { 9 } else { 3 })),
    Case::new(18, "unavailable, twice", Fault::Told(503, &[], ""), Ok).shots(2),
    Case::new(18, "an error of its own", BROKEN, Fails("server")),
    // Twenty retries in a row, and from then on one request for each call.
    Case::new(18, "an outage of twelve polls", Fault::Told(500, &[], ""), Fails("server"))
        .polls(12)
        .check(|scene| tried(scene, 20 + 12 * if scene.kind == "scf" { 5 } else { 1 })),
    Case::new(19, "unauthorized", Fault::Told(401, &[], "{}"), Fails("auth")).check(|scene| tried(scene, 4)),
    Case::new(19, "forbidden", Fault::Told(403, &[], "{}"), Fails("auth")).check(|scene| tried(scene, 4)),
    Case::new(19, "keys that are no good", BAD_KEYS, Fails("auth")).check(|scene| tried(scene, 4)),
    Case::new(19, "an expired token", EXPIRED, Ok).of(ENOS).shots(1).check(|scene| {
        let asked = scene.stand.wire.asked();
        assert_eq!(asked.iter().filter(|action| action.starts_with("token/")).count(), 1, "{asked:?}");
    }),
    Case::new(20, "details may not be read", DENIED, Partial)
        .of(WEDATA)
        .only("GetTaskInstance")
        .first()
        .moves(RUNS),
    Case::new(20, "one flow may not be read", DENIED, Partial)
        .of(ENOS)
        .only("flowInstances.get")
        .shots(1)
        .first()
        .moves(RUNS),
    Case::new(20, "one function may not be read", DENIED, Partial)
        .of(SCF)
        .only("GetFunctionLogs")
        .shots(1)
        .first()
        .moves(RUNS),
    Case::new(20, "names may not be read", DENIED, Partial)
        .of(TAT)
        .only("DescribeCommands")
        .first()
        .moves(RUNS),
    Case::new(25, "JSON that ends early", Fault::Bytes(half), Fails("decode")),
    Case::new(25, "no JSON", Fault::Bytes(|_| b"{'single': quotes}".to_vec()), Fails("decode")),
    Case::new(25, "JSON without an envelope", Fault::Bytes(|_| b"[1, 2, 3]".to_vec()), Fails("decode")),
    Case::new(25, "nothing at all", Fault::Bytes(|_| Vec::new()), Fails("decode")),
    Case::new(26, "a hundred thousand brackets", Fault::Bytes(|_| b"[".repeat(100_000)), Fails("decode")),
    Case::new(26, "brackets where nobody looks", Fault::Bytes(deep), Ok),
    Case::new(26, "a million keys", Fault::Bytes(many_keys), Ok)
        .of(&["wedata", "enos"])
        .shots(1)
        .timeout("60s"),
    Case::new(27, "numbers that are texts", Fault::Json(as_texts), Ok),
    Case::new(27, "numbers with fractions", Fault::Json(fractions), Ok).first().moves(MALFORMED),
    Case::new(28, "no list where one belongs", Fault::Json(no_list), Fails("decode"))
        .of(&["wedata", "tat", "enos"]),
    Case::new(28, "no list where one belongs", Fault::Json(no_list), Partial).of(SCF),
    Case::new(28, "an empty list", Fault::Json(empty), Ok),
    Case::new(29, "a state that no document names", Fault::Json(unknown_state), Ok)
        .first()
        .moves(&[("taskrun_unknown_states_total", &[])]),
    Case::new(30, "a key twice in one record", Fault::Bytes(twice), Fails("decode")),
    Case::new(31, "every row twice", Fault::Json(doubled), Ok).check(|scene| tried(scene, 150)),
    Case::new(33, "a total of a thousand million", total!(1_000_000_000), Partial).of(WEDATA),
    Case::new(33, "a total of a thousand million", total!(1_000_000_000), Ok).of(&["tat", "enos"]),
    Case::new(33, "a total of a thousand million", total!(1_000_000_000), Partial).of(SCF),
    Case::new(33, "a total below nothing", total!(-1), Ok),
    Case::new(33, "a total that is none", total!("many"), Ok),
    Case::new(34, "one page again and again", Fault::SamePage, Partial)
        .of(TENCENT)
        .first()
        .check(|scene| tried(scene, if scene.kind == "wedata" { 500 } else { 100 })),
    Case::new(34, "one page again and again", Fault::SamePage, Ok)
        .of(ENOS)
        .first()
        .check(|scene| tried(scene, 200)),
    Case::new(35, "runs that go back to running", Fault::Json(running), Ok),
    Case::new(36, "runs that vanish", Fault::Json(empty), Ok).polls(3),
    Case::new(37, "starts after the end", times!("2025-06-15 23:07:11", "2025-06-15T15:07:11Z", START), Ok)
        .of(TIMED)
        .first()
        .moves(&[("taskrun_source_records_rejected_total", &[("cause", "negative_duration")])])
        .check(untimed),
    Case::new(37, "a start in the future", times!("2031-01-01 00:00:00", "2031-01-01T00:00:00Z", START), Ok)
        .first()
        .moves(&[("taskrun_source_records_rejected_total", &[("cause", "impossible_timestamp")])])
        .check(untimed),
    Case::new(37, "a start at the epoch", times!("1970-01-01 08:00:00", "1970-01-01T00:00:00Z", START), Ok)
        .first()
        .moves(&[("taskrun_source_records_rejected_total", &[("cause", "impossible_timestamp")])])
        .check(untimed),
    Case::new(37, "a start in milliseconds", times!("1750000000000", "1750000000000", START), Ok)
        .first()
        .moves(&[("taskrun_source_records_rejected_total", &[])]),
    Case::new(38, "durations that are no numbers", figures!("NaN"), Ok)
        .of(FIGURES)
        .first()
        .moves(MALFORMED)
        .check(finite),
    Case::new(38, "durations beyond all bounds", figures!(1e308), Ok)
        .of(FIGURES)
        .first()
        .moves(REJECTED)
        .check(finite),
    Case::new(38, "durations below nothing", figures!(-1.5), Ok)
        .of(FIGURES)
        .first()
        .moves(REJECTED)
        .check(finite),
    Case::new(38, "a number that no float can hold", Fault::Bytes(infinite), Fails("decode")).of(SCF).first(),
    // Every answer about a task is spoilt by it, and none about a flow.
    Case::new(38, "a number that no float can hold", Fault::Bytes(infinite), Partial).of(ENOS).first(),
    Case::new(39, "ids beyond 2^53, as numbers", Fault::Json(long_ids), Ok)
        .of(&["wedata", "enos"])
        .first()
        .check(|scene| {
            let ids = scene.during.of("taskrun_runs_total").filter(|sample| sample.label("source") == ILL);
            let ids: Vec<&str> = ids.map(|sample| sample.label("task_id")).collect();
            assert!(!ids.is_empty() && ids.iter().all(|id| *id == "9007199254740993"), "{ids:?}");
        }),
    Case::new(40, "a byte order mark", Fault::Bytes(|body| [b"\xef\xbb\xbf", &*body].concat()), Ok),
];

const RUNS: Moves = &[("taskrun_runs_total", &[])];
const REJECTED: Moves = &[("taskrun_source_records_rejected_total", &[])];
const MALFORMED: Moves = &[("taskrun_source_records_rejected_total", &[("cause", "malformed")])];
const BROKEN: Fault = Fault::Json(|value, asked| *value = refusal(asked, "InternalError.System", 62109));
const BAD_KEYS: Fault =
    Fault::Json(|value, asked| *value = refusal(asked, "AuthFailure.SecretIdNotFound", 62101));
const EXPIRED: Fault =
    Fault::Json(|value, _| *value = json!({"apim_status": 4011, "apim_refreshtoken": "none"}));

/// Kinds whose runs have an end of their own.
const TIMED: &[&str] = &["wedata", "tat", "enos"];
/// Kinds with figures that are not whole.
const FIGURES: &[&str] = &["scf", "enos"];
const START: &[&str] = &["StartTime", "ExecStartTime", "startTime"];

fn half(mut body: Vec<u8>) -> Vec<u8> {
    body.truncate(body.len() / 2);
    body
}

/// A field that nobody reads, before all others.
fn with_field(body: &[u8], field: &str) -> Vec<u8> {
    [b"{", field.as_bytes(), b",", &body[1..]].concat()
}

fn deep(body: Vec<u8>) -> Vec<u8> {
    with_field(&body, &format!("\"zz\":{}{}", "[".repeat(100_000), "]".repeat(100_000)))
}

fn many_keys(body: Vec<u8>) -> Vec<u8> {
    let keys: String = (0..1_000_000).map(|n| format!("\"k{n}\":1,")).collect();
    with_field(&body, keys.trim_end_matches(','))
}

/// Every number a text.
fn as_texts(value: &mut Value, _: &Asked) {
    fn each(value: &mut Value) {
        match value {
            Value::Number(number) => *value = Value::String(number.to_string()),
            Value::Array(items) => items.iter_mut().for_each(each),
            Value::Object(fields) => fields.values_mut().for_each(each),
            _ => {}
        }
    }
    each(value);
}

fn fractions(value: &mut Value, _: &Asked) {
    put(value, &["Tries", "ExitCode", "MemUsage", "recallNum"], &json!(1.5));
}

fn no_list(value: &mut Value, _: &Asked) {
    lists(value, &mut |list| *list = Value::Null);
    put(value, TOTALS, &json!(7));
}

fn empty(value: &mut Value, _: &Asked) {
    lists(value, &mut |list| *list = json!([]));
    put(value, TOTALS, &json!(0));
}

fn unknown_state(value: &mut Value, asked: &Asked) {
    put(value, &["InstanceState"], &json!(17));
    put(value, &["TaskStatus"], &json!("UNHEARD_OF"));
    put(value, &["RetCode"], &json!("none"));
    if asked.action.contains("nstances.get") {
        put(value, &["status"], &json!(77));
    }
}

/// What goes back, where it was finished.
fn running(value: &mut Value, asked: &Asked) {
    put(value, &["InstanceState"], &json!(1));
    put(value, &["TaskStatus"], &json!("RUNNING"));
    put(value, &["RetCode"], &json!(2));
    if !is_tencent(asked) {
        put(value, &["status"], &json!(2));
        put(value, &["endTime"], &Value::Null);
    }
}

/// The id of each record a second time.
fn twice(body: Vec<u8>) -> Vec<u8> {
    let ids = ["\"InstanceKey\":", "\"InvocationId\":", "\"RequestId\":", "\"instanceId\":"];
    ids.iter().fold(body, |body, id| replace(&body, id.as_bytes(), format!("{id}\"other\",{id}").as_bytes()))
}

fn doubled(value: &mut Value, _: &Asked) {
    lists(value, &mut |list| {
        let rows = list.as_array_mut().unwrap();
        let again = rows.clone();
        rows.extend(again);
    });
}

fn long_ids(value: &mut Value, _: &Asked) {
    put(value, &["TaskId", "taskId"], &json!(9_007_199_254_740_993_u64));
}

fn infinite(body: Vec<u8>) -> Vec<u8> {
    let figures = ["\"Duration\":", "\"timeout\":"];
    figures
        .iter()
        .fold(body, |body, name| replace(&body, name.as_bytes(), format!("{name}1e999,\"was\":").as_bytes()))
}

/// No run of the source in trouble has a duration.
fn untimed(scene: &Scene<'_>) {
    let counted = scene.during.sum("taskrun_run_duration_seconds_count", &[("source", ILL)]);
    assert_eq!(counted, 0.0, "{}", scene.kind);
    assert!(scene.during.sum("taskrun_runs_total", &[("source", ILL)]) > 0.0, "{}: runs count", scene.kind);
}

/// No sample of the page is infinite, or no number.
fn finite(scene: &Scene<'_>) {
    for sample in &scene.during.samples {
        assert!(sample.value.is_finite(), "{}: {sample:?}", scene.kind);
    }
}
