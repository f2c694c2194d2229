//! How an offload is set up.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use super::state::Limits;
use super::{BuildError, Offload};

/// How long all calls have waited when another is begun, in case it is what they wait for.
const PATIENCE: Duration = Duration::from_millis(50);

/// The settings of an offload; what [`Offload::builder`] returns.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), effective_bridge::BuildError> {
/// let disk = effective_bridge::Offload::builder().max_threads(8).max_pending(64).name_prefix("disk").build()?;
/// assert_eq!(disk.threads(), 0); // they start as they are needed
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

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            max_threads: 64,
            min_threads: 0,
            max_pending: 1_024,
            idle_timeout: Duration::from_secs(10),
            name_prefix: "offload".to_owned(),
            stack_size: None,
        }
    }

    /// Limits the calls that have begun and not ended, each on a thread; size it by the concurrent requests. Unless set:
    /// 64.
    ///
    /// A call that such a call waits for, itself or by a coroutine of a portal, is not counted with it, but with those of its
    /// own level of nesting: there may be as many of these again, and they go before the others. Calls that are nested
    /// deeper than `threads` get `WouldDeadlock`, as [`CallError`](crate::CallError) or as
    /// [`OffloadError`](crate::OffloadError).
    ///
    /// This is no mutual exclusion, even with 1. When all calls that have begun have been waiting by this crate's means for
    /// 50 ms, the youngest other call is begun, since it may be what they wait for; the next after a time twice as long, and
    /// so on. And a call that has started several others may go on before all of these have ended. Use a
    /// [`Mutex`](std::sync::Mutex) where two must not run at once.
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.max_threads = threads;
        self
    }

    /// So many threads start at once and stay. Unless set: none.
    pub fn min_threads(mut self, threads: usize) -> Self {
        self.min_threads = threads;
        self
    }

    /// At most so many calls are accepted and not started. While there are so many, [`Offload::run`] waits for room and
    /// [`Offload::try_run`] refuses. An [`AsyncWriter`](crate::AsyncWriter) does not wait for room, so that no bytes are lost:
    /// each may have one call beyond. Unless set: 1,024.
    pub fn max_pending(mut self, calls: usize) -> Self {
        self.max_pending = calls;
        self
    }

    /// How long a thread above the [minimum](Self::min_threads) may be idle before it ends. Unless set: 10 s.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
        self
    }

    /// The threads are called by this prefix, a dash and a number. Unless set: `offload`.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// The stack of each thread, in bytes. Unless set: what the standard library gives a thread.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Makes the offload and starts its minimum of threads.
    ///
    /// # Errors
    /// [`BuildError`] if the settings make no offload, or if the system refuses a thread of the minimum.
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
            return Err(BuildError::NoBacklog);
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
            patience: Some(PATIENCE),
        };
        let shared = Arc::new(Shared::new(limits, self.name_prefix, self.stack_size));
        let offload = Offload::from_shared(Arc::clone(&shared));
        for _ in 0..self.min_threads {
            shared.dispatch.expect_one();
            if let Err(error) = shared.start() {
                shared.start_failed();
                // Dropping the offload sends home those that started.
                return Err(BuildError::Spawn(error));
            }
        }
        Ok(offload)
    }
}
