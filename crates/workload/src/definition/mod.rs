//! What a workload is, as its TOML file says it.
//!
//! The types here hold a definition that is already valid: [`parse`] and [`load`] are the only ways to
//! make one from text, and both say in one line what is wrong and what to do.

mod builtin;
mod distribution;
mod parse;
mod units;

pub use builtin::{builtin, builtins};
pub use distribution::Distribution;
pub use parse::{DefinitionError, load, load_with_programs, parse};

use serde::{Deserialize, Serialize};

/// The longest duration a task may have, in nanoseconds: an hour.
pub const LONGEST_NS: u64 = 3_600_000_000_000;

/// The largest size a task may have, in bytes: a gibibyte.
pub const LARGEST_BYTES: u64 = 1 << 30;

/// The most keys of a histogram.
pub const MOST_KEYS: u64 = 1_000_000;

/// The most generations of a workload with the pattern `rounds`.
pub const MOST_GENERATIONS: u64 = 1_000_000;

/// The largest buffer between two stages.
pub const LARGEST_BUFFER: u64 = 1_000_000;

/// The most sessions of the pattern `serve`.
pub const MOST_SESSIONS: u64 = 1_000_000;

/// The longest time for which requests may arrive, in seconds.
pub const LONGEST_SECONDS: f64 = 3600.0;

/// The highest number of a stage: a stage takes a thread or more in some models.
pub const LAST_STAGE: u64 = 1000;

/// The most steps of all tasks together: every runner holds all of them in memory.
pub const MOST_STEPS: u64 = 50_000_000;

/// The most memory that the programs and arguments of all tasks together may take, in bytes.
pub const MOST_ARGUMENT_BYTES: u64 = 1 << 30;

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
    /// `[a-z0-9-]+`, as it stands in every table.
    pub name: String,
    /// One sentence for people; empty where none was given.
    pub about: String,
    /// How the tasks hang together.
    pub pattern: Pattern,
    /// How many tasks: 1 to [`Definition::MAX_TASKS`].
    pub tasks: usize,
    /// What all randomness is drawn from.
    pub seed: u64,
    /// The Items of *Effective Python* (second edition) that it illustrates.
    pub items: Vec<u8>,
    /// Variants to show by default beside each model's default one: `model/variant`.
    pub show: Vec<String>,
    /// At least one.
    pub steps: Vec<Step>,
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

    /// Whether any step needs the origin server: it fetches, or follows a log that the server writes.
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

/// How the tasks of a workload hang together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// Each task on its own; the outputs in input order.
    Map,
    /// The same tasks once per generation, each starting from what the generation before left.
    Rounds {
        /// How many generations: at least 1.
        generations: u32,
    },
    /// Each task passes through stages, with a bounded buffer between two of them.
    Pipeline {
        /// Items that fit between two stages: at least 1.
        buffer: usize,
    },
    /// Each task on its own; the outputs added up.
    Fold,
    /// Each task on its own; counted how many outputs fall on each key, see [`crate::value::key`]. The definition file's
    /// `fold` with `keys`.
    Histogram {
        /// How many keys there are: at least 1.
        keys: usize,
    },
    /// Each task follows a log; after the outputs in input order, one more: all lines in the order of their time.
    Merge,
    /// Requests that arrive at a fixed rate.
    Serve {
        /// Open sessions.
        sessions: usize,
        /// Arrivals a second.
        rate: f64,
        /// For how long.
        seconds: f64,
        /// What is said on a connection.
        #[serde(default)]
        talk: Talk,
    },
}

/// What clients and servers say to each other with the pattern `serve`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Talk {
    /// `TASK index`, answered by the task's output.
    #[default]
    Tasks,
    /// Rounds of guessing numbers, as in Item 61: a request is a round, and a task's steps come before each guess.
    Guess,
}

impl Pattern {
    /// The word that the definition file uses for it.
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

/// How many requests a load is made of: one at least.
pub fn requests(rate: f64, seconds: f64) -> usize {
    ((rate * seconds).round() as usize).max(1)
}

/// One step of a task, and which tasks have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the step does.
    pub action: Action,
    /// The kind of task that has this step; `None`: every task has it.
    pub kind: Option<String>,
    /// The share of that kind among the tasks, relative to the other kinds' weights.
    pub weight: f64,
    /// The stage of a pipeline that does this step.
    pub stage: Option<usize>,
}

/// What a step does. Durations are in nanoseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Do nothing for a while.
    Wait(Distribution),
    /// Use the CPU for about this long; becomes a number of iterations.
    Compute(Distribution),
    /// Get that many bytes from the origin server, which answers after `delay`.
    Fetch {
        /// Bytes of the body.
        bytes: Distribution,
        /// How long the server waits before it answers.
        delay: Option<Distribution>,
    },
    /// Read and digest that many bytes of a file made for the run.
    Read(Distribution),
    /// Follow a log of that many bytes, in whole lines, that grows while it is read.
    Tail {
        /// Bytes in the end.
        bytes: Distribution,
        /// For how long it grows.
        over: Option<Distribution>,
    },
    /// Run a program: its name and arguments, never through a shell.
    Exec {
        /// Program and arguments: at least the program.
        command: Vec<String>,
        /// After how long it is killed.
        timeout: Option<Distribution>,
    },
    /// Call a named kernel of this crate.
    Kernel(String),
}
