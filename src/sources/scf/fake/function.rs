//! The functions there are, ListFunctions and ListNamespaces.

use super::KIND;
use crate::simulator::tencent::Call;
use crate::simulator::{Character, Dice, Refusal, Rhythm, World, cut, stamp};
use serde_json::{Value, json};

/// The regions that have functions.
pub(super) const REGIONS: [&str; 2] = ["ap-guangzhou", "ap-shanghai"];
/// The namespaces there are, in every region.
pub(super) const NAMESPACES: [&str; 2] = ["default", "etl"];

/// One function, and when it is invoked.
pub(super) struct Function {
    pub(super) index: usize,
    pub(super) character: Character,
    pub(super) region: &'static str,
    pub(super) namespace: &'static str,
    pub(super) rhythm: Rhythm,
    pub(super) dice: Dice,
}

impl Function {
    pub(super) fn of(world: &World, index: usize) -> Self {
        let dice = world.dice(KIND).of(i64::try_from(index).unwrap_or_default());
        let character = Character::of(index);
        Self {
            index,
            character,
            region: REGIONS[index / 4 % 2],
            namespace: NAMESPACES[index / 2 % 2],
            rhythm: world.rhythm(character.every(), dice),
            dice,
        }
    }

    pub(super) fn all<'a>(
        world: &'a World,
        region: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = Self> + 'a {
        let all = (0..world.tasks()).map(|index| Self::of(world, index));
        all.filter(move |function| function.region == region && function.namespace == namespace)
    }

    /// FunctionName: letters, digits, `-` and `_` only, as SCF wants it.
    pub(super) fn name(&self) -> String {
        let base = match self.character {
            Character::Brief => "thumbnail",
            Character::Flaky => "webhook-in",
            Character::Odd => "import_csv",
            Character::Steady => "resize",
            Character::Failing => "broken-since-monday",
            Character::Slow => "transcode",
            Character::Early => "cron-report",
            Character::Stuck => "crawler",
        };
        format!("{base}-{}", self.index)
    }

    /// How many invocations come at once.
    pub(super) fn burst(&self) -> i64 {
        match self.character {
            Character::Brief => 20,
            Character::Odd => 60,
            Character::Flaky => 5,
            _ => 1,
        }
    }
}

/// Offset and Limit; the documents tell a default and no greatest Limit.
pub(super) fn window(call: &Call<'_>) -> Result<(i64, i64), Refusal> {
    let offset = call.arguments.integer("Offset")?.unwrap_or(0);
    let limit = call.arguments.integer("Limit")?.unwrap_or(20);
    if offset < 0 || limit < 0 {
        return Err(Refusal::of("InvalidParameterValue", "Offset or Limit is negative."));
    }
    Ok((offset, limit))
}

/// ListFunctions.
pub(super) fn functions(call: &Call<'_>) -> Result<Value, Refusal> {
    let (offset, limit) = window(call)?;
    let namespace = call.arguments.text("Namespace")?.unwrap_or("default");
    if !NAMESPACES.contains(&namespace) {
        return Err(Refusal::of("ResourceNotFound.Namespace", "The namespace does not exist."));
    }
    let word = call.arguments.text("SearchKey")?.unwrap_or_default();
    let mut found: Vec<Function> = Function::all(call.world, call.region, namespace)
        .filter(|function| function.name().contains(word))
        .collect();
    if call.arguments.text("Order")? == Some("DESC") {
        found.reverse();
    }
    let total = i64::try_from(found.len()).unwrap_or_default();
    let page = cut(found, total, offset, limit, call.skew);
    let rows: Vec<Value> = page.rows.iter().map(row).collect();
    Ok(json!({"TotalCount": page.total, "Functions": rows}))
}

fn row(function: &Function) -> Value {
    let runtime = ["Python3.9", "Nodejs18.15", "Go1"][function.index % 3];
    json!({
        "FunctionName": function.name(),
        "FunctionId": format!("lam-{:08x}", function.dice.named("id").bits() >> 32),
        "Namespace": function.namespace,
        "Description": "",
        "Runtime": runtime,
        "Type": "Event",
        "Status": "Active",
        "StatusDesc": "",
        "StatusReasons": [],
        "Tags": [],
        "AsyncRunEnable": "FALSE",
        "TraceEnable": "FALSE",
        "ReservedConcurrencyMem": null,
        "TotalProvisionedConcurrencyMem": 0,
        "AddTime": stamp::plain(1_724_743_663, stamp::CHINA),
        "ModTime": stamp::plain(1_724_743_663, stamp::CHINA),
    })
}

/// ListNamespaces.
pub(super) fn namespaces(call: &Call<'_>) -> Result<Value, Refusal> {
    let (offset, limit) = window(call)?;
    let total = i64::try_from(NAMESPACES.len()).unwrap_or_default();
    let page = cut(NAMESPACES.to_vec(), total, offset, limit, call.skew);
    let row = |name: &&str| {
        json!({
            "Name": name, "Description": "", "Type": "default",
            "AddTime": stamp::plain(1_724_743_663, stamp::CHINA),
            "ModTime": stamp::plain(1_724_743_663, stamp::CHINA),
        })
    };
    Ok(json!({"TotalCount": page.total, "Namespaces": page.rows.iter().map(row).collect::<Vec<_>>()}))
}
