//! The file of a trace: lines of tasks, their number and checksum, and the first error.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lines::{Lines, checksum};

/// The version of the format, in the first line.
const VERSION: u32 = 1;

/// The most tasks that a trace holds. Batches beyond them are counted.
pub(crate) const MOST_TASKS: u64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Sink {
    path: PathBuf,
    /// A forked child shares the file, but not the duty to write to it.
    process: u32,
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    written: u64,
    over: u64,
    checksum: u64,
    error: Option<io::Error>,
}

/// The numbers in the last line that the file itself does not know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) unfinished: u64,
    pub(crate) nested: u64,
}

/// The numbers in the last line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) tasks: u64,
    /// Tasks that the file had no room for.
    pub(crate) over: u64,
    pub(crate) counts: Counts,
}

impl Sink {
    /// Creates the file, or empties it, and writes its first line.
    pub(crate) fn create(path: &Path) -> io::Result<Sink> {
        let mut file = File::create(path)?;
        let header =
            format!("{{\"job_trace\":{VERSION},\"clock\":\"monotonic\",\"unit\":\"ns\"}}\n");
        file.write_all(header.as_bytes())?;
        Ok(Sink {
            path: path.to_owned(),
            process: std::process::id(),
            is_open: AtomicBool::new(true),
            state: Mutex::new(State {
                file,
                written: 0,
                over: 0,
                checksum: checksum(header.trim_end().as_bytes()),
                error: None,
            }),
        })
    }

    /// Whether this is the process that made the file.
    pub(crate) fn is_mine(&self) -> bool {
        self.process == std::process::id()
    }

    /// Whether tasks are recorded: not after the end, nor after an error.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Lets further tasks run unrecorded.
    pub(crate) fn close(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// Writes whole lines of tasks in one piece. After an error, or in a forked child, it discards
    /// them.
    pub(crate) fn write(&self, lines: &Lines) {
        if !self.is_mine() {
            return self.close();
        }
        let mut state = self.state();
        if state.error.is_some() {
            return;
        }
        if state.written + lines.count > MOST_TASKS {
            state.over += lines.count;
            return;
        }
        state.written += lines.count;
        state.checksum = state.checksum.wrapping_add(lines.checksum);
        if let Err(error) = state.file.write_all(&lines.text) {
            state.error = Some(error);
            self.close();
        }
    }

    /// Writes the last line, with what `counts` makes of the number of tasks that have ended.
    ///
    /// # Errors
    ///
    /// The first error of any write, with the path.
    pub(crate) fn finish(&self, counts: impl FnOnce(u64) -> Counts) -> io::Result<Written> {
        let mut state = self.state();
        if let Some(error) = state.error.take() {
            return Err(self.incomplete(&error));
        }
        let (tasks, over) = (state.written, state.over);
        let counts = counts(tasks + over);
        let footer = format!(
            "{{\"tasks\":{tasks},\"unfinished\":{},\"nested\":{},\"over\":{over},\"checksum\":\"{:016x}\"}}\n",
            counts.unfinished, counts.nested, state.checksum
        );
        match state.file.write_all(footer.as_bytes()) {
            Ok(()) => Ok(Written {
                tasks,
                over,
                counts,
            }),
            Err(error) => Err(self.incomplete(&error)),
        }
    }

    fn incomplete(&self, error: &io::Error) -> io::Error {
        let text = format!("{}: the trace is incomplete: {error}", self.path.display());
        io::Error::new(error.kind(), text)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
