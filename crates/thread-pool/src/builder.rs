//! How a pool is set up, and why that may fail.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::backlog::Backlog;
use crate::crew::{Crew, Size};
use crate::initializer::{BoxError, Initializer};
use crate::reports::{Listed, PanicHandler};
use crate::shared::{Settings, Shared};
use crate::sleep::{MAX_WORKERS, Sleep};
use crate::sync::deque::Worker as Deque;
use crate::{TaskPanic, ThreadPool};

/// The settings of a pool; what [`ThreadPool::builder`] returns.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), effective_thread_pool::BuildError> {
/// let pool = effective_thread_pool::ThreadPool::builder().workers(3).name_prefix("resize").stack_size(256 * 1024).build()?;
/// assert_eq!(pool.workers(), 3);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    workers: Option<usize>,
    min_workers: Option<usize>,
    idle_timeout: Duration,
    name_prefix: String,
    stack_size: Option<usize>,
    max_inline_depth: usize,
    max_pending: Option<usize>,
    initializer: Option<Arc<Initializer>>,
    callback_panic_handler: Option<Arc<PanicHandler>>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            workers: None,
            min_workers: None,
            idle_timeout: Duration::from_secs(10),
            name_prefix: "thread-pool".to_owned(),
            stack_size: None,
            max_inline_depth: 64,
            max_pending: None,
            initializer: None,
            callback_panic_handler: None,
        }
    }

    /// How many threads the pool has, or may have at most (see [`min_workers`](Self::min_workers)). Unless set: one for
    /// each core this process may use; under a CPU quota of its control group, the quota rounded up to whole CPUs.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Lets the pool grow and shrink between this number of threads and [`workers`](Self::workers). Unless set: all are
    /// started at once, and stay.
    ///
    /// The pool starts with this many. When jobs wait and no worker is idle, it starts more, and a thread above this
    /// number ends when it has been idle for the [`idle_timeout`](Self::idle_timeout). If the system refuses a thread
    /// later on, the jobs wait for the workers there are, and a small thread of the pool, which stays until the pool is
    /// closed, asks again twenty times a second. If the system refuses that one as well, the next submission asks again.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::builder()
    ///     .workers(100)
    ///     .min_workers(2)
    ///     .idle_timeout(Duration::from_secs(30))
    ///     .build()?;
    /// assert_eq!((pool.threads(), pool.workers()), (2, 100));
    /// # Ok(()) }
    /// ```
    pub fn min_workers(mut self, workers: usize) -> Self {
        self.min_workers = Some(workers);
        self
    }

    /// How long a worker above the [minimum](Self::min_workers) may be idle before its thread ends. Unless set: 10 s.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
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

    /// At most this many submitted jobs are accepted and not started yet. While there are so many,
    /// [`submit`](ThreadPool::submit) blocks, [`submit_timeout`](ThreadPool::submit_timeout) blocks for a time and
    /// [`try_submit`](ThreadPool::try_submit) refuses. Unless set: no bound.
    ///
    /// So memory stays flat when jobs are submitted faster than they are done. Two ways in do not keep to it: what jobs
    /// submit on a worker of the pool (to wait there could be to wait for oneself), and a `map`, which queues no more than
    /// one entry for each worker. And the memory of a job that was cancelled, or run by its waiter, is only given back when a
    /// worker comes to its place in the queue, though it does not count any more.
    pub fn max_pending(mut self, jobs: usize) -> Self {
        self.max_pending = Some(jobs);
        self
    }

    /// Each worker calls this with its own number before its first job: to open a connection, to set up a thread-local,
    /// to pin itself to a core.
    ///
    /// [`build`](Self::build) does not wait for it. If it fails or panics on one worker, the pool is closed as by
    /// [`ThreadPool::shutdown_now`], and the cause is known to all: what is pending ends with
    /// [`JobError::Initializer`](crate::JobError::Initializer), and what is submitted later is refused with
    /// [`Refusal::Initializer`](crate::Refusal::Initializer). Jobs that run on other workers by then are finished.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::cell::Cell;
    /// thread_local!(static WORKER: Cell<Option<usize>> = const { Cell::new(None) });
    ///
    /// let pool = effective_thread_pool::ThreadPool::builder()
    ///     .workers(1)
    ///     .initializer(|worker| {
    ///         WORKER.set(Some(worker));
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .build()?;
    /// assert_eq!(pool.submit(|| WORKER.get())?.wait()?, Some(0));
    /// # Ok(()) }
    /// ```
    pub fn initializer<E>(
        mut self,
        initializer: impl Fn(usize) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let boxed = move |worker| initializer(worker).map_err(|error| -> BoxError { error.into() });
        self.initializer = Some(Arc::new(boxed));
        self
    }

    /// Called with the panic of each [completion callback](crate::Handle::on_complete) that panics, on the thread where
    /// it did. What it panics with itself is dropped. Unless set: the panic hook of the process has told of it, and
    /// [`ThreadPool::callback_panics`] counts it.
    pub fn callback_panic_handler(
        mut self,
        handler: impl Fn(TaskPanic) + Send + Sync + 'static,
    ) -> Self {
        self.callback_panic_handler = Some(Arc::new(handler));
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
        let min = self.min_workers.unwrap_or(workers);
        if min == 0 || min > workers {
            return Err(BuildError::InvalidMinimum { min, workers });
        }
        if self.name_prefix.contains('\0') {
            return Err(BuildError::InvalidName);
        }
        if self.max_pending == Some(0) {
            return Err(BuildError::NoBacklog);
        }

        let deques: Vec<Deque<_>> = (0..workers).map(|_| Deque::new_fifo()).collect();
        let shared = Arc::new(Shared::new(
            deques.iter().map(Deque::stealer).collect(),
            Sleep::new(workers),
            Crew::new(
                deques,
                Size {
                    min,
                    idle_timeout: self.idle_timeout,
                    name_prefix: self.name_prefix,
                    stack_size: self.stack_size,
                },
            ),
            Settings {
                max_inline_depth: self.max_inline_depth,
                backlog: self.max_pending.map(|limit| Arc::new(Backlog::new(limit))),
                initializer: self.initializer,
            },
        ));
        let reports = Listed::new(shared.id, self.callback_panic_handler);
        let pool = ThreadPool::from_parts(Arc::clone(&shared), reports);
        for started in 0..min {
            if let Err(error) = Crew::start(&shared) {
                // Ends and joins the threads so far.
                drop(pool);
                return Err(BuildError::Spawn {
                    started,
                    wanted: min,
                    error,
                });
            }
        }
        Ok(pool)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.workers)
            .field("min_workers", &self.min_workers)
            .field("idle_timeout", &self.idle_timeout)
            .field("name_prefix", &self.name_prefix)
            .field("stack_size", &self.stack_size)
            .field("max_inline_depth", &self.max_inline_depth)
            .field("max_pending", &self.max_pending)
            .finish_non_exhaustive()
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
    /// A minimum of no workers was asked for, or of more than the pool may have.
    InvalidMinimum {
        /// The minimum asked for.
        min: usize,
        /// How many workers the pool may have.
        workers: usize,
    },
    /// A backlog of no jobs was asked for: no job could ever be submitted.
    NoBacklog,
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
            Self::InvalidMinimum { min, workers } => write!(
                f,
                "a pool of {workers} workers cannot keep a minimum of {min}: give `min_workers` from 1 to {workers}"
            ),
            Self::NoBacklog => f.write_str(
                "a pool where 0 jobs may be pending takes none: give `max_pending` at least 1",
            ),
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
            Self::NoWorkers
            | Self::TooManyWorkers { .. }
            | Self::InvalidName
            | Self::InvalidMinimum { .. }
            | Self::NoBacklog => None,
        }
    }
}
