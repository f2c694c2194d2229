//! Each model written by hand on the crates that people take for it, as small as they would write
//! it.
//!
//! A version is prepared once, with its pool, and then run several times; only the runs are timed.

mod async_std;
mod data_parallel;
mod processes;
mod queue;
mod smol;
mod thread_pool;
mod threads;
mod tokio;

pub use processes::worker;

use std::io;

use crate::job::Real;

/// A version of a job: the model, and how many tasks run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The model.
    pub model: Model,
    /// Threads, processes or tasks in flight; 0 where the model has no such number.
    pub workers: usize,
}

/// The models that a person would write by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// One task after another.
    Sequential,
    /// Scoped threads, each with a share of the tasks (std).
    Threads,
    /// A thread per task, a few at a time (std).
    ThreadPerTask,
    /// Worker threads behind a channel (crossbeam-channel).
    Queue,
    /// A pool of threads that runs closures (threadpool).
    ThreadPool,
    /// Parallel iterators (rayon).
    DataParallel,
    /// Tasks that await (tokio).
    Tokio,
    /// Tasks that await, on a single thread (tokio).
    TokioCurrentThread,
    /// `spawn_blocking` behind a semaphore (tokio).
    TokioBlocking,
    /// `unblock` in a stream of futures on one thread (smol).
    Smol,
    /// `spawn_blocking` in a stream of futures (async-std).
    AsyncStd,
    /// Worker processes that read from pipes (std).
    Processes,
}

impl Model {
    /// The name in tables, with the crate.
    pub fn name(self) -> &'static str {
        match self {
            Model::Sequential => "sequential",
            Model::Threads => "scoped threads",
            Model::ThreadPerTask => "thread per task",
            Model::Queue => "crossbeam-channel",
            Model::ThreadPool => "threadpool",
            Model::DataParallel => "rayon",
            Model::Tokio => "tokio",
            Model::TokioCurrentThread => "tokio, one thread",
            Model::TokioBlocking => "tokio spawn_blocking",
            Model::Smol => "smol unblock",
            Model::AsyncStd => "async-std spawn_blocking",
            Model::Processes => "processes and pipes",
        }
    }

    /// Whether tasks run as futures, which needs a job that has one.
    pub fn awaits(self) -> bool {
        matches!(self, Model::Tokio | Model::TokioCurrentThread)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.model.name())?;
        match self.workers {
            0 => Ok(()),
            workers => write!(f, " ×{workers}"),
        }
    }
}

/// A prepared version: each call runs all tasks and returns the hashes of their outputs in order.
pub type Run = Box<dyn FnMut() -> Vec<u64>>;

/// Prepares a version of a job.
///
/// # Errors
///
/// If threads or processes cannot be started, or the job has no future for a model that awaits.
pub fn prepare(job: &Real, version: Version) -> io::Result<Run> {
    let workers = version.workers.max(1);
    Ok(match version.model {
        Model::Sequential => {
            let (tasks, call) = (job.tasks, job.call.clone());
            Box::new(move || (0..tasks).map(|task| call(task)).collect())
        }
        Model::Threads => threads::shares(job, workers),
        Model::ThreadPerTask => threads::per_task(job, workers),
        Model::Queue => queue::prepare(job, workers),
        Model::ThreadPool => thread_pool::prepare(job, workers),
        Model::DataParallel => data_parallel::prepare(job, workers)?,
        Model::Tokio => tokio::awaiting(job, false)?,
        Model::TokioCurrentThread => tokio::awaiting(job, true)?,
        Model::TokioBlocking => tokio::blocking(job, workers)?,
        Model::Smol => smol::prepare(job, workers),
        Model::AsyncStd => async_std::prepare(job, workers),
        Model::Processes => processes::prepare(job, workers)?,
    })
}
