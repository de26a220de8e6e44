//! A state from the text that `export` wrote.

use super::export::{FORMAT, VERSION};
use super::{AdminError, Moved};
use crate::ledger::Names;
use crate::ledger::codec::{Field, Malformed};
use crate::ledger::embedded::{Closed, Found};
use crate::model::{RestoredCell, SeenRun, Timestamp};
use serde_json::Value;
use std::io::BufRead;
use std::path::Path;

/// Makes a state of `text` in `directory`, which must not hold one. All of it, or nothing.
///
/// # Errors
/// The directory is in use or holds a state, or the text is not whole.
pub fn import(
    directory: &Path,
    names: &Names,
    now: Timestamp,
    text: &mut dyn BufRead,
) -> Result<Moved, AdminError> {
    let closed = Closed::take(directory)?;
    if !matches!(closed.read(names, now)?, Found::Nothing) {
        return Err(AdminError::Occupied(directory.into()));
    }
    let mut draft = Draft { names, created: None, cells: Vec::new(), moved: Moved::default(), ended: false };
    let mut line = 0;
    for text in text.lines() {
        line += 1;
        let text = text?;
        let value = serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"));
        value.and_then(|value| draft.take(&value)).map_err(|why| AdminError::Text { line, why })?;
    }
    let Some(created) = draft.created.filter(|_| draft.ended) else {
        return Err(AdminError::Text { line, why: "the text ends before its last line".into() });
    };
    closed.create(&draft.cells, created)?;
    closed.hand_over()?;
    Ok(draft.moved)
}

struct Draft<'n> {
    names: &'n Names,
    created: Option<Timestamp>,
    cells: Vec<RestoredCell>,
    moved: Moved,
    ended: bool,
}

impl Draft<'_> {
    fn take(&mut self, line: &Value) -> Result<(), String> {
        if self.ended {
            return Err("there is more after the last line".into());
        }
        match line.as_object().and_then(|line| line.keys().find(|key| WORDS.contains(&key.as_str()))) {
            Some(word) if word == "format" => self.header(line),
            Some(_) if self.created.is_none() => Err(format!("the text does not begin with {FORMAT:?}")),
            Some(word) if word == "cell" => self.cell(line),
            Some(word) if word == "end" => self.end(line),
            Some(word) => self.part(word, line),
            None => Err("a line of no known kind".into()),
        }
    }

    fn header(&mut self, line: &Value) -> Result<(), String> {
        match (line["format"].as_str(), line["version"].as_u64()) {
            (Some(FORMAT), Some(VERSION)) if self.created.is_none() => {}
            (Some(FORMAT), Some(version)) if version > VERSION => {
                return Err(format!("it is of version {version}, made by a later version of this program"));
            }
            _ => return Err(format!("not the first line of a {FORMAT:?}")),
        }
        self.created = Some(self.read(line, "created")?);
        Ok(())
    }

    fn cell(&mut self, line: &Value) -> Result<(), String> {
        let (key, meta) = (self.read(line, "cell")?, self.read(line, "meta")?);
        if self.cells.iter().any(|cell| cell.key == key) {
            return Err(format!("{key} stands in it twice"));
        }
        self.cells.push(RestoredCell { key, meta, tasks: Vec::new(), seen: Vec::new(), items: Vec::new() });
        self.moved.cells += 1;
        Ok(())
    }

    fn part(&mut self, word: &str, line: &Value) -> Result<(), String> {
        let Some(mut cell) = self.cells.pop() else { return Err("it comes before any cell".into()) };
        match word {
            "task" => {
                cell.tasks.push((self.read(line, "task")?, self.read(line, "record")?));
                self.moved.tasks += 1;
            }
            "item" => {
                cell.items.push((self.read(line, "item")?, self.read(line, "record")?));
                self.moved.items += 1;
            }
            _ => {
                cell.seen.push(SeenRun::new(self.read(line, "run")?, self.read(line, "seen")?));
                self.moved.runs += 1;
            }
        }
        self.cells.push(cell);
        Ok(())
    }

    fn end(&mut self, line: &Value) -> Result<(), String> {
        let said = |what: &str| line["end"][what].as_u64();
        let Moved { cells, tasks, runs, items } = self.moved;
        let all = [("cells", cells), ("tasks", tasks), ("runs", runs), ("items", items)];
        if let Some((what, found)) = all.into_iter().find(|(what, found)| said(what) != Some(*found)) {
            return Err(format!("{found} {what} were read, and that is not the number written here"));
        }
        self.ended = true;
        Ok(())
    }

    fn read<T: Field>(&self, line: &Value, name: &'static str) -> Result<T, String> {
        T::read(&line[name], self.names)
            .map_err(|error| Malformed::At(name, Box::new(error)))
            .map_err(|error| error.to_string())
    }
}

/// The words by which a line is known.
const WORDS: [&str; 6] = ["format", "cell", "task", "item", "run", "end"];
