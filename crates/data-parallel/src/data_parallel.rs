//! [`DataParallel`], the settings of calls and the pool that they run on.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::cross_pool::Wait;
use crate::error::{BuildError, MAX_WORKERS};
use crate::pool::Pool;
use crate::progress::Progress;

/// Pieces for each worker without a grain: enough that a worker with costly items does not leave
/// the others idle.
const PIECES_PER_WORKER: usize = 32;

/// Where calls run and how finely they split their inputs. Every call and every clone uses the same
/// pool.
///
/// Dropping the last clone joins the threads of its own pool. If that happens on one of those
/// threads, they are left to end by themselves as soon as their jobs have.
///
/// ```
/// use std::num::NonZeroUsize;
/// use effective_data_parallel::DataParallel;
///
/// const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// const GRAIN: NonZeroUsize = NonZeroUsize::new(64).unwrap();
///
/// let pool = DataParallel::new().workers(WORKERS)?.grain(GRAIN);
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
    /// Runs calls on the rayon pool that the calling thread belongs to, or else on rayon's global
    /// pool, which rayon starts on first use and which lives as long as the process.
    ///
    /// # Panics
    /// Not here, but in the first call if the system refuses the threads of the global pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a separate pool with `n` workers, and runs calls on it.
    ///
    /// # Errors
    /// [`BuildError::TooManyWorkers`] above [`MAX_WORKERS`], and [`BuildError::Refused`] if the
    /// system refuses a thread; the threads that had already started have ended by then.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_data_parallel::DataParallel;
    ///
    /// let parallel = DataParallel::new().workers(const { NonZeroUsize::new(3).unwrap() })?;
    /// assert_eq!(parallel.worker_count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn workers(mut self, n: NonZeroUsize) -> Result<Self, BuildError> {
        self.pool = Some(Arc::new(Pool::new(n)?));
        Ok(self)
    }

    /// Starts a separate pool with one worker per core, and runs calls on it. Under a CPU quota of
    /// the process's control group, the number of workers is the quota, rounded up to whole CPUs.
    ///
    /// # Errors
    /// As for [`workers`](Self::workers).
    ///
    /// ```
    /// use effective_data_parallel::DataParallel;
    ///
    /// let parallel = DataParallel::new().worker_per_core()?;
    /// assert!(parallel.worker_count() >= 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn worker_per_core(self) -> Result<Self, BuildError> {
        let cores = num_cpus::get().clamp(1, MAX_WORKERS);
        self.workers(NonZeroUsize::new(cores).unwrap_or(NonZeroUsize::MIN))
    }

    /// Gives a worker `n` items at a time. A map gives it at least `n`, if there are as many, and
    /// fewer than twice as many.
    ///
    /// Without a grain there are about 32 pieces for each worker, which suits most work, and a
    /// stream hands out single items. Use a large grain if items are tiny, and 1 if there are few
    /// and they take long.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_data_parallel::DataParallel;
    ///
    /// // Few items that take long: they are handed out singly.
    /// let parallel = DataParallel::new().grain(NonZeroUsize::MIN);
    /// let sums = parallel.map(&[1_000_u64, 2_000], |n| (1..=*n).sum::<u64>());
    /// assert_eq!(sums.into_iter().collect::<Result<Vec<_>, _>>()?, [500_500, 2_001_000]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grain(mut self, n: NonZeroUsize) -> Self {
        self.grain = Some(n);
        self
    }

    /// Lets a [`stream`](Self::stream) have at most `n` items in flight, or finished and not yet
    /// consumed; rounded up to whole grains. The default is four grains for each worker.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use effective_data_parallel::DataParallel;
    ///
    /// let begun = Arc::new(AtomicUsize::new(0));
    /// let count = Arc::clone(&begun);
    /// let parallel = DataParallel::new().grain(NonZeroUsize::MIN).look_ahead(NonZeroUsize::MIN);
    /// let mut doubled = parallel.stream(0.., move |n: u64| {
    ///     count.fetch_add(1, Ordering::Relaxed);
    ///     2 * n
    /// });
    /// assert_eq!(doubled.next().unwrap()?, 0);
    /// assert!(begun.load(Ordering::Relaxed) <= 2); // the first, and at most one ahead
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn look_ahead(mut self, n: NonZeroUsize) -> Self {
        self.look_ahead = Some(n);
        self
    }

    /// Counts the items of all calls of this value, and of clones made from it later, in
    /// `progress`.
    ///
    /// ```
    /// use effective_data_parallel::{DataParallel, Progress};
    ///
    /// let progress = Progress::new();
    /// DataParallel::new().progress(&progress).map(&[1, 2, 3], |n| n * n);
    /// assert_eq!(progress.total(), 3);
    /// ```
    pub fn progress(mut self, progress: &Progress) -> Self {
        self.progress = Some(progress.clone());
        self
    }

    /// The number of workers that a call from this thread would run on.
    ///
    /// # Panics
    /// As for [`new`](Self::new), since this starts rayon's global pool.
    pub fn worker_count(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.rayon().current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    pub(crate) fn items_at_a_time(&self) -> Option<usize> {
        self.grain.map(NonZeroUsize::get)
    }

    /// The size of one piece on the current pool.
    pub(crate) fn piece(&self, items: usize) -> usize {
        self.items_at_a_time().unwrap_or_else(|| {
            let pieces = rayon::current_num_threads() * PIECES_PER_WORKER;
            items.div_ceil(pieces).max(1)
        })
    }

    /// The number of batches of `grain` items that a stream may have in flight.
    pub(crate) fn batches_ahead(&self, grain: usize) -> usize {
        match self.look_ahead {
            Some(items) => items.get().div_ceil(grain),
            None => self.worker_count() * 4,
        }
    }

    /// Adds the items of a call to the total of the progress counter, if there is one.
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

    /// Records that the calling thread waits for a job of this pool, until the guard is dropped.
    pub(crate) fn wait(&self) -> Option<Wait> {
        self.pool.as_ref()?.wait()
    }

    /// Queues a job for a worker, first in, first out. `job` must not panic.
    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        match &self.pool {
            Some(pool) => pool.rayon().spawn_fifo(job),
            None => rayon::spawn_fifo(job),
        }
    }

    /// Runs `work` where rayon's parallel iterators use the pool of this value.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
