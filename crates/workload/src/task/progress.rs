//! A task in progress.

use workload_kernels::{Call, compute};

use super::exec::Exited;
use super::log::{Lines, Tail};
use crate::inputs::types::{Step, Task};
use crate::value::{bytes, digest_bytes};
use workload_kernels::rng::mix;

/// The state of a task between two stages of a pipeline.
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

/// A task in progress: its value, and the bytes that the previous step yielded.
pub(super) struct Progress<'a> {
    task: &'a Task,
    tasks: usize,
    snapshot: &'a [u64],
    pub(super) value: u64,
    pub(super) yielded: Option<Vec<u8>>,
    /// The receiver of the lines of its log, with the pattern `merge`.
    pub(super) lines: Option<&'a dyn Lines>,
}

impl<'a> Progress<'a> {
    pub(super) fn start(task: &'a Task, tasks: usize, snapshot: &'a [u64]) -> Progress<'a> {
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

    /// Continues from the end of another stage.
    pub(super) fn resume(&mut self, carried: Carried) {
        self.value = carried.value;
        self.yielded = carried.yielded;
    }

    /// Takes the state, to be resumed later.
    pub(super) fn pause(&mut self) -> Carried {
        Carried {
            value: self.value,
            yielded: self.yielded.take(),
        }
    }

    pub(super) fn into_carried(self) -> Carried {
        Carried {
            value: self.value,
            yielded: self.yielded,
        }
    }

    /// Ends a step that got these bytes.
    pub(super) fn got(&mut self, data: Vec<u8>) {
        self.value = mix(self.value ^ digest_bytes(&[&data]));
        self.yielded = Some(data);
    }

    /// Passes on the new lines of a log.
    pub(super) fn saw(&self, tail: &Tail) {
        if let Some(lines) = self.lines {
            lines.feed(self.task.index, tail.fresh(), tail.ended());
        }
    }

    /// Ends a step that ran a program.
    pub(super) fn exited(&mut self, exited: Exited) {
        self.value = mix(self.value ^ digest_bytes(&[&exited.code.to_le_bytes(), &exited.stdout]));
        self.yielded = Some(exited.stdout);
    }

    /// The place of the task, from 0.
    pub(super) fn index(&self) -> usize {
        self.task.index
    }

    /// Ends a step that called the function of a job.
    pub(super) fn called(&mut self, output: u64) {
        self.value = mix(self.value ^ output);
        self.yielded = None;
    }

    /// The standard input of a program.
    pub(super) fn stdin(&mut self) -> Vec<u8> {
        self.yielded
            .take()
            .unwrap_or_else(|| bytes(self.task.seed, 32))
    }

    /// Does a step that only computes. Returns whether the step is one of those.
    pub(super) fn step_in_place(&mut self, step: &Step) -> bool {
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
