//! Faults 41 to 49: what answers hold, where somebody means harm or does not care.

use super::case::{Case, Expect, Scene};
use super::change::{NAMES, each, is_tencent, lists, put, refusal, replace};
use super::message::Asked;
use super::stand::ILL;
use super::wire::Fault;
use Expect::{Fails, Ok, Partial};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use taskrun_exporter::simulator::CANARY;

/// Text of an exposition that would end a label, a line and the page.
const HOSTILE: &str = "a\"} 1\n# EOF\n# TYPE x counter\nx{y=\"\\\"} 7\\";
const SCRIPT: &str = "<script>alert('x')</script><img src=x onerror=alert(1)>";
/// One word, composed and decomposed.
const COMPOSED: [&str; 2] = ["caf\u{e9}", "cafe\u{301}"];
const SECRET: &str = "SECRET_KEY=AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA password=hunter2";

pub(super) const CASES: &[Case] = &[
    Case::new(40, "bytes and escapes that are no text", Fault::Bytes(no_text), Ok).first().check(|scene| {
        let name = "\u{fffd}\u{fffd}\u{fffd}";
        assert!(
            scene.kind == "scf" || names(scene).iter().any(|shown| shown.starts_with(name)),
            "{:?}",
            names(scene)
        );
    }),
    Case::new(
        41,
        "names in the language of the page",
        Fault::Json(|value, asked| rename(value, asked, |_| HOSTILE.into())),
        Ok,
    )
    .first()
    .check(|scene| assert!(names(scene).contains(HOSTILE), "{:?}", names(scene))),
    Case::new(
        42,
        "names in the language of the browser",
        Fault::Json(|value, asked| rename(value, asked, |_| SCRIPT.into())),
        Ok,
    )
    .first()
    .check(inert),
    Case::new(42, "a message in the language of the browser", Fault::Json(denied_script), Partial)
        .of(&["scf"])
        .first()
        .check(|scene| {
            inert(scene);
            assert!(scene.site.contains("&lt;script"), "the page does not show the name: {}", scene.site);
        }),
    Case::new(
        43,
        "a name of a million letters",
        Fault::Json(|value, asked| rename(value, asked, |_| "x".repeat(1_000_000))),
        Ok,
    )
    .first()
    .timeout("60s")
    .check(|scene| {
        let lengths: BTreeSet<usize> = names(scene).iter().map(|name| name.chars().count()).collect();
        assert!(lengths.last() == Some(&256), "{lengths:?}");
    }),
    Case::new(
        44,
        "a name for every run",
        Fault::Json(|value, asked| rename(value, asked, |n| format!("task {n}"))),
        Ok,
    )
    .tasks(3, 2)
    .first()
    .check(|scene| {
        let overflow = "taskrun_exporter_series_overflow_total";
        assert!(scene.grown(overflow, &[]) > 0.0, "{}: nothing is said of it", scene.kind);
        let runs = scene.during.of("taskrun_runs_total").filter(|sample| sample.label("source") == ILL);
        let mut tasks: BTreeSet<Vec<&str>> = BTreeSet::new();
        for sample in runs {
            tasks.insert(["project", "workflow", "task", "task_id"].map(|name| sample.label(name)).to_vec());
        }
        // Two with names, and one for the rest in each of at most two cells.
        assert!(tasks.len() <= 4, "{}: {tasks:?}", scene.kind);
        assert!(tasks.iter().any(|task| task.contains(&"(overflow)")), "{}: {tasks:?}", scene.kind);
    }),
    Case::new(
        45,
        "names that differ behind the cut",
        Fault::Json(|value, asked| rename(value, asked, |n| format!("{}{n}", "x".repeat(300)))),
        Ok,
    )
    .first()
    .check(|scene| {
        let cut: Vec<String> = names(scene).into_iter().filter(|name| name.contains('~')).collect();
        assert!(
            cut.len() >= 2 && cut.iter().all(|name| name.chars().count() == 256),
            "{}: {cut:?}",
            scene.kind
        );
    }),
    Case::new(
        47,
        "names that look alike",
        Fault::Json(|value, asked| rename(value, asked, |n| COMPOSED[n % 2].into())),
        Ok,
    )
    .first()
    .check(|scene| assert!(COMPOSED.iter().all(|name| names(scene).contains(*name)), "{:?}", names(scene))),
    Case::new(48, "a code for terminals", Fault::Json(terminal), Fails("rejected"))
        .check(|scene| {
            for cell in &scene.stand.rig.keeper.published().cells {
                let odd = |c: char| c.is_control() || c == '%';
                assert!(!cell.message.contains(odd), "{:?}", cell.message);
            }
        })
        .moves(&[("taskrun_api_requests_total", &[("code", "unreadable")])]),
    Case::new(49, "secrets in commands", Fault::Json(secrets), Ok).first().check(|scene| {
        let shown = scene.during.samples.iter().flat_map(|sample| sample.labels.values());
        for text in shown.chain([&scene.site]) {
            for hidden in ["AKID", "hunter2", CANARY] {
                assert!(!text.contains(hidden), "{}: {text:?} tells {hidden}", scene.kind);
            }
        }
    }),
];

/// What the source in trouble calls its tasks and workflows.
fn names(scene: &Scene<'_>) -> BTreeSet<String> {
    let runs = scene.during.of("taskrun_runs_total").filter(|sample| sample.label("source") == ILL);
    runs.flat_map(|sample| ["workflow", "task"].map(|name| sample.label(name).to_owned())).collect()
}

/// Gives a new name, made of its number, to each record of an answer: to a few only, so that long ones still fit.
fn rename(value: &mut Value, asked: &Asked, name: fn(usize) -> String) {
    const MOST: usize = 12;
    let mut n = 0;
    match asked.action.as_str() {
        "ListFunctions" => lists(value, &mut |list| {
            let functions = (0..MOST).map(|n| json!({"FunctionName": name(n), "Runtime": "Python3.9"}));
            *list = functions.collect();
        }),
        // Functions of these names are known to nobody else.
        "GetFunctionLogs" => {
            let id = taskrun_exporter::model::fnv1a(asked.body.as_bytes());
            *value = json!({"Response": {"TotalCount": 1, "RequestId": "r", "Data": [{
                "RequestId": format!("run-{id}"), "RetryNum": 0, "RetCode": 0, "InvokeFinished": 1,
                "StartTime": "2025-06-15 23:06:50", "Duration": 1.5, "BillDuration": 2, "MemUsage": 1024,
            }]}});
        }
        _ => {
            // Where an answer holds one record only, the request tells which.
            let request = asked.raw.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let first = if is_tencent(asked) { 0 } else { taskrun_exporter::model::fnv1a(request) as usize };
            each(value, NAMES, &mut |field| {
                if n < MOST {
                    *field = name(first + n).into();
                }
                n += 1;
            });
        }
    }
    if value["Response"].get("TotalCount").is_some() && asked.action == "ListFunctions" {
        value["Response"]["TotalCount"] = json!(MOST);
    }
}

/// Neither page holds what a browser would run.
fn inert(scene: &Scene<'_>) {
    for bad in ["<script", "<img"] {
        assert!(!scene.site.contains(bad), "{}: {}", scene.kind, scene.site);
    }
}

fn denied_script(value: &mut Value, asked: &Asked) {
    if asked.action == "GetFunctionLogs" && asked.body.contains("script") {
        *value = refusal(asked, "UnauthorizedOperation.CAM", 0);
    } else if asked.action == "ListFunctions" {
        lists(value, &mut |list| {
            list.as_array_mut().unwrap().push(json!({"FunctionName": SCRIPT, "Runtime": "Go1"}));
        });
        each(value, &["TotalCount"], &mut |total| *total = (total.as_i64().unwrap() + 1).into());
    }
}

/// A byte that is no UTF-8, half a surrogate pair and a NUL before each name.
fn no_text(body: Vec<u8>) -> Vec<u8> {
    let names = ["\"TaskName\":\"", "\"CommandName\":\"", "\"taskName\":\"", "\"RetMsg\":\""];
    names.iter().fold(body, |body, name| {
        replace(&body, name.as_bytes(), &[name.as_bytes(), b"\xff\\ud800\\u0000"].concat())
    })
}

fn terminal(value: &mut Value, asked: &Asked) {
    let code = "\u{1b}[31m%s%n{}";
    *value = match is_tencent(asked) {
        true => refusal(asked, code, 0),
        false => json!({"code": code, "msg": code, "data": null}),
    };
}

fn secrets(value: &mut Value, _: &Asked) {
    let telling = [
        "Description",
        "Parameters",
        "DefaultParameters",
        "CommandContent",
        "ErrorInfo",
        "Output",
        "JobErrorMsg",
        "RetMsg",
        "Log",
        "CodeInfo",
        "LogInfo",
        "cmd",
        "doAs",
        "parameters",
        "msg",
        "Username",
        "WorkingDirectory",
    ];
    put(value, &telling, &json!(SECRET));
}
