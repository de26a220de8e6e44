//! The whole state as text: one JSON object a line.
//!
//! A header; then for each cell its line, and after it the lines of its tasks, items and remembered runs; at the end a
//! line of counts, without which a text is not whole.

use super::{AdminError, Moved, read};
use crate::ledger::Names;
use crate::ledger::codec::Field;
use crate::model::{RestoredCell, Timestamp};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// What the header calls the format.
pub(super) const FORMAT: &str = "taskrun-exporter-state";

/// The version of the lines.
pub(super) const VERSION: u64 = 1;

/// Writes the state in `directory` to `out`.
///
/// # Errors
/// The directory is in use, empty or damaged, or `out` cannot be written.
pub fn export(
    directory: &Path,
    names: &Names,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<Moved, AdminError> {
    let (contents, whole) = read(directory, names, now)?;
    if !whole {
        return Err(AdminError::Damaged(contents.problems.join("; ")));
    }
    if let Some(kind) = contents.foreign.first() {
        return Err(AdminError::Damaged(format!(
            "it holds sources of kind {kind:?}, which this program does not have"
        )));
    }
    let created = contents.created.unwrap_or(now);
    let mut moved = Moved::default();
    line(out, &json!({ "format": FORMAT, "version": VERSION, "created": created.show() }))?;
    for cell in &contents.restored.cells {
        write_cell(out, cell, &mut moved)?;
    }
    let Moved { cells, tasks, runs, items } = moved;
    line(out, &json!({ "end": { "cells": cells, "tasks": tasks, "runs": runs, "items": items } }))?;
    out.flush()?;
    Ok(moved)
}

fn write_cell(out: &mut dyn Write, cell: &RestoredCell, moved: &mut Moved) -> io::Result<()> {
    moved.cells += 1;
    line(out, &json!({ "cell": cell.key.show(), "meta": cell.meta.show() }))?;
    for (key, record) in &cell.tasks {
        moved.tasks += 1;
        line(out, &json!({ "task": key.show(), "record": record.show() }))?;
    }
    for (id, record) in &cell.items {
        moved.items += 1;
        line(out, &json!({ "item": id.show(), "record": record.show() }))?;
    }
    for seen in &cell.seen {
        moved.runs += 1;
        line(out, &json!({ "run": seen.run.show(), "seen": seen.seen().show() }))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
