//! GetInstanceLog.

use super::history::Round;
use super::instance::{file_name, job_id, named, zone};
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Dice, Refusal, stamp};
use serde_json::{Value, json};

pub(super) const ARGUMENTS: &[&str] = &[
    "ProjectId",
    "InstanceKey",
    "LifeRoundNum",
    "ScheduleTimeZone",
    "BrokerIp",
    "OriginFileName",
    "ExecutionJobId",
    "LogLevel",
    "StartLineNum",
    "EndLineCount",
    "ExtInfo",
];

/// The machine that every log is on.
pub(super) const BROKER: &str = "ins-6m365yvb";

/// The most lines in one answer: few, so that logs have several pages.
const MOST_LINES: i64 = 400;

/// GetInstanceLog.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let arguments = call.arguments;
    let hours = zone(call)?;
    let missing = || Refusal::of("MissingParameter", "The request is missing `LifeRoundNum`.");
    let number = arguments.integer("LifeRoundNum")?.ok_or_else(missing)?;
    let wanted = level(arguments.text("LogLevel")?.unwrap_or("All"))?;
    let nothing = Ok(json!({"Data": null}));
    let Some((task, instance)) = named(call)? else { return nothing };
    let begun = &instance.rounds[..instance.begun(call.now)];
    let Some((number, round)) = usize::try_from(number).ok().and_then(|n| Some((n, begun.get(n)?))) else {
        return nothing;
    };
    let job = job_id(&task, &instance, number, round, call.now);
    let file = file_name(&task, &instance, number, round, call.now);
    if job.is_empty() && file.is_empty() {
        return nothing;
    }
    let given = |name: &str| arguments.text(name).map(Option::unwrap_or_default);
    let found = if job.is_empty() {
        given("OriginFileName")? == file && given("BrokerIp")? == BROKER
    } else {
        given("ExecutionJobId")? == job
    };
    if !found {
        return Err(Refusal::of("FailedOperation", "There is no such log."));
    }
    let dice = Dice::new(call.world.seed()).named(&format!("{job}{file}"));
    let lines: Vec<String> = lines(round, call.now, dice)
        .filter(|(level, _)| wanted.is_none_or(|wanted| wanted == *level))
        .map(|(_, line)| line)
        .collect();
    let first = match arguments.text("ExtInfo")?.filter(|text| !text.is_empty()) {
        Some(text) => text.parse().map_err(|_| Refusal::of("FailedOperation", "ExtInfo is not ours."))?,
        None => arguments.integer("StartLineNum")?.unwrap_or(1).max(1) - 1,
    };
    let most = arguments.integer("EndLineCount")?.unwrap_or(10_000).clamp(1, MOST_LINES);
    let size = |n: i64| usize::try_from(n).unwrap_or_default();
    let page: Vec<&str> = lines.iter().map(String::as_str).skip(size(first)).take(size(most)).collect();
    let next = size(first) + page.len();
    Ok(json!({"Data": {
        "InstanceKey": arguments.required("InstanceKey")?,
        "ProjectId": task.project.id,
        "InstanceState": round.state(call.now).0,
        "RunType": if number == 0 { "PERIODIC" } else { "RERUN" },
        "StartTime": round.started().map(|at| stamp::plain(at, hours)),
        "EndTime": Some(round.ended()).filter(|at| *at <= call.now).map(|at| stamp::plain(at, hours)),
        "CodeInfo": format!("echo {CANARY};"),
        "CodeFileSize": "1 KB",
        "BrokerIp": BROKER,
        "LogInfo": page.join("\n"),
        "LogFileSize": format!("{} KB", lines.iter().map(String::len).sum::<usize>() / 1024 + 1),
        "LineCount": page.len(),
        "ExtInfo": next.to_string(),
        "IsEnd": next >= lines.len(),
    }}))
}

const LEVELS: [&str; 4] = ["INFO", "DEBUG", "WARN", "ERROR"];

fn level(name: &str) -> Result<Option<&'static str>, Refusal> {
    if name == "All" {
        return Ok(None);
    }
    let known = LEVELS.iter().find(|level| level.eq_ignore_ascii_case(name));
    known
        .map(|level| Some(*level))
        .ok_or_else(|| Refusal::of("InvalidParameterValue", "LogLevel is not known."))
}

/// The lines written until `now`, with their levels. Their times are the executor's own, in China, whatever zone
/// was asked for.
fn lines(round: &Round, now: i64, dice: Dice) -> impl Iterator<Item = (&'static str, String)> {
    let started = round.started().unwrap_or_default();
    let lasted = round.ended() - started;
    let count = dice.named("lines").between(5, 40) * if lasted < 10 { 1 } else { 40 };
    (0..count).map(move |n| (n, started + n * lasted / count)).take_while(move |(_, at)| *at <= now).map(
        move |(n, at)| {
            let dice = dice.of(n);
            let level = LEVELS[usize::try_from(dice.between(0, 99) / 30).unwrap_or_default()];
            let rows = dice.named("rows").between(0, 5000);
            (level, format!("{} {level} step {n}: rows={rows} {CANARY}", stamp::plain(at, stamp::CHINA)))
        },
    )
}
