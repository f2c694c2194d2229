//! The inputs of a workload: what every runner reads.

mod file;
mod limits;
mod make;

pub use file::{InputsError, read, read_from, write};
pub use make::{FILE_POOL, file_sizes, make};

use serde::{Deserialize, Serialize};

use crate::definition::Pattern;
use crate::kernels::Kernel;
use crate::value::hex;

/// A workload with everything drawn: equal inputs are equal work.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// What holds for all tasks.
    pub header: Header,
    /// The tasks, in order.
    pub tasks: Vec<Task>,
}

/// The first line of an inputs file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The workload's name.
    pub workload: String,
    /// How the tasks hang together.
    pub pattern: Pattern,
    /// How many lines, one a task, follow.
    pub tasks: usize,
    /// What all was drawn from.
    #[serde(with = "hex")]
    pub seed: u64,
    /// The calibration that turned the durations of `compute` steps into iterations.
    pub iterations_per_us: u64,
    /// The kinds of step that occur: a runner that does not know one of them says so when it loads.
    pub actions: Vec<String>,
}

/// One task: a line of an inputs file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its place, from 0.
    pub index: usize,
    /// The value it starts from.
    #[serde(with = "hex")]
    pub seed: u64,
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// With the pattern `pipeline`: the stage of each step, from 0 and never falling. Empty with any other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<usize>,
}

/// One step, with everything drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Do nothing for that long.
    Wait {
        /// Nanoseconds.
        ns: u64,
    },
    /// Iterate [`crate::task::compute`].
    Compute {
        /// How often.
        iterations: u64,
    },
    /// Get bytes from the origin server.
    Fetch {
        /// Bytes of the body.
        bytes: u64,
        /// How long the server waits before it answers, in nanoseconds.
        delay_ns: u64,
    },
    /// Read the beginning of a file.
    Read {
        /// Its name in the folder that the runner is told.
        file: String,
        /// How much of it.
        bytes: u64,
    },
    /// Follow a log that the origin server writes meanwhile.
    Tail {
        /// How long it is in the end: whole lines.
        bytes: u64,
        /// How long it grows, in nanoseconds.
        over_ns: u64,
    },
    /// Run a program.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
        /// After how long it is killed, in nanoseconds.
        timeout_ns: Option<u64>,
    },
    /// Call a kernel.
    #[serde(with = "by_name")]
    Kernel(Kernel),
}

impl Step {
    /// The word that the definition file uses for it.
    pub fn name(&self) -> &'static str {
        match self {
            Step::Wait { .. } => "wait",
            Step::Compute { .. } => "compute",
            Step::Fetch { .. } => "fetch",
            Step::Read { .. } => "read",
            Step::Tail { .. } => "tail",
            Step::Exec { .. } => "exec",
            Step::Kernel(_) => "kernel",
        }
    }

    /// How long the step keeps a task waiting without using the CPU, in nanoseconds.
    pub fn waiting_ns(&self) -> u64 {
        match self {
            Step::Wait { ns } => *ns,
            Step::Fetch { delay_ns, .. } => *delay_ns,
            Step::Tail { over_ns, .. } => *over_ns,
            _ => 0,
        }
    }
}

impl Task {
    /// The sum of its steps' [`Step::waiting_ns`].
    pub fn waiting_ns(&self) -> u64 {
        self.steps.iter().map(Step::waiting_ns).sum()
    }
}

/// The same without room to spare. Most tasks have one step, and a vector that grew has room for four: with
/// millions of tasks that is what the memory of every runner goes to. Moved and not shrunk in place, which
/// would leave holes that nothing fits.
fn exact<T>(mut grown: Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(grown.len());
    exact.append(&mut grown);
    exact
}

/// A kernel is an object with its name, as every other step is an object.
mod by_name {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::kernels::{self, Kernel};

    #[derive(Serialize, Deserialize)]
    struct Named {
        name: String,
    }

    pub(super) fn serialize<S: Serializer>(
        kernel: &Kernel,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Named {
            name: kernel.name.to_owned(),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Kernel, D::Error> {
        let Named { name } = Named::deserialize(deserializer)?;
        kernels::find(&name)
            .ok_or_else(|| D::Error::custom(format_args!("there is no kernel `{name}` here")))
    }
}
