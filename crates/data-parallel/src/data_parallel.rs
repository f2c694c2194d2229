use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::ConfigError;
use crate::pool::Pool;

/// Where to run and how finely to split. A value to keep: its pool is reused by every call and every clone.
///
/// The last clone dropped joins the threads of its own pool. Dropped on one of them, it leaves them to end by
/// themselves as soon as their jobs are done.
///
/// ```
/// use data_parallel::DataParallel;
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

    /// Run on a pool of its own with one worker per core.
    ///
    /// # Errors
    /// As of [`workers`](Self::workers).
    pub fn worker_per_core(self) -> Result<Self, ConfigError> {
        self.workers(num_cpus::get().min(crate::MAX_WORKERS))
    }

    /// Give a worker at least `n` items at a time, as long as there are that many, and fewer than twice as many in a
    /// map, exactly `n` in a fold.
    ///
    /// Without a grain a map is split as workers fall idle, and a fold into some pieces for each worker; that suits
    /// most work. Set it high when items are tiny, and to 1 when there are few and they take long.
    ///
    /// # Errors
    /// [`ConfigError::ZeroGrain`] when `n` is 0.
    pub fn grain(mut self, n: usize) -> Result<Self, ConfigError> {
        self.grain = Some(NonZeroUsize::new(n).ok_or(ConfigError::ZeroGrain)?);
        Ok(self)
    }

    /// How many workers a call from this thread would run on.
    ///
    /// # Panics
    /// As [`new`](Self::new) says, since asking starts rayon's global pool.
    pub fn worker_count(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.rayon.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    pub(crate) fn items_at_a_time(&self) -> Option<usize> {
        self.grain.map(NonZeroUsize::get)
    }

    /// Run `work` where rayon's parallel iterators use the pool of this value.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.rayon.install(work),
            None => work(),
        }
    }
}
