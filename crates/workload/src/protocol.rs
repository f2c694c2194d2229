//! The messages between the comparison and a runner: one JSON object per line. `docs/protocol.md`
//! describes them for other languages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::job::About;
use crate::timeline::Timeline;
use crate::value::hex;

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// A request of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase")]
pub enum Request {
    /// Ask for name, version and variants. Answered by [`Reply::Hello`].
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
    },
    /// Measure the iterations of the `compute` step per microsecond. Only for a runner that
    /// [`can`](Hello::can) `calibrate`. Answered by [`Reply::Calibrated`].
    Calibrate,
    /// Do the tasks once, untimed, in the quickest way and without the waits, to find the digest
    /// that all must share. Only for a runner that [`can`](Hello::can) `reference`. Answered by
    /// [`Reply::Reference`].
    Reference(Sources),
    /// Do one task after another for about a second at most, untimed. Only for a runner that
    /// [`can`](Hello::can) `rehearse`. Answered by [`Reply::Rehearsed`].
    Rehearse(Sources),
    /// Get ready. Answered by [`Reply::Loaded`], [`Reply::Unsupported`] or [`Reply::Failed`].
    Load(Load),
    /// Do all tasks once and time it. Answered by [`Reply::Sample`] or [`Reply::Failed`].
    Sample,
    /// Do all tasks once while the comparison watches memory and threads. Answered by
    /// [`Reply::Trace`] or [`Reply::Failed`].
    Trace,
    /// Exit, without an answer.
    Quit,
}

/// The inputs of a workload, and what their tasks need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The inputs file.
    pub inputs: PathBuf,
    /// The folder of the files that `read` steps name; null if there are none.
    pub files: Option<PathBuf>,
    /// The address of the origin server; null if nothing is fetched.
    pub origin: Option<SocketAddr>,
    /// The address of the program that sends the requests of the pattern `serve`; left out with any
    /// other pattern.
    #[serde(default, rename = "load", skip_serializing_if = "Option::is_none")]
    pub requests: Option<SocketAddr>,
}

/// The settings with which a runner gets ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The inputs.
    #[serde(flatten)]
    pub sources: Sources,
    /// The variant; empty for the default one.
    pub variant: String,
    /// The number of workers, for models that have one: at least 1.
    pub workers: usize,
}

/// An answer of a runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase")]
pub enum Reply {
    /// Answers [`Request::Hello`].
    Hello(Hello),
    /// Answers [`Request::Calibrate`].
    Calibrated {
        /// Iterations of the `compute` step per microsecond.
        iterations_per_us: u64,
    },
    /// Answers [`Request::Reference`].
    Reference {
        /// The digest of the outputs.
        #[serde(with = "hex")]
        digest: u64,
        /// The CPU time of all tasks together.
        cpu_ns: u64,
        /// The total time that tasks waited for programs which used no processor.
        #[serde(default)]
        waited_ns: u64,
    },
    /// Answers [`Request::Rehearse`].
    Rehearsed {
        /// The number of tasks that were done: all, or as many as fit.
        tasks: usize,
        /// The time they took.
        wall_ns: u64,
        /// Their CPU time.
        cpu_ns: u64,
        /// The time that passed without a processor, though one was free.
        waited_ns: u64,
        /// The time for making the inputs of all tasks.
        inputs_ns: u64,
    },
    /// Answers [`Request::Load`]: the runner is ready.
    Loaded {
        /// The time for making a pool, a runtime or workers, without that for reading the inputs.
        setup_ns: u64,
        /// Which form of a job's function the tasks call, and where; left out where there is no
        /// choice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calls: Option<String>,
    },
    /// Answers [`Request::Load`]: the model does not support this workload.
    Unsupported {
        /// The reason, for people.
        reason: String,
    },
    /// Answers [`Request::Sample`].
    Sample(Sample),
    /// Answers [`Request::Trace`].
    Trace {
        /// The digest of the outputs.
        #[serde(with = "hex")]
        digest: u64,
        /// Further metrics, such as `completion_p50_ns`.
        #[serde(default)]
        metrics: BTreeMap<String, f64>,
        /// When and where the tasks ran, if the runner records it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeline: Option<Recorded>,
    },
    /// Answers any request that failed.
    Failed {
        /// The reason, in one line.
        error: String,
    },
}

/// The timeline of a trace, as a runner reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recorded {
    /// One of the right form.
    Timeline(Timeline),
    /// Anything else, which must not spoil the reply.
    Other(serde_json::Value),
}

/// A runner's description of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The runner's [`PROTOCOL`].
    pub protocol: u32,
    /// The model's name.
    pub name: String,
    /// The version of the library that it measures. A runner that cannot state its version is not
    /// measured.
    pub version: String,
    /// The variants, the default one first; empty if there is only the default one.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Optional requests that it answers: `calibrate`, `reference`, `rehearse`.
    #[serde(default)]
    pub can: Vec<String>,
    /// Threads for the protocol, which are not counted as the model's.
    #[serde(default)]
    pub own_threads: u64,
    /// The job of a program that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<About>,
}

/// A way of using the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name; empty for the default one.
    pub name: String,
    /// A description in one line.
    #[serde(default)]
    pub about: String,
    /// The number of tasks in flight at once.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// Whether the number of workers has no effect: the variant is then measured once, however many
    /// numbers are compared.
    #[serde(default)]
    pub ignores_workers: bool,
}

/// The number of tasks in flight at once, from which a lower bound on the time follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concurrency {
    /// One task.
    One,
    /// One task per worker.
    Workers,
    /// All tasks.
    #[default]
    Tasks,
    /// At most this many tasks.
    Limited(usize),
}

/// The outcome of a timed sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The digest of the outputs, computed outside the timed span.
    #[serde(with = "hex")]
    pub digest: u64,
    /// The time from the submission of the first task to the last result.
    pub wall_ns: u64,
    /// CPU time, if the runner knows it; otherwise the comparison measures it from outside.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Further metrics: with the pattern `serve`, `response_p99_ns` and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

/// The resources that a tree of processes used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time.
    pub cpu_ns: u64,
    /// CPU time in user mode.
    pub user_ns: u64,
    /// CPU time in the kernel.
    pub system_ns: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
}
