//! How a pool is set up, and why that may fail.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_deque::Worker as Deque;
use crossbeam_utils::sync::Parker;

use crate::ThreadPool;
use crate::shared::Shared;
use crate::sleep::{MAX_WORKERS, Sleep};
use crate::worker;

/// The settings of a pool; what [`ThreadPool::builder`] returns.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), thread_pool::BuildError> {
/// let pool = thread_pool::ThreadPool::builder().workers(3).name_prefix("resize").stack_size(256 * 1024).build()?;
/// assert_eq!(pool.workers(), 3);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    workers: Option<usize>,
    name_prefix: String,
    stack_size: Option<usize>,
    max_inline_depth: usize,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            workers: None,
            name_prefix: "thread-pool".to_owned(),
            stack_size: None,
            max_inline_depth: 64,
        }
    }

    /// How many threads the pool has. Unless set: one for each core this process may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The workers are called by this prefix, a dash and their number. Unless set: `thread-pool`.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// The stack of each worker, in bytes. Unless set: what the standard library gives a thread.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How deep jobs that wait for jobs may be run inside one another on one worker's stack. Unless set: 64.
    ///
    /// The limit keeps a recursion through the pool from overflowing the stack. With 0, a worker that waits for a job
    /// which has not started gets [`JobError::WouldDeadlock`](crate::JobError::WouldDeadlock) at once.
    pub fn max_inline_depth(mut self, depth: usize) -> Self {
        self.max_inline_depth = depth;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`BuildError`] if the settings make no pool, or if the system refuses a thread. The threads that did start have
    /// ended when this returns.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        let workers = self.workers.unwrap_or_else(num_cpus::get);
        if workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if workers > MAX_WORKERS {
            return Err(BuildError::TooManyWorkers { wanted: workers });
        }
        if self.name_prefix.contains('\0') {
            return Err(BuildError::InvalidName);
        }

        let deques: Vec<Deque<_>> = (0..workers).map(|_| Deque::new_fifo()).collect();
        let parkers: Vec<Parker> = (0..workers).map(|_| Parker::new()).collect();
        let stealers = deques.iter().map(Deque::stealer).collect();
        let shared = Arc::new(Shared::new(
            stealers,
            Sleep::new(&parkers),
            self.max_inline_depth,
        ));

        let mut threads = Vec::with_capacity(workers);
        for (index, (deque, parker)) in deques.into_iter().zip(parkers).enumerate() {
            let mut thread = thread::Builder::new().name(format!("{}-{index}", self.name_prefix));
            if let Some(bytes) = self.stack_size {
                thread = thread.stack_size(bytes);
            }
            let for_worker = Arc::clone(&shared);
            match thread.spawn(move || worker::main(for_worker, index, deque, &parker)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    let started = threads.len();
                    // A pool of the threads so far: dropping it ends and joins them.
                    drop(ThreadPool::from_parts(shared, threads));
                    return Err(BuildError::Spawn {
                        started,
                        wanted: workers,
                        error,
                    });
                }
            }
        }
        Ok(ThreadPool::from_parts(shared, threads))
    }
}

/// Why a pool could not be built.
///
/// `Display` and `source` are as of [`JobError`](crate::JobError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of no workers was asked for: it would never run a job.
    NoWorkers,
    /// More workers were asked for than a pool may have: 4,096.
    TooManyWorkers {
        /// The number asked for.
        wanted: usize,
    },
    /// The name prefix contains a NUL byte, which no thread name may.
    InvalidName,
    /// The system refused a thread. The threads that had started have ended again.
    Spawn {
        /// How many threads had started.
        started: usize,
        /// How many were asked for.
        wanted: usize,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("a pool of 0 workers runs nothing: give at least 1"),
            Self::TooManyWorkers { wanted } => {
                write!(
                    f,
                    "a pool has at most {MAX_WORKERS} workers, not {wanted}: give as many as there are cores"
                )
            }
            Self::InvalidName => {
                f.write_str("a thread name cannot contain a NUL byte: take it out of the prefix")
            }
            Self::Spawn {
                started,
                wanted,
                error,
            } => write!(
                f,
                "the system refused thread {} of {wanted} ({error}): give fewer workers or smaller stacks",
                started + 1
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Spawn { error, .. } => error.source(),
            Self::NoWorkers | Self::TooManyWorkers { .. } | Self::InvalidName => None,
        }
    }
}
