//! The flows there are, and their nodes.

use super::KIND;
use crate::simulator::{Character, Dice, Rhythm, World, stamp};
use chrono::NaiveDateTime;

/// One flow.
pub(super) struct Flow {
    pub(super) index: usize,
    pub(super) rhythm: Rhythm,
    pub(super) dice: Dice,
    pattern: &'static Pattern,
    /// The number of its first node among all nodes.
    first: usize,
    nodes: usize,
}

/// What a flow is made of.
struct Pattern {
    /// 0 manual, 1 periodic, 2 temporary.
    kind: i64,
    /// Seconds between two triggers, at the pace of life.
    every: i64,
    nodes: &'static [Character],
}

/// The flows that repeat until there are enough nodes. Eight nodes a round, every character once.
const PATTERNS: [Pattern; 4] = [
    Pattern { kind: 1, every: 300, nodes: &[Character::Brief, Character::Steady] },
    Pattern { kind: 1, every: 900, nodes: &[Character::Flaky, Character::Failing, Character::Odd] },
    Pattern { kind: 0, every: 3600, nodes: &[Character::Slow, Character::Early] },
    Pattern { kind: 2, every: 6 * 3600, nodes: &[Character::Stuck] },
];
/// How many nodes one round of [`PATTERNS`] has.
const ROUND: usize = 8;

impl Flow {
    /// The flow with this number, `None` where the world has no node for it.
    pub(super) fn of(world: &World, index: usize) -> Option<Self> {
        let pattern = &PATTERNS[index % PATTERNS.len()];
        let before: usize =
            PATTERNS[..index % PATTERNS.len()].iter().map(|pattern| pattern.nodes.len()).sum();
        let first = index / PATTERNS.len() * ROUND + before;
        let nodes = world.tasks().checked_sub(first)?.min(pattern.nodes.len());
        let dice = world.dice(KIND).of(i64::try_from(index).ok()?);
        let rhythm = world.rhythm(pattern.every, dice);
        (nodes > 0).then_some(Self { index, rhythm, dice, pattern, first, nodes })
    }

    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> + '_ {
        (0..).map_while(|index| Self::of(world, index))
    }

    pub(super) fn id(&self) -> usize {
        8435 + self.index
    }

    pub(super) fn name(&self) -> String {
        let base = ["hourly_sync", r#"check "all""#, "手动_导出", "once\\only"][self.index % PATTERNS.len()];
        format!("{base}_{}", self.index)
    }

    pub(super) fn kind(&self) -> i64 {
        self.pattern.kind
    }

    /// The letter of its cycle.
    pub(super) fn cycle(&self) -> &'static str {
        if self.pattern.every < 3600 { "mi" } else { "H" }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> {
        (0..self.nodes).map(|n| Node { index: self.first + n, character: self.pattern.nodes[n] })
    }

    /// The stamp that ids of the run `k` end in: the planned time in UTC, as short as it can be.
    pub(super) fn stamp(&self, k: i64) -> String {
        let format = match self.rhythm.every() {
            3600.. => "%Y%m%d%H",
            60.. => "%Y%m%d%H%M",
            _ => "%Y%m%d%H%M%S",
        };
        stamp::format(self.rhythm.at(k), 0, format)
    }

    /// The run whose ids end in `text`.
    fn index_of(&self, text: &str) -> Option<i64> {
        let padded = format!("{text:0<14}");
        let since = NaiveDateTime::parse_from_str(&padded, "%Y%m%d%H%M%S").ok()?.and_utc().timestamp();
        self.rhythm.between(since, since + 3600).next().filter(|k| self.stamp(*k) == text)
    }

    /// The flow and run that an id of a flow instance names.
    pub(super) fn find(world: &World, id: &str) -> Option<(Self, i64)> {
        let (id, text) = id.split_once('-')?;
        let flow = Self::of(world, id.parse::<usize>().ok()?.checked_sub(8435)?)?;
        let k = flow.index_of(text)?;
        Some((flow, k))
    }

    /// The flow, node and run that an id of a task instance names.
    pub(super) fn find_node(world: &World, id: &str) -> Option<(Self, Node, i64)> {
        let (id, text) = id.split_once('-')?;
        let index = id.parse::<usize>().ok()?.checked_sub(FIRST_NODE)?;
        let flows =
            (index / ROUND * PATTERNS.len()..).take(PATTERNS.len()).filter_map(|n| Self::of(world, n));
        let mut found = flows.filter_map(|flow| {
            let node = flow.nodes().find(|node| node.index == index)?;
            Some((flow, node))
        });
        let (flow, node) = found.next()?;
        let k = flow.index_of(text)?;
        Some((flow, node, k))
    }

    pub(super) fn instance_id(&self, k: i64) -> String {
        format!("{}-{}", self.id(), self.stamp(k))
    }
}

/// The number in the first task id.
const FIRST_NODE: usize = 118_979;

/// One node of a flow: a task.
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) character: Character,
}

impl Node {
    pub(super) fn id(&self) -> usize {
        FIRST_NODE + self.index
    }

    pub(super) fn name(&self) -> String {
        Character::name(self.index)
    }

    pub(super) fn instance_id(&self, flow: &Flow, k: i64) -> String {
        format!("{}-{}", self.id(), flow.stamp(k))
    }
}
