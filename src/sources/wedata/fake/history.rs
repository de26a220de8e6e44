//! The life of instances: pure functions of the world, the task and the instance's number.

use super::KIND;
use super::project::Project;
use crate::model::{Outcome, Timestamp};
use crate::simulator::{Character, Dice, Rhythm, Span, TrueRun, World, stamp};

/// One scheduled task.
pub(super) struct Task {
    pub(super) index: usize,
    pub(super) character: Character,
    pub(super) project: &'static Project,
    pub(super) rhythm: Rhythm,
    dice: Dice,
}

/// The number in the first TaskId.
const FIRST_ID: usize = 20_250_326_150_700_000;

impl Task {
    pub(super) fn of(world: &World, index: usize) -> Self {
        let dice = world.dice(KIND).of(i64::try_from(index).unwrap_or_default());
        let character = Character::of(index);
        let rhythm = world.rhythm(character.every(), dice);
        Self { index, character, project: Project::of_task(index), rhythm, dice }
    }

    /// The tasks of one project.
    pub(super) fn all<'a>(world: &'a World, project: &'a Project) -> impl Iterator<Item = Self> + 'a {
        (0..world.tasks()).map(|index| Self::of(world, index)).filter(|task| task.project.id == project.id)
    }

    /// The instance with this key, whether it exists yet or not.
    pub(super) fn find(world: &World, key: &str) -> Option<(Self, Instance)> {
        let (id, date) = key.split_once('_')?;
        let index = id.parse::<usize>().ok()?.checked_sub(FIRST_ID).filter(|index| *index < world.tasks())?;
        let task = Self::of(world, index);
        let k = task.rhythm.index(stamp::read(date, stamp::CHINA)?)?;
        let instance = task.instance(world, k);
        Some((task, instance))
    }

    pub(super) fn id(&self) -> String {
        (FIRST_ID + self.index).to_string()
    }

    pub(super) fn name(&self) -> String {
        Character::name(self.index)
    }

    pub(super) fn workflow(&self) -> String {
        format!("flow \"{}\"", self.index / 2 % 4)
    }

    /// How often a failed try is repeated by itself.
    pub(super) fn try_limit(&self) -> i64 {
        match self.character {
            Character::Flaky => 3,
            Character::Odd => 2,
            Character::Failing | Character::Slow => 1,
            _ => 0,
        }
    }

    /// The life of instance `k`, all of it.
    pub(super) fn instance(&self, world: &World, k: i64) -> Instance {
        let dice = self.dice.of(k);
        let planned = self.rhythm.at(k);
        let created = planned - world.span(self.character.ahead());
        let first = self.round(world, dice.of(0), created, planned, Speed::Usual);
        let mut rounds = vec![first];
        let failed = rounds[0].outcome() == Outcome::Failed;
        match (self.character, dice.named("afterwards").between(0, 99)) {
            // Two reruns that begin and end between two polls.
            (Character::Odd, 0..30) if failed => {
                self.rerun(world, dice, &mut rounds, 2, Speed::Hasty);
                self.rerun(world, dice, &mut rounds, 2, Speed::Hasty);
            }
            (Character::Odd, 30..60) if failed => {
                // Somebody looks at it first: never so soon that no poll sees the failure.
                rounds[0].forced = Some(rounds[0].ended() + 60 + world.span(300));
            }
            (Character::Flaky | Character::Odd, 60..) if failed => {
                self.rerun(world, dice, &mut rounds, world.span(600), Speed::Usual);
            }
            (Character::Odd, 95..) => self.rerun(world, dice, &mut rounds, world.span(300), Speed::Usual),
            _ => {}
        }
        Instance { planned, created, rounds }
    }

    fn rerun(&self, world: &World, dice: Dice, rounds: &mut Vec<Round>, pause: i64, speed: Speed) {
        let Some(last) = rounds.last() else { return };
        let begun = last.ended() + pause;
        let number = i64::try_from(rounds.len()).unwrap_or_default();
        rounds.push(self.round(world, dice.of(number), begun, begun, speed));
    }

    fn round(&self, world: &World, dice: Dice, begun: i64, earliest: i64, speed: Speed) -> Round {
        let draw = |name: &str, most: i64| match speed {
            Speed::Usual => world.span(dice.named(name).between(1, most)),
            Speed::Hasty => 1,
        };
        let waiting = if dice.named("event").chance(25) { 0 } else { 12 };
        let mut phases = vec![Phase { detail: "WAIT_UPSTREAM", state: waiting, at: begun }];
        let mut at = earliest.max(begun) + draw("upstream", 40);
        if self.character == Character::Odd && dice.named("skip").chance(12) && begun < earliest {
            phases.push(Phase { detail: "SKIP_RUNNING", state: 21, at });
            return Round { phases, forced: None };
        }
        phases.push(Phase { detail: "WAIT_RUN", state: dice.named("queue").pick(&[6, 7, 9, 10, 18]), at });
        at += draw("dispatch", 20);
        for n in 0..=self.try_limit() {
            let dice = dice.named("try").of(n);
            let state =
                if dice.named("running").chance(70) { 1 } else { dice.named("stage").pick(&[19, 22]) };
            phases.push(Phase { detail: "RUNNING", state, at });
            at += match speed {
                Speed::Usual => world.span(self.character.lasting(dice)),
                Speed::Hasty => dice.named("lasts").between(2, 4),
            };
            if !dice.named("fate").chance(self.character.fails()) {
                phases.push(Phase { detail: "COMPLETE", state: 2, at });
                return Round { phases, forced: None };
            }
            if n < self.try_limit() {
                phases.push(Phase { detail: "FAILED", state: 3, at });
                at += match speed {
                    Speed::Usual => world.span(dice.named("pause").between(5, 60)),
                    Speed::Hasty => 1,
                };
            }
        }
        phases.push(Phase { detail: "EXPIRED", state: dice.named("end").pick(&[4, 5, 8, 13]), at });
        Round { phases, forced: None }
    }
}

#[derive(Clone, Copy)]
enum Speed {
    Usual,
    Hasty,
}

/// One instance: the rounds it ever runs.
pub(super) struct Instance {
    pub(super) planned: i64,
    pub(super) created: i64,
    pub(super) rounds: Vec<Round>,
}

impl Instance {
    /// How many rounds have begun at `now`; 0 where it does not exist yet.
    pub(super) fn begun(&self, now: i64) -> usize {
        self.rounds.iter().take_while(|round| round.begun() <= now).count()
    }

    /// The newest round that has begun at `now`.
    pub(super) fn current(&self, now: i64) -> Option<&Round> {
        self.rounds[..self.begun(now)].last()
    }
}

/// One life round: one run.
pub(super) struct Round {
    pub(super) phases: Vec<Phase>,
    /// When somebody called its failure a success.
    pub(super) forced: Option<i64>,
}

/// A time of which one thing is true.
#[derive(Clone, Copy)]
pub(super) struct Phase {
    /// DetailState.
    pub(super) detail: &'static str,
    /// InstanceState.
    pub(super) state: i64,
    /// When it begins; it ends when the next one begins.
    pub(super) at: i64,
}

impl Round {
    pub(super) fn begun(&self) -> i64 {
        self.phases[0].at
    }

    /// The first try's start.
    pub(super) fn started(&self) -> Option<i64> {
        self.phases.iter().find(|phase| phase.detail == "RUNNING").map(|phase| phase.at)
    }

    /// The last try's end.
    pub(super) fn ended(&self) -> i64 {
        self.phases[self.phases.len() - 1].at
    }

    /// The phases that have begun at `now`, in their order.
    pub(super) fn seen(&self, now: i64) -> &[Phase] {
        &self.phases[..self.phases.iter().take_while(|phase| phase.at <= now).count()]
    }

    /// InstanceState at `now`, and since when.
    pub(super) fn state(&self, now: i64) -> (i64, i64) {
        match (self.forced, self.seen(now).last()) {
            (Some(forced), _) if forced <= now => (2, forced),
            (_, Some(phase)) => (phase.state, phase.at),
            (_, None) => (0, self.begun()),
        }
    }

    /// How often it has been dispatched at `now`.
    pub(super) fn dispatches(&self, now: i64) -> i64 {
        let tries = self.seen(now).iter().filter(|phase| phase.detail == "RUNNING").count();
        i64::try_from(tries).unwrap_or_default()
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self.phases[self.phases.len() - 1].detail {
            "COMPLETE" => Outcome::Success,
            "SKIP_RUNNING" => Outcome::Skipped,
            _ => Outcome::Failed,
        }
    }
}

pub(super) fn truth(world: &World, span: &Span) -> Vec<TrueRun> {
    let mut runs = Vec::new();
    for task in (0..world.tasks()).map(|index| Task::of(world, index)) {
        let first = span.from.secs().saturating_sub(world.reach(task.character));
        for instance in task.rhythm.between(first, span.to.secs()).map(|k| task.instance(world, k)) {
            for (number, round) in instance.rounds.iter().enumerate() {
                let run = true_run(&task, &instance, number, round);
                if span.holds(&run) {
                    runs.push(run);
                }
            }
        }
    }
    runs
}

fn true_run(task: &Task, instance: &Instance, number: usize, round: &Round) -> TrueRun {
    let started = round.started();
    let since = |detail: &str| round.phases.iter().find(|phase| phase.detail == detail).map(|phase| phase.at);
    let ended = round.ended();
    // Whole seconds: far below where f64 rounds.
    let millis = |secs: i64| (secs * 1000) as f64;
    let key = format!("{}_{}", task.id(), stamp::plain(instance.planned, stamp::CHINA));
    TrueRun {
        region: task.project.region.to_owned(),
        project: task.project.id.to_owned(),
        workflow: task.workflow(),
        task: task.name(),
        task_id: task.id(),
        run: if number == 0 { key } else { format!("{key}#{number}") },
        outcome: round.outcome(),
        revised: round.forced.map(|at| (Timestamp::from_secs(at), Outcome::Success)),
        gone: None,
        created: Timestamp::from_secs(round.begun()),
        started: started.map(Timestamp::from_secs),
        ended: Timestamp::from_secs(ended),
        known: Timestamp::from_secs(ended),
        duration_ms: started.map(|started| millis(ended - started)),
        memory_bytes: None,
        billed_ms: None,
        code: None,
        retries: (round.dispatches(ended) - 1).max(0),
        waits_ms: started
            .zip(since("WAIT_RUN"))
            .map(|(started, queued)| ((queued - round.begun()) * 1000, (started - queued) * 1000)),
    }
}
