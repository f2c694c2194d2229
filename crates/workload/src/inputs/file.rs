//! The inputs file: a header, then one task per line, each a JSON object.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::exact::exact;
use super::limits;
use super::types::{Header, Inputs, Task};
use crate::regular;

/// The reason why an inputs file cannot be used.
#[derive(Debug)]
pub enum InputsError {
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// A line is invalid.
    Line(PathBuf, usize, String),
    /// It has fewer or more tasks than its header says.
    Count {
        /// The file.
        path: PathBuf,
        /// The number in the header.
        expected: usize,
        /// The number of tasks found.
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
/// Errors of the writer.
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
/// If the file cannot be read or is not a regular file, a line is invalid, tasks are missing, out
/// of order or too many, or a value exceeds the limits of a definition. Every number is checked
/// before it leads to an allocation or a wait.
pub fn read(path: &Path) -> Result<Inputs, InputsError> {
    let io_error = |error| InputsError::Io(path.to_owned(), error);
    read_from(BufReader::new(regular::open(path).map_err(io_error)?), path)
}

/// Like [`read`], from an open reader. Errors name `path`.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(reader: impl BufRead, path: &Path) -> Result<Inputs, InputsError> {
    let bad = |line: usize, what: String| InputsError::Line(path.to_owned(), line + 1, what);
    let mut lines = Lines::new(reader, path);
    let first = lines
        .next()
        .ok_or_else(|| bad(0, "the file is empty".to_owned()))??;
    let header: Header = serde_json::from_str(&first).map_err(|error| bad(0, error.to_string()))?;
    limits::header(&header).map_err(|what| bad(0, what))?;
    // The allocation does not depend on the header alone.
    let mut tasks: Vec<Task> = Vec::with_capacity(header.tasks.min(1 << 16));
    let mut totals = limits::Totals::default();
    while let Some(line) = lines.next() {
        let line = line?;
        let number = tasks.len() + 1;
        if tasks.len() == header.tasks {
            // Counted, but not kept.
            let more = lines.try_fold(1, |more, line| line.map(|_| more + 1))?;
            return Err(count(path, &header, tasks.len() + more));
        }
        let mut task: Task =
            serde_json::from_str(&line).map_err(|error| bad(number, error.to_string()))?;
        task.steps = exact(task.steps);
        task.stages = exact(task.stages);
        if task.index != tasks.len() {
            return Err(bad(
                number,
                format!(
                    "task {} is in the place of task {}",
                    task.index,
                    tasks.len()
                ),
            ));
        }
        limits::task(&task, header.pattern, &mut totals).map_err(|what| bad(number, what))?;
        tasks.push(task);
    }
    if tasks.len() != header.tasks {
        return Err(count(path, &header, tasks.len()));
    }
    Ok(Inputs { header, tasks })
}

fn count(path: &Path, header: &Header, found: usize) -> InputsError {
    InputsError::Count {
        path: path.to_owned(),
        expected: header.tasks,
        found,
    }
}

/// The lines of a file, none longer than [`limits::LONGEST_LINE`].
struct Lines<'a, R> {
    reader: R,
    path: &'a Path,
    seen: usize,
}

impl<'a, R: BufRead> Lines<'a, R> {
    fn new(reader: R, path: &'a Path) -> Self {
        Lines {
            reader,
            path,
            seen: 0,
        }
    }
}

impl<R: BufRead> Iterator for Lines<'_, R> {
    type Item = Result<String, InputsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.seen += 1;
        let mut line = String::new();
        let limited = &mut (&mut self.reader).take(limits::LONGEST_LINE + 1);
        match limited.read_line(&mut line) {
            Ok(0) => None,
            Ok(length) if length as u64 > limits::LONGEST_LINE => {
                let what = format!("a line of more than {} bytes", limits::LONGEST_LINE);
                Some(Err(InputsError::Line(
                    self.path.to_owned(),
                    self.seen,
                    what,
                )))
            }
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(InputsError::Io(self.path.to_owned(), error))),
        }
    }
}
