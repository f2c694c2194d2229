//! The table `[replay]`, and the trace that it names.

use std::io::BufReader;
use std::path::Path;

use super::super::limits::MOST_STEPS;
use super::super::replay::Replay;
use super::super::scale::Scale;
use super::super::types::{Definition, Pattern};
use super::error::DefinitionError;
use super::name::is_name;
use super::surroundings::Surroundings;
use super::table::{Entry, Table, grouped};
use super::trace::read_trace;
use crate::regular;

/// The name of a workload that is a trace with a name of its own that no workload can have.
const REPLAY: &str = "replay";

/// The recorded tasks, if the definition replays any.
pub(super) fn replay(
    root: &Table<'_>,
    pattern: Pattern,
    surroundings: &Surroundings<'_>,
) -> Result<Option<Replay>, DefinitionError> {
    let Some(entry) = root.get("replay") else {
        return Ok(None);
    };
    let example = "file = \"orders.jsonl\"";
    let table = entry.table(&format!("write a table [replay] with {example}"))?;
    table.allow(&["file"])?;
    let file = table.require("file", example)?;
    if let Some(step) = root.get("step") {
        return Err(step.misplaced(
            "this file has both `step` and `replay`",
            "keep one: the steps of replayed tasks come from the trace",
        ));
    }
    if matches!(pattern, Pattern::Pipeline { .. } | Pattern::Merge) {
        return Err(entry.misplaced(
            format!(
                "`replay` is not allowed with pattern = \"{}\"",
                pattern.name()
            ),
            "write pattern = \"map\", \"fold\", \"rounds\" or \"serve\"",
        ));
    }
    load(&file, surroundings).map(Some)
}

fn load(file: &Entry<'_>, surroundings: &Surroundings<'_>) -> Result<Replay, DefinitionError> {
    let remedy = "write the path of a recorded trace, starting from the folder of this file";
    let text = file.text(remedy)?;
    if text.is_empty() || text.contains('\0') {
        return Err(file.wrong(remedy));
    }
    let Some(folder) = surroundings.folder else {
        return Err(file.wrong_because(
            "a definition that is not in a file cannot name another one",
            "save the definition as a file, and name that",
        ));
    };
    let path = folder.join(text);
    let opened = regular::open(&path)
        .map_err(|error| file.wrong_because(&format!("cannot read it: {error}"), remedy))?;
    read_trace(BufReader::new(opened), &path.to_string_lossy())
}

/// The number of tasks of a definition that replays.
pub(super) fn tasks(root: &Table<'_>, replay: &Replay) -> Result<u64, DefinitionError> {
    let most = (MOST_STEPS / replay.most_steps()).min(Definition::MAX_TASKS as u64);
    let Some(count) = root.get("tasks") else {
        return Ok(replay.usual_tasks().min(most));
    };
    let tasks = count.whole(1..=Definition::MAX_TASKS as u64)?;
    if tasks > most {
        return Err(count.wrong_because(
            &format!(
                "{} recorded tasks of up to {} steps are more than {} steps",
                grouped(tasks),
                replay.most_steps(),
                grouped(MOST_STEPS)
            ),
            format!("keep to {} tasks", grouped(most)),
        ));
    }
    Ok(tasks)
}

/// The workload that replays this trace as independent tasks, with the name of the file.
///
/// # Errors
///
/// As [`read_trace`], and when the file cannot be read.
pub fn of_trace(path: &Path) -> Result<Definition, DefinitionError> {
    let place = path.to_string_lossy();
    let opened = regular::open(path).map_err(|error| {
        let problem = format!("cannot read it: {error}");
        DefinitionError::whole_file(&place, problem, "give the path of a recorded trace")
    })?;
    let replay = read_trace(BufReader::new(opened), &place)?;
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    Ok(Definition {
        name: stem
            .filter(|stem| is_name(stem))
            .unwrap_or(REPLAY)
            .to_owned(),
        about: String::new(),
        pattern: Pattern::Map,
        tasks: replay.usual_tasks() as usize,
        seed: 0,
        items: Vec::new(),
        show: Vec::new(),
        steps: Vec::new(),
        replay: Some(replay),
        scale: Scale::ONE,
    })
}
