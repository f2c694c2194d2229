//! The types of an inputs file.

use serde::{Deserialize, Serialize};
use workload_kernels::Kernel;

use crate::definition::types::Pattern;
use crate::value::hex;

/// A workload with all random draws made: equal inputs are equal work.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// The properties of all tasks.
    pub header: Header,
    /// The tasks, in order.
    pub tasks: Vec<Task>,
}

/// The first line of an inputs file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The workload's name.
    pub workload: String,
    /// How the tasks are combined.
    pub pattern: Pattern,
    /// The number of the lines that follow, one per task.
    pub tasks: usize,
    /// The seed of all randomness.
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
    /// Its index, from 0.
    pub index: usize,
    /// Its initial value.
    #[serde(with = "hex")]
    pub seed: u64,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// With the pattern `pipeline`: the stage of each step, from 0 and never decreasing. Empty with
    /// any other pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<usize>,
}

/// One step, with all random draws made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Wait without using the CPU.
    Wait {
        /// The time in nanoseconds.
        ns: u64,
    },
    /// Iterate [`crate::task::compute`].
    Compute {
        /// The number of iterations.
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
        /// Its name in the folder that the runner is given.
        file: String,
        /// The number of bytes.
        bytes: u64,
    },
    /// Follow a log while the origin server writes it.
    Tail {
        /// Its final length, in whole lines.
        bytes: u64,
        /// How long it grows, in nanoseconds.
        over_ns: u64,
    },
    /// Run a program.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// The time after which it is killed, in nanoseconds.
        timeout_ns: Option<u64>,
    },
    /// Call a kernel.
    #[serde(with = "by_name")]
    Kernel(Kernel),
    /// Call the function of the runner's job with the input of this task.
    Job {},
}

impl Step {
    /// Its name in the definition file.
    pub fn name(&self) -> &'static str {
        match self {
            Step::Wait { .. } => "wait",
            Step::Compute { .. } => "compute",
            Step::Fetch { .. } => "fetch",
            Step::Read { .. } => "read",
            Step::Tail { .. } => "tail",
            Step::Exec { .. } => "exec",
            Step::Kernel(_) => "kernel",
            Step::Job {} => "job",
        }
    }

    /// How long the step makes a task wait without using the CPU, in nanoseconds.
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
    /// The sum of [`Step::waiting_ns`] over its steps.
    pub fn waiting_ns(&self) -> u64 {
        self.steps.iter().map(Step::waiting_ns).sum()
    }
}

/// Serde's `with` for a kernel: an object with its name, since every other step is an object too.
mod by_name {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use workload_kernels::Kernel;

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
        workload_kernels::find(&name)
            .ok_or_else(|| D::Error::custom(format_args!("there is no kernel `{name}` here")))
    }
}
