//! The parser: from the text of a file to a [`Definition`], or to a one-line error.

mod amount;
mod error;
mod name;
mod nearest;
mod pattern;
mod replay;
mod step;
mod surroundings;
mod table;
mod tasks;
mod trace;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toml::de::DeTable;

pub use error::DefinitionError;
use error::Source;
use name::{NAME_REMEDY, is_name};
pub use replay::of_trace;
use surroundings::Surroundings;
use table::Table;
pub use trace::read_trace;

use super::scale::Scale;
use super::types::{Definition, Pattern, Step};

const KEYS: [&str; 13] = [
    "name", "about", "pattern", "tasks", "seed", "items", "show", "step", "rounds", "pipeline",
    "fold", "serve", "replay",
];

/// The limit on the size of a definition; a larger file must be something else.
const MAX_BYTES: u64 = 1024 * 1024;

const MAX_STEPS: usize = 1000;

/// Reads a definition from its text; `place` is the name that errors give to the file.
///
/// The result depends on the text alone: whether the programs of `exec` steps exist is not checked,
/// and a text that replays a trace is refused, since it has no folder to look for the trace in.
///
/// # Errors
///
/// One line that says where the text is wrong, how, and what to do.
///
/// ```
/// let text = "name = \"orders\"\npattern = \"mapp\"\n";
/// let error = workload::definition::parse(text, "orders.toml").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "orders.toml:2:11: `pattern` is \"mapp\"; did you mean `map`? \
///      allowed: map, rounds, pipeline, fold, merge, serve",
/// );
/// ```
pub fn parse(text: &str, place: &str) -> Result<Definition, DefinitionError> {
    parse_with(text, place, &Surroundings::default())
}

/// Reads a definition from a file.
///
/// # Errors
///
/// As [`parse`], and when the file cannot be read, is not UTF-8 or is larger than 1 MiB. A trace
/// that it replays is read as well, by [`read_trace`].
pub fn load(path: &Path) -> Result<Definition, DefinitionError> {
    load_with_programs(path, |_| true)
}

/// Reads a definition from a file and refuses it if it runs a program that does not exist.
///
/// `program_exists` gets the first element of `exec` and looks it up as it will be started.
///
/// # Errors
///
/// As [`load`], and for a missing program, with the place that names it.
pub fn load_with_programs(
    path: &Path,
    program_exists: impl Fn(&str) -> bool,
) -> Result<Definition, DefinitionError> {
    let place = path.to_string_lossy();
    let surroundings = Surroundings {
        program_exists: &program_exists,
        folder: Some(path.parent().unwrap_or(Path::new(""))),
    };
    parse_with(&read(path, &place)?, &place, &surroundings)
}

fn read(path: &Path, place: &str) -> Result<String, DefinitionError> {
    let mut bytes = Vec::new();
    // One byte above the limit shows that a file is too large, even if it has no size or no end.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            DefinitionError::whole_file(
                place,
                format!("cannot read it: {error}"),
                "give the path of a workload file",
            )
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        let problem = "it is larger than 1 MiB";
        return Err(DefinitionError::whole_file(
            place,
            problem,
            "give the path of a workload file",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid_up_to = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let source = Source {
            file: place,
            text: &text,
        };
        source.error(
            valid_up_to..valid_up_to,
            "this is not UTF-8 text",
            "save the file as UTF-8",
        )
    })
}

fn parse_with(
    text: &str,
    place: &str,
    surroundings: &Surroundings<'_>,
) -> Result<Definition, DefinitionError> {
    let source = Source { file: place, text };
    let document = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let found = match source.quote(span.clone()).as_str() {
            "" | "…" => String::new(),
            quote => format!(" at `{quote}`"),
        };
        let problem = format!("this is not TOML: {}{found}", error.message());
        source.error(span, problem, "correct the syntax (https://toml.io)")
    })?;
    if document.get_ref().is_empty() {
        let remedy = "write at least name, pattern, tasks and one [[step]]";
        return Err(source.error(0..0, "the file is empty", remedy));
    }
    let root = Table::new(source, document.span(), document.get_ref());
    definition(&root, surroundings)
}

fn definition(
    root: &Table<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<Definition, DefinitionError> {
    root.allow(&KEYS)?;
    let name = name(root)?;
    let about = about(root)?;
    let pattern = pattern::pattern(root)?;
    let seed = root
        .get("seed")
        .map_or(Ok(0), |entry| entry.whole(0..=i64::MAX as u64))?;
    let items = items(root)?;
    let show = show(root)?;

    let replay = replay::replay(root, pattern, surroundings)?;
    let (tasks, steps) = match &replay {
        Some(replay) => (replay::tasks(root, replay)?, Vec::new()),
        None => {
            let count = root.require("tasks", "tasks = 200")?;
            let tasks = count.whole(1..=Definition::MAX_TASKS as u64)?;
            let steps = steps(root, pattern, surroundings)?;
            tasks::fit_memory(&count, tasks, &steps)?;
            (tasks, steps)
        }
    };

    Ok(Definition {
        name,
        about,
        pattern,
        tasks: tasks as usize,
        seed,
        items,
        show,
        steps,
        replay,
        scale: Scale::ONE,
    })
}

fn steps(
    root: &Table<'_>,
    pattern: Pattern,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<Step>, DefinitionError> {
    let remedy = "write each step as a table [[step]], with two brackets";
    let steps = root.require("step", "[[step]] with wait = \"3ms\"")?;
    let tables = steps.array(remedy)?;
    if tables.is_empty() {
        return Err(steps.wrong("write at least one [[step]]"));
    }
    if tables.len() > MAX_STEPS {
        return Err(steps.misplaced(
            format!("a task of {} steps", tables.len()),
            format!("keep to {MAX_STEPS}"),
        ));
    }
    let pipeline = matches!(pattern, Pattern::Pipeline { .. });
    let mut written = Vec::with_capacity(tables.len());
    for table in tables {
        written.push(step::step(
            &table.table(remedy)?,
            pipeline,
            surroundings.program_exists,
        )?);
    }
    let completed = tasks::complete(written, pipeline)?;
    if pattern == Pattern::Merge
        && let Some(written) = root.get("pattern")
    {
        tasks::one_log(&written, &completed)?;
    }
    Ok(completed)
}

fn name(root: &Table<'_>) -> Result<String, DefinitionError> {
    let entry = root.require("name", "name = \"orders\"")?;
    let name = entry.text(NAME_REMEDY)?;
    if !is_name(name) {
        return Err(entry.wrong(NAME_REMEDY));
    }
    Ok(name.to_owned())
}

fn about(root: &Table<'_>) -> Result<String, DefinitionError> {
    let Some(entry) = root.get("about") else {
        return Ok(String::new());
    };
    let remedy = "write one sentence as a string on one line";
    let about = entry.text(remedy)?;
    if about.chars().any(char::is_control) {
        return Err(entry.wrong(remedy));
    }
    Ok(about.to_owned())
}

fn items(root: &Table<'_>) -> Result<Vec<u8>, DefinitionError> {
    let Some(entry) = root.get("items") else {
        return Ok(Vec::new());
    };
    let items = entry.array("write the numbers of Items, such as [53, 60]")?;
    items
        .iter()
        .map(|item| item.whole(52..=79).map(|item| item as u8))
        .collect()
}

fn show(root: &Table<'_>) -> Result<Vec<String>, DefinitionError> {
    let Some(entry) = root.get("show") else {
        return Ok(Vec::new());
    };
    let remedy = "write variants as model/variant, such as [\"threads/limited\"]";
    let mut show = Vec::new();
    for variant in entry.array(remedy)? {
        let text = variant.text(remedy)?;
        match text.split_once('/') {
            Some((model, variant)) if is_name(model) && is_name(variant) => {
                show.push(text.to_owned());
            }
            _ => return Err(variant.wrong(remedy)),
        }
    }
    Ok(show)
}
