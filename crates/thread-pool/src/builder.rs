//! [`Builder`], the settings of a pool, and the reasons why it cannot be built.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::backlog::Backlog;
use crate::growth;
use crate::initializer::{BoxError, Initializer};
use crate::panic::TaskPanic;
use crate::pool::ThreadPool;
use crate::reports::{PanicHandler, Registration};
use crate::shared::{Settings, Shared};
use crate::sleep::{MAX_WORKERS, Sleep};
use crate::sync::deque::Worker as Deque;
use crate::workers::{Size, Workers};

impl ThreadPool {
    /// Builds a pool with this number of workers.
    ///
    /// # Errors
    /// As [`Builder::build`].
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::new(4)?;
    /// let lengths = pool.map(["one", "three"], str::len);
    /// assert!(matches!(lengths[..], [Ok(3), Ok(5)]));
    /// # Ok(()) }
    /// ```
    pub fn new(workers: usize) -> Result<Self, BuildError> {
        Self::builder().workers(workers).build()
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

/// The settings of a pool, returned by [`ThreadPool::builder`].
///
/// # Examples
/// ```
/// # fn main() -> Result<(), effective_thread_pool::BuildError> {
/// let pool = effective_thread_pool::ThreadPool::builder()
///     .workers(3)
///     .name_prefix("resize")
///     .stack_size(256 * 1024)
///     .build()?;
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

    /// The number of worker threads, or the maximum if [`min_workers`](Self::min_workers) is set.
    /// Default: one per core available to this process; under a CPU quota of its control group, the
    /// quota rounded up to whole CPUs.
    ///
    /// ```
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::builder().workers(4).build()?;
    /// assert_eq!(pool.workers(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Lets the pool grow and shrink between this number of threads and [`workers`](Self::workers).
    /// Default: all workers are started at once, and stay.
    ///
    /// The pool starts with this number of threads. It starts more when jobs wait and no worker is
    /// idle. A thread above this number exits after it has been idle for the
    /// [`idle_timeout`](Self::idle_timeout). If the system later refuses a thread, the jobs wait
    /// for the existing workers, and a small helper thread, which lives until the pool is closed,
    /// retries twenty times a second. If the system refuses that one as well, the next submission
    /// retries.
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

    /// How long a worker above the [minimum](Self::min_workers) may be idle before its thread
    /// exits. Default: 10 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// // Keeps its threads over the pauses between bursts of jobs.
    /// let pool = ThreadPool::builder()
    ///     .workers(16)
    ///     .min_workers(1)
    ///     .idle_timeout(Duration::from_secs(60))
    ///     .build()?;
    /// assert_eq!(pool.threads(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
        self
    }

    /// The prefix of the workers' thread names; a dash and the worker's index follow. Default:
    /// `thread-pool`.
    ///
    /// ```
    /// use std::thread;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::builder().workers(1).name_prefix("parse").build()?;
    /// let name = pool.submit(|| thread::current().name().map(str::to_owned))?.wait()?;
    /// assert_eq!(name.as_deref(), Some("parse-0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// The stack size of each worker, in bytes. Default: that of the standard library.
    ///
    /// ```
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::builder().workers(1).stack_size(16 << 20).build()?;
    /// // More than the usual 2 MiB.
    /// let sum = pool.submit(|| [1_u8; 4 << 20].iter().map(|byte| u32::from(*byte)).sum::<u32>())?;
    /// assert_eq!(sum.wait()?, 4 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How deeply jobs that wait for jobs may be nested on one worker's stack. Default: 64.
    ///
    /// The limit keeps a recursion through the pool from overflowing the stack. With 0, a worker
    /// that waits for a pending job gets
    /// [`JobError::WouldDeadlock`](crate::JobError::WouldDeadlock) at once.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use effective_thread_pool::{JobError, ThreadPool};
    ///
    /// let pool = Arc::new(ThreadPool::builder().workers(1).max_inline_depth(0).build()?);
    /// let inner = Arc::clone(&pool);
    /// // The only worker may not run the job that it waits for.
    /// let waited = pool.submit(move || inner.submit(|| 42).map(|handle| handle.wait()))?.wait()?;
    /// assert!(matches!(waited, Ok(Err(JobError::WouldDeadlock))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_inline_depth(mut self, depth: usize) -> Self {
        self.max_inline_depth = depth;
        self
    }

    /// The maximum number of pending jobs: accepted and not started. At this bound,
    /// [`submit`](ThreadPool::submit) blocks, [`submit_timeout`](ThreadPool::submit_timeout) blocks
    /// for a limited time and [`try_submit`](ThreadPool::try_submit) refuses. Default: no bound.
    ///
    /// The bound keeps memory flat when jobs are submitted faster than they run. Two kinds of
    /// submission may exceed it: jobs submitted on a worker of the pool, where blocking could be a
    /// wait for itself, and a `map`, which queues at most one entry per worker. A job that was
    /// cancelled or run by its waiter no longer counts, but its memory is freed only when a worker
    /// reaches its queue entry.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::builder().workers(1).max_pending(1).build()?;
    /// let (end, wait) = mpsc::channel::<()>();
    /// let _running = pool.submit(move || wait.recv())?;
    /// // One more job is accepted, or two if the worker has already taken the first.
    /// let accepted: Vec<_> = (0..3).map_while(|_| pool.try_submit(|| ()).ok()).collect();
    /// assert!(accepted.len() < 3);
    /// drop(end);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_pending(mut self, jobs: usize) -> Self {
        self.max_pending = Some(jobs);
        self
    }

    /// A function that each worker calls with its own index before its first job, for example to
    /// open a connection, to set a thread-local or to pin itself to a core.
    ///
    /// [`build`](Self::build) does not wait for it. If it fails or panics on one worker, the pool
    /// is closed as by [`ThreadPool::shutdown_now`]: pending jobs end with
    /// [`JobError::Initializer`](crate::JobError::Initializer), and later submissions are refused
    /// with [`Refusal::Initializer`](crate::Refusal::Initializer). Jobs already running on other
    /// workers finish.
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

    /// A function that is called with the panic of each [completion
    /// callback](crate::Handle::on_complete), on the thread of the callback. Its own panics are
    /// discarded. Default: only the panic hook of the process reports the panic.
    /// [`ThreadPool::callback_panics`] counts it in any case.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let (send, panics) = mpsc::channel();
    /// let pool = ThreadPool::builder()
    ///     .workers(1)
    ///     .callback_panic_handler(move |panic| drop(send.send(panic.message().to_owned())))
    ///     .build()?;
    /// let mut handle = pool.submit(|| 42)?;
    /// handle.on_complete(|_| panic!("out of paper"));
    /// assert_eq!(panics.recv()?, "out of paper");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [`BuildError`] if the settings are invalid or the system refuses a thread. All threads that
    /// had started have exited when this returns.
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
            Workers::new(
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
        // The first steal in a program initialises crossbeam's epoch collector, under a lock. If a
        // worker held that lock while the program forks, a pool in the child would never get it.
        if let Some(stealer) = shared.stealers.first() {
            let _ = stealer.steal();
        }
        let reports = Registration::new(shared.id, self.callback_panic_handler);
        let pool = ThreadPool::from_parts(Arc::clone(&shared), reports);
        for started in 0..min {
            if let Err(error) = growth::start(&shared) {
                // Joins the threads that have started.
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

/// The reason why a pool could not be built.
///
/// `Display` and `source` follow [`JobError`](crate::JobError#display-and-source).
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of 0 workers, which would never run a job.
    NoWorkers,
    /// More workers than the maximum of 4,096.
    TooManyWorkers {
        /// The requested number.
        wanted: usize,
    },
    /// The name prefix contains a NUL byte, which a thread name cannot contain.
    InvalidName,
    /// A minimum of 0 workers, or one above the maximum.
    InvalidMinimum {
        /// The requested minimum.
        min: usize,
        /// The maximum number of workers.
        workers: usize,
    },
    /// A `max_pending` of 0, with which no job could ever be submitted.
    NoBacklog,
    /// The system refused a thread. The threads that had started have exited.
    Spawn {
        /// The number of threads that had started.
        started: usize,
        /// The requested number of threads.
        wanted: usize,
        /// The error of the system.
        error: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("a pool of 0 workers runs nothing: set at least 1"),
            Self::TooManyWorkers { wanted } => {
                write!(
                    f,
                    "a pool has at most {MAX_WORKERS} workers, not {wanted}: set as many as there are cores"
                )
            }
            Self::InvalidName => {
                f.write_str("a thread name cannot contain a NUL byte: remove it from the prefix")
            }
            Self::InvalidMinimum { min, workers } => write!(
                f,
                "a pool of {workers} workers cannot keep a minimum of {min}: set `min_workers` from 1 to {workers}"
            ),
            Self::NoBacklog => f.write_str(
                "a pool with room for 0 pending jobs accepts none: set `max_pending` to at least 1",
            ),
            Self::Spawn {
                started,
                wanted,
                error,
            } => write!(
                f,
                "the system refused thread {} of {wanted} ({error}): set fewer workers or smaller stacks",
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
