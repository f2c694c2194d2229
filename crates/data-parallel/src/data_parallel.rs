use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::crossing::Wait;
use crate::pool::Pool;
use crate::{ConfigError, Progress};

/// Without a grain: so many pieces for each worker, that one with costlier items does not leave the others idle.
const PIECES_PER_WORKER: usize = 32;

/// Where to run and how finely to split. A value to keep: its pool is reused by every call and every clone.
///
/// The last clone dropped joins the threads of its own pool. Dropped on one of them, it leaves them to end by
/// themselves as soon as their jobs are done.
///
/// ```
/// use effective_data_parallel::DataParallel;
///
/// let pool = DataParallel::new().workers(2)?.grain(64)?;
/// let numbers: Vec<u64> = (1..=1_000).collect();
/// let sum = pool.fold(&numbers, || 0, |sum, n| sum + n, |a, b| a + b)?;
/// assert_eq!(sum, 500_500);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DataParallel {
    pool: Option<Arc<Pool>>,
    grain: Option<NonZeroUsize>,
    look_ahead: Option<NonZeroUsize>,
    progress: Option<Progress>,
}

impl DataParallel {
    /// Run on the rayon pool that the calling thread belongs to, or else on rayon's global one, which rayon starts on
    /// first use and which lives as long as the process.
    ///
    /// # Panics
    /// Not here, but in the first call, when the system refuses rayon the threads of the global pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Run on a pool of its own with `n` workers, which start now.
    ///
    /// # Errors
    /// [`ConfigError::ZeroWorkers`], [`ConfigError::TooManyWorkers`] above [`MAX_WORKERS`](crate::MAX_WORKERS), and
    /// [`ConfigError::Refused`] when the system refuses a thread; then none is left behind.
    pub fn workers(mut self, n: usize) -> Result<Self, ConfigError> {
        self.pool = Some(Arc::new(Pool::new(n)?));
        Ok(self)
    }

    /// Run on a pool of its own with one worker per core. Under a CPU quota of the process's control group these are as
    /// many as the quota, rounded up to whole CPUs.
    ///
    /// # Errors
    /// As of [`workers`](Self::workers).
    pub fn worker_per_core(self) -> Result<Self, ConfigError> {
        self.workers(num_cpus::get().min(crate::MAX_WORKERS))
    }

    /// Give a worker `n` items at a time; in a map at least `n`, as long as there are that many, and fewer than twice as
    /// many.
    ///
    /// Without a grain there are some 32 pieces for each worker, which suits most work, and a stream hands out single
    /// items. Set it high when items are tiny, and to 1 when there are few and they take long.
    ///
    /// # Errors
    /// [`ConfigError::ZeroGrain`] when `n` is 0.
    pub fn grain(mut self, n: usize) -> Result<Self, ConfigError> {
        self.grain = Some(NonZeroUsize::new(n).ok_or(ConfigError::ZeroGrain)?);
        Ok(self)
    }

    /// Let a [`stream`](Self::stream) have at most `n` items under way, or done and not yet asked for; rounded up to
    /// whole grains. Without this it is four grains for each worker.
    ///
    /// # Errors
    /// [`ConfigError::ZeroLookAhead`] when `n` is 0.
    pub fn look_ahead(mut self, n: usize) -> Result<Self, ConfigError> {
        self.look_ahead = Some(NonZeroUsize::new(n).ok_or(ConfigError::ZeroLookAhead)?);
        Ok(self)
    }

    /// Count the items of all calls of this value, and of its later clones, in `progress`.
    pub fn progress(mut self, progress: &Progress) -> Self {
        self.progress = Some(progress.clone());
        self
    }

    /// How many workers a call from this thread would run on.
    ///
    /// # Panics
    /// As [`new`](Self::new) says, since asking starts rayon's global pool.
    pub fn worker_count(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.rayon().current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    pub(crate) fn items_at_a_time(&self) -> Option<usize> {
        self.grain.map(NonZeroUsize::get)
    }

    /// The items of one piece, on the current pool.
    pub(crate) fn piece(&self, items: usize) -> usize {
        self.items_at_a_time().unwrap_or_else(|| {
            let pieces = rayon::current_num_threads() * PIECES_PER_WORKER;
            items.div_ceil(pieces).max(1)
        })
    }

    /// How many pieces of `grain` items a stream has before it.
    pub(crate) fn pieces_ahead(&self, grain: usize) -> usize {
        match self.look_ahead {
            Some(items) => items.get().div_ceil(grain),
            None => self.worker_count() * 4,
        }
    }

    /// Announce a call of that many items to the counter, if there is one.
    pub(crate) fn expect(&self, items: usize) -> Option<&Progress> {
        let progress = self.progress.as_ref()?;
        progress.expect(items);
        Some(progress)
    }

    pub(crate) fn counter(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Whether the calling thread is one of the workers.
    pub(crate) fn is_worker(&self) -> bool {
        let index = match &self.pool {
            Some(pool) => pool.rayon().current_thread_index(),
            None => rayon::current_thread_index(),
        };
        index.is_some()
    }

    /// Record that the calling thread waits for a job of this pool, until the guard is dropped.
    pub(crate) fn wait(&self) -> Option<Wait> {
        self.pool.as_ref()?.wait()
    }

    /// Have a worker do the job later, in the order of the calls. `job` must not panic.
    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        match &self.pool {
            Some(pool) => pool.rayon().spawn_fifo(job),
            None => rayon::spawn_fifo(job),
        }
    }

    /// Run `work` where rayon's parallel iterators use the pool of this value.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
