//! The settings of an `Offload`.

use std::sync::Arc;
use std::time::Duration;

use super::error::BuildError;
use super::handle::Offload;
use super::shared::Shared;
use super::state::Limits;

/// How long all running jobs must have been blocked before an extra one is started.
const DEADLOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// The settings of an [`Offload`]; see [`Offload::builder`].
///
/// # Examples
/// ```
/// use effective_bridge::Offload;
/// # fn main() -> Result<(), effective_bridge::BuildError> {
/// let disk = Offload::builder().max_threads(8).max_pending(64).name_prefix("disk").build()?;
/// assert_eq!(disk.threads(), 0); // threads start when they are needed
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    max_threads: usize,
    min_threads: usize,
    max_pending: usize,
    idle_timeout: Duration,
    name_prefix: String,
    stack_size: Option<usize>,
}

impl Offload {
    /// Creates an offload with the default settings of [`Builder`]: at most 64 threads, started
    /// when they are needed.
    pub fn new() -> Self {
        match Self::builder().build() {
            Ok(offload) => offload,
            // The defaults are valid, and no thread is started that could be refused.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> Builder {
        Builder {
            max_threads: 64,
            min_threads: 0,
            max_pending: 1_024,
            idle_timeout: Duration::from_secs(10),
            name_prefix: "offload".to_owned(),
            stack_size: None,
        }
    }
}

impl Default for Offload {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Limits the number of jobs that run at once, each on a thread of its own. Default: 64. Size
    /// it by the number of concurrent requests.
    ///
    /// A job that another job waits for, directly or through a portal's coroutine, counts towards
    /// the limit of its own nesting level: each level may run `threads` jobs more, and deeper
    /// levels go first. Jobs nested deeper than `threads` levels fail with `WouldDeadlock`, as
    /// [`CallError`](crate::CallError) or as [`OffloadError`](crate::OffloadError).
    ///
    /// This is not mutual exclusion, even with a limit of 1. If all running jobs have been blocked
    /// in a wait of this crate for 50 ms, the youngest pending job starts, because it may be what
    /// they wait for; the timeout doubles with each such extra job. And a job that has started
    /// several others may resume before all of them have ended. Use a
    /// [`Mutex`](std::sync::Mutex) where two jobs must not run at once.
    ///
    /// ```
    /// use effective_bridge::Offload;
    /// use futures::executor::block_on;
    ///
    /// // The disk gets at most 4 jobs at once; others wait for their turn.
    /// let disk = Offload::builder().max_threads(4).build()?;
    /// let length = block_on(disk.run(|| std::fs::read("Cargo.toml").map(|bytes| bytes.len())));
    /// assert!(length.unwrap().unwrap() > 0);
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.max_threads = threads;
        self
    }

    /// Starts this many threads at once and keeps them. Default: 0.
    ///
    /// ```
    /// use effective_bridge::Offload;
    ///
    /// let ready = Offload::builder().min_threads(2).build()?;
    /// assert_eq!(ready.threads(), 2); // before the first job
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn min_threads(mut self, threads: usize) -> Self {
        self.min_threads = threads;
        self
    }

    /// Limits the number of jobs that are accepted and not started. Default: 1,024.
    ///
    /// At the limit [`Offload::run`] waits for room and [`Offload::try_run`] refuses. An
    /// [`AsyncWriter`](crate::AsyncWriter) does not wait for room, so that no bytes are lost: each
    /// writer may add one job beyond the limit.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use effective_bridge::{Offload, Refusal};
    ///
    /// let offload = Offload::builder().max_threads(1).max_pending(1).build()?;
    /// let (end, wait) = mpsc::channel::<()>();
    /// let _running = offload.try_run(move || wait.recv()).unwrap();
    /// // One more job is accepted, or two if the thread has already taken the first.
    /// let accepted: Vec<_> = (0..3).map_while(|_| offload.try_run(|| ()).ok()).collect();
    /// assert!(accepted.len() < 3);
    /// drop(end);
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn max_pending(mut self, jobs: usize) -> Self {
        self.max_pending = jobs;
        self
    }

    /// Sets how long a thread above the [minimum](Self::min_threads) stays idle before it exits.
    /// Default: 10 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_bridge::Offload;
    ///
    /// // Keeps its threads over the pauses between bursts of jobs.
    /// let offload = Offload::builder().idle_timeout(Duration::from_secs(60)).build()?;
    /// # drop(offload);
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Names the threads `{prefix}-{number}`. Default: `offload`.
    ///
    /// ```
    /// use std::thread;
    /// use effective_bridge::Offload;
    /// use futures::executor::block_on;
    ///
    /// let disk = Offload::builder().name_prefix("disk").build()?;
    /// let name = block_on(disk.run(|| thread::current().name().map(str::to_owned))).unwrap();
    /// assert!(name.unwrap().starts_with("disk-"));
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// Sets the stack size of each thread in bytes. Default: that of the standard library.
    ///
    /// ```
    /// use effective_bridge::Offload;
    /// use futures::executor::block_on;
    ///
    /// let parser = Offload::builder().stack_size(16 << 20).build()?;
    /// // More than the usual 2 MiB.
    /// let large = || [1_u8; 4 << 20].iter().map(|byte| u32::from(*byte)).sum::<u32>();
    /// assert_eq!(block_on(parser.run(large)).unwrap(), 4 << 20);
    /// # Ok::<(), effective_bridge::BuildError>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Builds the offload and starts its minimum of threads.
    ///
    /// # Errors
    /// [`BuildError`] if a setting cannot work, or if the system refuses a thread.
    pub fn build(self) -> Result<Offload, BuildError> {
        if self.max_threads == 0 {
            return Err(BuildError::NoThreads);
        }
        if self.min_threads > self.max_threads {
            return Err(BuildError::InvalidMinimum {
                min: self.min_threads,
                max: self.max_threads,
            });
        }
        if self.max_pending == 0 {
            return Err(BuildError::NoPending);
        }
        if self.name_prefix.contains('\0') {
            return Err(BuildError::InvalidName);
        }
        let limits = Limits {
            max_threads: self.max_threads,
            min_threads: self.min_threads,
            max_pending: self.max_pending,
            idle_timeout: self.idle_timeout,
            spins: num_cpus::get() > 1,
            deadlock_timeout: Some(DEADLOCK_TIMEOUT),
        };
        let shared = Arc::new(Shared::new(limits, self.name_prefix, self.stack_size));
        let offload = Offload::from_shared(Arc::clone(&shared));
        for _ in 0..self.min_threads {
            shared.dispatch.reserve_worker();
            if let Err(error) = shared.start_worker() {
                shared.start_failed();
                // Dropping `offload` ends the threads that did start.
                return Err(BuildError::Spawn(error));
            }
        }
        Ok(offload)
    }
}
