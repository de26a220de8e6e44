//! What is assumed of the world, and who said so.

use crate::config::Section;
use crate::ledger::admin::Recalled;
use crate::sources::{self, Figure, Kept};
use std::collections::BTreeMap;

/// The figures of the command line, by source and name.
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeMap<(String, &'static str), f64>);

impl Given {
    /// Reads `SOURCE.NAME=N`, again and again.
    ///
    /// # Errors
    /// What cannot be understood, and what could be written instead.
    pub fn read(texts: &[String], sections: &[Section]) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        for text in texts {
            let wrong = |why: String| format!("--assume {text}: {why}");
            let (key, number) = text
                .split_once('=')
                .ok_or_else(|| wrong("write SOURCE.NAME=N, like dataflows.projects=12".into()))?;
            // A source's name has no dot, a figure's neither.
            let (source, name) = key.split_once('.').unwrap_or((key, ""));
            let section = sections.iter().find(|section| section.name == source).ok_or_else(|| {
                let names: Vec<&str> = sections.iter().map(|section| section.name.as_str()).collect();
                wrong(format!("there is no [sources.{source}]; there are {}", names.join(", ")))
            })?;
            let figures = sources::kind(&section.kind).map_or(&[][..], |kind| kind.figures);
            let figure = figures.iter().find(|figure| figure.name == name).ok_or_else(|| {
                let known: Vec<String> = figures
                    .iter()
                    .map(|figure| format!("\n  {source}.{}: {}", figure.name, figure.help))
                    .collect();
                wrong(format!(
                    "{source} is of kind {} and has no {name:?}; it has{}",
                    section.kind,
                    known.concat()
                ))
            })?;
            let number =
                number.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
            let number = number.ok_or_else(|| wrong("is not a number of 0 or more".into()))?;
            given.insert((source.to_owned(), figure.name), number);
        }
        Ok(Self(given))
    }
}

/// Who said a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// The command line.
    Given,
    /// The state.
    State,
    /// Nobody: the default.
    Default,
}

impl From {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Given => "--assume",
            Self::State => "state",
            Self::Default => "default",
        }
    }
}

/// One figure of one source.
#[derive(Clone, PartialEq, Debug)]
pub struct Assumed {
    /// Which.
    pub figure: Figure,
    /// Its value.
    pub value: f64,
    /// Who said so.
    pub from: From,
}

/// All that is assumed.
#[derive(Clone, Debug, Default)]
pub struct Assumptions {
    /// By the command line.
    pub given: Given,
    /// By the state.
    pub recalled: Vec<Recalled>,
}

impl Assumptions {
    /// The figures of one source.
    pub fn of(&self, source: &str, figures: &[Figure]) -> Vec<Assumed> {
        let one = |figure: &Figure| {
            let given =
                self.given.0.get(&(source.to_owned(), figure.name)).map(|value| (*value, From::Given));
            let kept =
                || figure.kept.and_then(|kept| self.kept(source, kept)).map(|value| (value, From::State));
            let (value, from) = given.or_else(kept).unwrap_or((figure.default, From::Default));
            Assumed { figure: *figure, value, from }
        };
        figures.iter().map(one).collect()
    }

    /// What the state tells of a source, `None` where it knows nothing of it.
    fn kept(&self, source: &str, kept: Kept) -> Option<f64> {
        let cells: Vec<&Recalled> = self.recalled.iter().filter(|cell| *cell.source == *source).collect();
        let sum = |of: fn(&Recalled) -> f64| cells.iter().map(|cell| of(cell)).sum::<f64>();
        let some = |value: f64| (!cells.is_empty()).then_some(value);
        match kept {
            Kept::Cells => Some(sum(|_| 1.0)).filter(|cells| *cells > 0.0),
            Kept::Tasks => some(sum(|cell| cell.tasks)).filter(|tasks| *tasks > 0.0),
            Kept::RunsPerDay => some(sum(|cell| cell.runs_per_day)),
            Kept::OpenRuns => some(sum(|cell| cell.open)),
            Kept::FailedShare => {
                let runs = sum(|cell| cell.runs);
                (runs > 0.0).then(|| sum(|cell| cell.failed) / runs)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Label;

    fn sections() -> Vec<Section> {
        let section = |name, kind| {
            Section::parse(name, &format!("kind = \"{kind}\"\naccount = \"a\"\nschedule = \"1m\"\n"))
        };
        vec![section("flows", "wedata").unwrap(), section("commands", "tat").unwrap()]
    }

    fn read(text: &str) -> Result<Given, String> {
        Given::read(&[text.to_owned()], &sections())
    }

    #[test]
    fn what_is_given_comes_before_what_is_kept_and_that_before_the_default() {
        let cell = |tasks| Recalled {
            source: Label::new("flows"),
            tasks,
            open: 3.0,
            runs: 10.0,
            failed: 1.0,
            runs_per_day: 5.0,
        };
        let assumptions =
            Assumptions { given: read("flows.projects=12").unwrap(), recalled: vec![cell(1.0), cell(2.0)] };
        let told = |source: &str, kind: &str| -> Vec<String> {
            let figures = sources::kind(kind).unwrap().figures;
            let all = assumptions.of(source, figures);
            all.iter().map(|one| format!("{}={} {}", one.figure.name, one.value, one.from.words())).collect()
        };
        assert_eq!(
            told("flows", "wedata"),
            [
                "projects=12 --assume",
                "runs_per_day=10 state",
                "failed_share=0.1 state",
                "rerun_share=0.01 default",
                "open_runs=6 state",
                "log_pages=1 default",
            ]
        );
        assert_eq!(told("commands", "tat")[0], "runs_per_day=1000 default");
    }

    #[test]
    fn a_mistake_is_told_what_could_be_written() {
        for (text, said) in [
            ("flows.projects", "write SOURCE.NAME=N"),
            ("flow.projects=1", "there are flows, commands"),
            ("flows.project=1", "flows.projects: enabled projects"),
            ("commands.projects=1", "commands.machines"),
            ("flows.projects=-1", "0 or more"),
            ("flows.projects=many", "0 or more"),
            ("flows.projects=inf", "0 or more"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
