//! The lines that the comparison and a runner exchange: one JSON object each. `docs/protocol.md` says the
//! same for other languages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::value::hex;

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What the comparison asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase")]
pub enum Request {
    /// Who are you? Answered by [`Reply::Hello`].
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
    },
    /// How many iterations of the `compute` step do you do in a microsecond? Only for a runner that
    /// [`can`](Hello::can) `calibrate`. Answered by [`Reply::Calibrated`].
    Calibrate,
    /// Do the tasks once, untimed, in the quickest way and without the waits, to find the digest that all
    /// must share. Only for a runner that [`can`](Hello::can) `reference`. Answered by
    /// [`Reply::Reference`].
    Reference(Sources),
    /// Get ready. Answered by [`Reply::Loaded`], [`Reply::Unsupported`] or [`Reply::Failed`].
    Load(Load),
    /// Do all tasks once and time it. Answered by [`Reply::Sample`] or [`Reply::Failed`].
    Sample,
    /// Do all tasks once while the comparison watches memory and threads. Answered by [`Reply::Trace`] or
    /// [`Reply::Failed`].
    Trace,
    /// End. No answer but the end of the process.
    Quit,
}

/// The inputs of a workload, and what their tasks need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The inputs file.
    pub inputs: PathBuf,
    /// The folder with the files that `read` steps name; null where there are none.
    pub files: Option<PathBuf>,
    /// The address of the origin server; null where nothing is fetched.
    pub origin: Option<SocketAddr>,
    /// The address of the program that sends the requests of the pattern `serve`; left out with any
    /// other pattern.
    #[serde(default, rename = "load", skip_serializing_if = "Option::is_none")]
    pub requests: Option<SocketAddr>,
}

/// What a runner needs in order to get ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The inputs.
    #[serde(flatten)]
    pub sources: Sources,
    /// Which variant; empty for the default one.
    pub variant: String,
    /// How many workers, where the model has such a number: at least 1.
    pub workers: usize,
}

/// What a runner answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase")]
pub enum Reply {
    /// Answers [`Request::Hello`].
    Hello(Hello),
    /// Answers [`Request::Calibrate`].
    Calibrated {
        /// Iterations of the `compute` step in a microsecond.
        iterations_per_us: u64,
    },
    /// Answers [`Request::Reference`].
    Reference {
        /// The digest of the outputs.
        #[serde(with = "hex")]
        digest: u64,
        /// The CPU time all tasks took together.
        cpu_ns: u64,
        /// How long tasks waited for programs that used no processor, in all.
        #[serde(default)]
        waited_ns: u64,
    },
    /// Answers [`Request::Load`]: ready.
    Loaded {
        /// What making pool, runtime or workers took; reading the inputs not included.
        setup_ns: u64,
    },
    /// Answers [`Request::Load`]: not for this model.
    Unsupported {
        /// Why, in words that teach.
        reason: String,
    },
    /// Answers [`Request::Sample`].
    Sample(Sample),
    /// Answers [`Request::Trace`].
    Trace {
        /// The digest of the outputs.
        #[serde(with = "hex")]
        digest: u64,
        /// What else there is to say, such as `completion_p50_ns`.
        #[serde(default)]
        metrics: BTreeMap<String, f64>,
    },
    /// Answers anything: it did not work, and this is why.
    Failed {
        /// One line.
        error: String,
    },
}

/// Who a runner is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`], as the runner knows it.
    pub protocol: u32,
    /// The model's name.
    pub name: String,
    /// The version of what it measures. A runner that cannot say its version is not measured.
    pub version: String,
    /// The variants, the default one first; empty: just the default one.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Requests beyond the usual ones: `calibrate`, `reference`.
    #[serde(default)]
    pub can: Vec<String>,
    /// Threads that serve the protocol and not the model: left out of the count of threads.
    #[serde(default)]
    pub own_threads: u64,
}

/// A way of using the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name; empty for the default one.
    pub name: String,
    /// What it is, in a line.
    #[serde(default)]
    pub about: String,
    /// How many tasks it has under way at once.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// Whether the number of workers makes no difference to it: it is then measured once, however many
    /// numbers are compared.
    #[serde(default)]
    pub ignores_workers: bool,
}

/// How many tasks are under way at once: what a lower bound of the time is computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concurrency {
    /// One.
    One,
    /// As many as there are workers.
    Workers,
    /// All of them.
    #[default]
    Tasks,
    /// At most that many.
    Limited(usize),
}

/// The outcome of a timed sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The digest of the outputs, computed outside the timed span.
    #[serde(with = "hex")]
    pub digest: u64,
    /// From the first task handed in to the last result out.
    pub wall_ns: u64,
    /// CPU time, where the runner knows it; the comparison measures it from outside where not.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// What else there is to say of it: with the pattern `serve`, `response_p99_ns` and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

/// What a tree of processes used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time.
    pub cpu_ns: u64,
    /// Its part in user mode.
    pub user_ns: u64,
    /// Its part in the kernel.
    pub system_ns: u64,
    /// Times a thread gave up its processor.
    pub voluntary_switches: u64,
    /// Times a thread lost its processor.
    pub involuntary_switches: u64,
}
