//! A workload definition, already validated.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::replay::Replay;
use super::scale::Scale;

/// The memory that a program and its arguments take as a list of strings, in bytes.
pub(crate) fn argument_bytes(command: &[String]) -> u64 {
    const OVERHEAD: u64 = 40;
    command.iter().fold(0, |sum: u64, part| {
        sum.saturating_add(part.len() as u64 + OVERHEAD)
    })
}

/// A workload: a list of tasks, each a list of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// `[a-z0-9-]+`, as in every table.
    pub name: String,
    /// One sentence for people; may be empty.
    pub about: String,
    /// How the tasks are combined.
    pub pattern: Pattern,
    /// The number of tasks: 1 to [`Definition::MAX_TASKS`].
    pub tasks: usize,
    /// The seed of all randomness.
    pub seed: u64,
    /// The Items of *Effective Python* (second edition) that it illustrates.
    pub items: Vec<u8>,
    /// Variants to show by default beside each model's default one: `model/variant`.
    pub show: Vec<String>,
    /// At least one; none if the tasks are replayed.
    pub steps: Vec<Step>,
    /// The recorded tasks that this workload's tasks are drawn from, in place of `steps`.
    pub replay: Option<Replay>,
    /// Factors of all times: [`Scale::ONE`] in a parsed definition.
    pub scale: Scale,
}

impl Definition {
    /// The largest number of tasks that is accepted.
    pub const MAX_TASKS: usize = 10_000_000;

    /// The programs that its `exec` steps start, each once, in order of appearance.
    pub fn programs(&self) -> Vec<&str> {
        let mut programs = Vec::new();
        for step in &self.steps {
            if let Action::Exec { command, .. } = &step.action
                && !programs.contains(&command[0].as_str())
            {
                programs.push(command[0].as_str());
            }
        }
        programs
    }

    /// Whether any step needs the origin server: it fetches, or follows a log that the server
    /// writes.
    pub fn fetches(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::Fetch { .. } | Action::Tail { .. }))
    }

    /// Whether any step reads a file.
    pub fn reads(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::Read { .. }))
    }
}

/// How the tasks of a workload are combined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// Independent tasks; the outputs in input order.
    Map,
    /// The same tasks once per generation, each of which starts from the values of the previous
    /// one.
    Rounds {
        /// The number of generations: at least 1.
        generations: u32,
    },
    /// Each task passes through stages, with a bounded buffer between two of them.
    Pipeline {
        /// The capacity of each buffer: at least 1.
        buffer: usize,
    },
    /// Independent tasks; the sum of the outputs.
    Fold,
    /// Independent tasks; the number of outputs for each key, see [`crate::value::key`]. In the
    /// definition file it is `fold` with `keys`.
    Histogram {
        /// The number of keys: at least 1.
        keys: usize,
    },
    /// Each task follows a log; after the outputs in input order there is one more, for all lines
    /// ordered by time.
    Merge,
    /// Requests that arrive at a fixed rate.
    Serve {
        /// The number of open sessions.
        sessions: usize,
        /// Requests per second.
        rate: f64,
        /// The duration in seconds.
        seconds: f64,
        /// The dialogue on a connection.
        #[serde(default)]
        talk: Talk,
    },
}

/// The dialogue between clients and servers with the pattern `serve`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Talk {
    /// `TASK index`, answered by the task's output.
    #[default]
    Tasks,
    /// Rounds of guessing numbers, as in Item 61: a request is a round, and the steps of a task
    /// precede each guess.
    Guess,
}

impl Pattern {
    /// Its name in the definition file.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Map => "map",
            Pattern::Rounds { .. } => "rounds",
            Pattern::Pipeline { .. } => "pipeline",
            Pattern::Fold | Pattern::Histogram { .. } => "fold",
            Pattern::Merge => "merge",
            Pattern::Serve { .. } => "serve",
        }
    }
}

/// The number of requests: at least one.
pub fn requests(rate: f64, seconds: f64) -> usize {
    ((rate * seconds).round() as usize).max(1)
}

/// One step of a task, and the tasks that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The action of the step.
    pub action: Action,
    /// The kind of task that has this step; `None`: every task has it.
    pub kind: Option<String>,
    /// The share of that kind among the tasks, relative to the other kinds' weights.
    pub weight: f64,
    /// The stage of a pipeline that does this step.
    pub stage: Option<usize>,
}

/// The action of a step. Durations are in nanoseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Wait without using the CPU.
    Wait(Distribution),
    /// Use the CPU for about this long; becomes a number of iterations.
    Compute(Distribution),
    /// Get this many bytes from the origin server, which answers after `delay`.
    Fetch {
        /// Bytes of the body.
        bytes: Distribution,
        /// How long the server waits before it answers.
        delay: Option<Distribution>,
    },
    /// Read and digest this many bytes of a file made for the run.
    Read(Distribution),
    /// Follow a log that grows to this many bytes, in whole lines, while it is read.
    Tail {
        /// Its final length.
        bytes: Distribution,
        /// How long it grows.
        over: Option<Distribution>,
    },
    /// Run a program: its name and arguments, never through a shell.
    Exec {
        /// Program and arguments: at least the program.
        command: Vec<String>,
        /// The time after which it is killed.
        timeout: Option<Distribution>,
    },
    /// Call a kernel.
    Kernel(String),
    /// Call the function of a job. No definition file says this: `cargo xtask compare --job` does.
    Job,
}
