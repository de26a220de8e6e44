//! `state`: what an operator does with a state directory that no exporter uses.

use super::{fail, names, refuse, say};
use crate::cli::{ConfigArgs, Exit, StateAction, StateArgs};
use crate::clock::SystemClock;
use crate::ledger::admin::{self, Filter, Moved};
use crate::model::Clock as _;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub(super) fn state(args: &StateArgs) -> Exit {
    let directory = match &args.path {
        Some(path) => path.clone(),
        None => match super::load(&ConfigArgs { files: args.files.clone() }) {
            Ok(config) => config.state.path,
            Err(problems) => return refuse(&problems),
        },
    };
    let done = match &args.action {
        StateAction::Inspect { source, task } => {
            inspect(&directory, &Filter { source: source.clone(), task: task.clone() })
        }
        StateAction::Export => export(&directory),
        StateAction::Import { file } => import(&directory, file),
        StateAction::Verify => verify(&directory),
    };
    done.unwrap_or_else(|error| match error.downcast_ref::<io::Error>() {
        // A reader that has gone away does not make the answer wrong.
        Some(cause) if cause.kind() == ErrorKind::BrokenPipe => Exit::Success,
        _ => fail(&error),
    })
}

fn inspect(directory: &Path, filter: &Filter) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    admin::inspect(directory, &names(), SystemClock.now(), filter, &mut out)?;
    out.flush()?;
    Ok(Exit::Success)
}

fn export(directory: &Path) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    let moved = admin::export(directory, &names(), SystemClock.now(), &mut out)?;
    out.flush()?;
    tell("exported", moved);
    Ok(Exit::Success)
}

fn import(directory: &Path, file: &PathBuf) -> anyhow::Result<Exit> {
    let mut text: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).with_context(|| file.display().to_string())?))
    };
    let moved = admin::import(directory, &names(), SystemClock.now(), &mut text)
        .with_context(|| file.display().to_string())?;
    tell("imported", moved);
    Ok(Exit::Success)
}

fn verify(directory: &Path) -> anyhow::Result<Exit> {
    let problems = admin::verify(directory, &names(), SystemClock.now())?;
    if problems.is_empty() {
        return Ok(say("the state is sound\n"));
    }
    say(&problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
    Ok(Exit::Failure)
}

/// On standard error: standard output may be the export itself.
#[expect(clippy::print_stderr, reason = "whoever started the command reads standard error")]
fn tell(done: &str, moved: Moved) {
    let Moved { cells, tasks, runs, .. } = moved;
    eprintln!("{done} {cells} cells with {tasks} tasks and {runs} remembered runs");
}
