//! Inputs as a file: a header, then a task a line, each a JSON object.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::{Inputs, Step, Task, exact};

/// Why an inputs file cannot be used.
#[derive(Debug)]
pub enum InputsError {
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// A line is not what it should be: its number, from 1, and what is wrong.
    Line(PathBuf, usize, String),
    /// It has fewer or more tasks than its header says.
    Count {
        /// The file.
        path: PathBuf,
        /// What the header says.
        expected: usize,
        /// What there is.
        found: usize,
    },
}

impl fmt::Display for InputsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputsError::Io(path, error) => {
                write!(f, "{}: cannot be read: {error}", path.display())
            }
            InputsError::Line(path, line, what) => write!(f, "{}:{line}: {what}", path.display()),
            InputsError::Count {
                path,
                expected,
                found,
            } => {
                write!(
                    f,
                    "{}: its header announces {expected} tasks, but it has {found}",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for InputsError {}

/// Writes inputs as lines.
///
/// # Errors
///
/// Whatever the writer returns.
pub fn write(inputs: &Inputs, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut writer, &inputs.header)?;
    writer.write_all(b"\n")?;
    for task in &inputs.tasks {
        serde_json::to_writer(&mut writer, task)?;
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

/// Reads what [`write()`] wrote.
///
/// # Errors
///
/// When the file cannot be read, a line is not understood, or tasks are missing, out of order or too many.
pub fn read(path: &Path) -> Result<Inputs, InputsError> {
    let io_error = |error| InputsError::Io(path.to_owned(), error);
    let mut lines = BufReader::new(File::open(path).map_err(io_error)?)
        .lines()
        .enumerate();
    let bad = |line: usize, what: String| InputsError::Line(path.to_owned(), line + 1, what);
    let (_, first) = lines
        .next()
        .ok_or_else(|| bad(0, "the file is empty".to_owned()))?;
    let header: super::Header = serde_json::from_str(&first.map_err(io_error)?)
        .map_err(|error| bad(0, error.to_string()))?;
    // The header is not trusted with an allocation.
    let mut tasks: Vec<Task> = Vec::with_capacity(header.tasks.min(1 << 16));
    for (number, line) in lines {
        let mut task: Task = serde_json::from_str(&line.map_err(io_error)?)
            .map_err(|error| bad(number, error.to_string()))?;
        task.steps = exact(task.steps);
        task.stages = exact(task.stages);
        if task.index != tasks.len() {
            return Err(bad(
                number,
                format!(
                    "task {} stands where task {} belongs",
                    task.index,
                    tasks.len()
                ),
            ));
        }
        let runs_nothing =
            |step: &Step| matches!(step, Step::Exec { command, .. } if command.is_empty());
        if task.steps.iter().any(runs_nothing) {
            return Err(bad(number, "an `exec` step without a program".to_owned()));
        }
        tasks.push(task);
    }
    if tasks.len() != header.tasks {
        return Err(InputsError::Count {
            path: path.to_owned(),
            expected: header.tasks,
            found: tasks.len(),
        });
    }
    Ok(Inputs { header, tasks })
}
