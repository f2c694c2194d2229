//! Doing a task: the same steps blocking or async, to the same value.
//!
//! A task starts from a value, its seed, and each step makes a new one of it:
//!
//! | step | the value afterwards |
//! |---|---|
//! | `wait` | as before |
//! | `compute` | [`compute`] iterated |
//! | `fetch`, `read`, `tail` | `mix(value ^ digest_bytes(what was got))` |
//! | `exec` | `mix(value ^ digest_bytes(exit code, stdout))` |
//! | `kernel` | `mix(value ^ what the kernel returned)` |

mod asynchronous;
mod blocking;
mod exchange;
mod exec;
mod fetch;
mod log;
mod spare;

pub(crate) use asynchronous::async_into;
pub use asynchronous::{AsyncIo, Offload, run_async, run_in_place, run_offloading};
pub(crate) use blocking::blocking_into;
pub use blocking::{begin, read_head, run_blocking, run_stage};
pub use exchange::{response_buffer, response_limit};
pub use exec::{Exec, Exited, kill_group};
pub use fetch::{Fetch, FetchError};
pub(crate) use log::whole_lines;
pub use log::{Growth, LINE, LOOK, Lines, Log, Merge, Tail, answer};
pub use workload_kernels::compute;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::inputs::{Step, Task};
use crate::value::{bytes, digest_bytes, mix};
use workload_kernels::Call;

/// Where a task finds what its steps need. It can be written and read, to be handed to another process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The folder with the files to read.
    pub files: PathBuf,
    /// The origin server.
    pub origin: Option<SocketAddr>,
    /// The folder into which the origin server writes logs: that of the inputs. A log anywhere else
    /// is refused.
    #[serde(default)]
    pub logs: PathBuf,
}

/// Why a task has no output.
///
/// A boxed text, so that a result stays two words long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Box<str>);

impl Failure {
    /// A failure with these words; only the first line counts.
    pub fn new(words: impl fmt::Display) -> Failure {
        Failure(words.to_string().lines().next().unwrap_or_default().into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// The value of a task, or why there is none.
pub type Output = Result<u64, Failure>;

/// What a task carries from one stage of a pipeline to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    value: u64,
    yielded: Option<Vec<u8>>,
}

impl Carried {
    /// The value of the task so far; after its last stage, its output.
    pub fn value(&self) -> u64 {
        self.value
    }
}

/// A task as it goes on: its value, and the bytes that the step before yielded.
struct Progress<'a> {
    task: &'a Task,
    tasks: usize,
    snapshot: &'a [u64],
    value: u64,
    yielded: Option<Vec<u8>>,
    /// Where the lines of its log go, with the pattern `merge`.
    lines: Option<&'a dyn Lines>,
}

impl<'a> Progress<'a> {
    fn start(task: &'a Task, tasks: usize, snapshot: &'a [u64]) -> Progress<'a> {
        let value = snapshot.get(task.index).copied().unwrap_or(task.seed);
        Progress {
            task,
            tasks,
            snapshot,
            value,
            yielded: None,
            lines: None,
        }
    }

    /// Go on from the end of another stage.
    fn take_up(&mut self, carried: Carried) {
        self.value = carried.value;
        self.yielded = carried.yielded;
    }

    /// What it carries, to be taken up again; it is done somewhere else meanwhile.
    fn pause(&mut self) -> Carried {
        Carried {
            value: self.value,
            yielded: self.yielded.take(),
        }
    }

    fn put_down(self) -> Carried {
        Carried {
            value: self.value,
            yielded: self.yielded,
        }
    }

    fn got(&mut self, data: Vec<u8>) {
        self.value = mix(self.value ^ digest_bytes(&[&data]));
        self.yielded = Some(data);
    }

    /// What a look at a log found is handed on at once.
    fn saw(&self, tail: &Tail) {
        if let Some(lines) = self.lines {
            lines.feed(self.task.index, tail.fresh(), tail.ended());
        }
    }

    fn exited(&mut self, exited: Exited) {
        self.value = mix(self.value ^ digest_bytes(&[&exited.code.to_le_bytes(), &exited.stdout]));
        self.yielded = Some(exited.stdout);
    }

    /// What a program gets on its standard input.
    fn stdin(&mut self) -> Vec<u8> {
        self.yielded
            .take()
            .unwrap_or_else(|| bytes(self.task.seed, 32))
    }

    /// Does a step that neither waits nor touches the outside; true if the step was one of those.
    fn step_in_place(&mut self, step: &Step) -> bool {
        match step {
            Step::Compute { iterations } => self.value = compute(self.value, *iterations),
            Step::Kernel(kernel) => {
                let call = Call {
                    index: self.task.index,
                    tasks: self.tasks,
                    value: self.value,
                    snapshot: self.snapshot,
                };
                self.value = mix(self.value ^ (kernel.run)(call));
            }
            _ => return false,
        }
        self.yielded = None;
        true
    }
}

fn file_path(surroundings: &Surroundings, file: &str) -> PathBuf {
    surroundings.files.join(Path::new(file))
}

fn no_origin() -> Failure {
    Failure::new("the task asks the origin server, but none was named when the workload was loaded")
}
