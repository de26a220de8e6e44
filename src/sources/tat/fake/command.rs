//! The commands there are, and DescribeCommands.

use super::KIND;
use super::listing::Query;
use crate::simulator::tencent::Call;
use crate::simulator::{CANARY, Character, Dice, Refusal, Rhythm, World, cut, stamp};
use serde_json::{Value, json};

/// The regions that have commands.
pub(super) const REGIONS: [&str; 2] = ["ap-guangzhou", "ap-shanghai"];

/// One command, and how often it is invoked.
pub(super) struct Command {
    pub(super) index: usize,
    pub(super) character: Character,
    pub(super) region: &'static str,
    pub(super) rhythm: Rhythm,
    pub(super) dice: Dice,
}

impl Command {
    pub(super) fn of(world: &World, index: usize) -> Self {
        let dice = world.dice(KIND).of(i64::try_from(index).unwrap_or_default());
        let character = Character::of(index);
        let rhythm = world.rhythm(character.every(), dice);
        Self { index, character, region: REGIONS[index / 2 % REGIONS.len()], rhythm, dice }
    }

    pub(super) fn all<'a>(world: &'a World, region: &'a str) -> impl Iterator<Item = Self> + 'a {
        (0..world.tasks()).map(|index| Self::of(world, index)).filter(move |command| command.region == region)
    }

    pub(super) fn id(&self) -> String {
        format!("cmd-{:08x}", self.dice.named("id").bits() >> 32)
    }

    /// CommandName; empty for a command that was deleted since, whose name nobody can tell any more.
    pub(super) fn name(&self) -> String {
        if self.deleted() { String::new() } else { Character::name(self.index) }
    }

    /// Whether it was deleted after its last change: its invocations are still there.
    pub(super) fn deleted(&self) -> bool {
        self.character == Character::Failing
    }

    /// Whether answers about its invocations tell its name, as few do.
    pub(super) fn named(&self) -> bool {
        self.index.is_multiple_of(3) && !self.deleted()
    }

    /// The label `workflow`.
    pub(super) fn label(&self) -> String {
        if self.deleted() { self.id() } else { self.name() }
    }

    /// How many machines it runs on, the same ones every time.
    pub(super) fn machines(&self) -> i64 {
        match self.character {
            Character::Brief | Character::Stuck => 1,
            Character::Odd => 4,
            _ => 2,
        }
    }

    /// The InstanceId of its machine with this number.
    pub(super) fn machine(&self, number: i64) -> String {
        let prefix = match self.kind() {
            "LIGHTHOUSE" => "lhins",
            "REGISTERINST" => "rins",
            _ => "ins",
        };
        format!("{prefix}-{:08x}", self.dice.named("machine").of(number).bits() >> 32)
    }

    /// InstanceKind.
    pub(super) fn kind(&self) -> &'static str {
        ["CVM", "CVM", "LIGHTHOUSE", "REGISTERINST"][self.index % 4]
    }

    /// Who made it.
    pub(super) fn created_by(&self) -> &'static str {
        if self.index % 4 == 1 { "TAT" } else { "USER" }
    }

    /// InvocationSource: one sample of the documents has it in lower case.
    pub(super) fn source(&self) -> &'static str {
        ["USER", "INVOKER", "user"][self.index % 3]
    }
}

/// DescribeCommands.
pub(super) fn answer(call: &Call<'_>) -> Result<Value, Refusal> {
    let query =
        Query::read(call, "CommandIds", &["command-id", "command-name", "command-type", "created-by"])?;
    let commands = Command::all(call.world, call.region).filter(|command| !command.deleted());
    let taken: Vec<Command> = commands
        .filter(|command| {
            let (id, name) = (command.id(), command.name());
            query.takes_id(&id)
                && query.takes("command-id", &id)
                && query.takes("command-name", &name)
                && query.takes("command-type", "SHELL")
                && query.takes("created-by", command.created_by())
        })
        .collect();
    let total = i64::try_from(taken.len()).unwrap_or_default();
    let page = cut(taken, total, query.offset, query.limit, call.skew);
    let rows: Vec<Value> = page.rows.iter().map(row).collect();
    Ok(json!({"TotalCount": page.total, "CommandSet": rows}))
}

fn row(command: &Command) -> Value {
    json!({
        "CommandId": command.id(),
        "CommandName": command.name(),
        "Description": "",
        "FormattedDescription": "",
        "CreatedBy": command.created_by(),
        // "canary…" in base64 would not be found by anybody looking for it: left readable on purpose.
        "Content": CANARY,
        "CommandType": "SHELL",
        "WorkingDirectory": "/root/",
        "Timeout": 60,
        "EnableParameter": false,
        "DefaultParameters": "{}",
        "DefaultParameterConfs": [],
        "Scenes": [],
        "Username": "root",
        "Tags": [],
        "CreatedTime": stamp::offset(1_604_285_291),
        "UpdatedTime": stamp::offset(1_604_285_291),
        "OutputCOSBucketUrl": "",
        "OutputCOSKeyPrefix": "",
    })
}
