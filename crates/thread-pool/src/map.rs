//! `map` as the user sees it: its settings, and the handle on one that runs. The lazy form is in `stream.rs`.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::map_state::{MapJob, MapState, Seat, Stop};
use crate::panic::take_all;
use crate::shared::PoolId;
use crate::stream::Bounds;
use crate::{Handle, JobError, MapStream, ThreadPool, crew, task, worker};

/// So many inputs are under way in a stream at the least: with fewer, who hands short ones over waits more than works.
const LOOK_AHEAD: usize = 64;

/// The settings of a `map`; what [`ThreadPool::mapping`] returns.
///
/// # Examples
/// ```
/// # use std::num::NonZeroUsize;
/// # fn main() -> Result<(), effective_thread_pool::BuildError> {
/// let pool = effective_thread_pool::ThreadPool::new(8)?;
/// let two = NonZeroUsize::new(2).expect("not zero");
/// // At most two of the eight workers take part, and each claims one input at a time.
/// let squares = pool.mapping().limit(two).chunk_size(NonZeroUsize::MIN).run(0..5u32, |n| n * n);
/// assert!(squares.into_iter().flatten().eq([0, 1, 4, 9, 16]));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a mapping does nothing until `run`, `start` or `stream` is called"]
pub struct Mapping<'a> {
    pool: &'a ThreadPool,
    limit: usize,
    chunk: Option<NonZeroUsize>,
    look_ahead: Option<NonZeroUsize>,
}

impl<'a> Mapping<'a> {
    pub(crate) fn new(pool: &'a ThreadPool) -> Self {
        Self {
            pool,
            limit: pool.workers().max(1),
            chunk: None,
            look_ahead: None,
        }
    }

    /// At most this many workers take part, so at most that many calls run at once. Unless set, or if larger: all.
    pub fn limit(mut self, workers: NonZeroUsize) -> Self {
        self.limit = workers.get().min(self.pool.workers().max(1));
        self
    }

    /// A worker claims exactly so many inputs at a time (fewer at the end). Unless set, the size adapts: 1 for inputs
    /// that take some 20 µs or more each, and up to 128 for shorter ones, falling to 1 again towards the end. (In a
    /// [`stream`](Self::stream) it is 1 unless set.)
    pub fn chunk_size(mut self, inputs: NonZeroUsize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// In a [`stream`](Self::stream), at most this many inputs have been pulled whose results have not been yielded. Unless
    /// set: twice what all workers that take part can hold, and 64 at least. The others pull all inputs at once.
    ///
    /// The first call of `next` pulls so many before a worker gets the first of them. Where the inputs come slowly (lines
    /// from a terminal, messages), or one waits for the result of another, set it to as many as may be waited for.
    pub fn look_ahead(mut self, inputs: NonZeroUsize) -> Self {
        self.look_ahead = Some(inputs);
        self
    }

    /// A lazy `map`: an iterator that pulls the inputs as it goes and yields one result per input, in the order of the
    /// inputs.
    ///
    /// Nothing is pulled before the first call of `next`. The calls pull inputs, on the caller's thread, but never more
    /// than [`look_ahead`](Self::look_ahead) ahead, so inputs without end are fine, and memory stays flat however slowly
    /// the results are taken. A worker puts the results of a whole chunk in at once.
    ///
    /// # Errors
    /// Per input, as from [`ThreadPool::map`]. When the pool is closed, inputs that were pulled and not started are errors.
    /// If there are none, one more input is pulled for the error, so that a stream which ends without one has done all of
    /// its inputs. Then the iterator ends.
    ///
    /// # Panics
    /// `next` only if the iterator of the inputs does; it can be called again.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let squares = pool.mapping().stream(0u64.., |n| n * n);
    /// let first: u64 = squares.flatten().take_while(|&square| square < 50).sum();
    /// assert_eq!(first, 140);
    /// # Ok(()) }
    /// ```
    pub fn stream<I, F, R>(self, inputs: I, f: F) -> MapStream<'a, I::IntoIter, R, F>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        let chunk = self.chunk.map_or(1, NonZeroUsize::get);
        let all_hold = self.limit.saturating_mul(chunk);
        let look_ahead = self.look_ahead.map_or_else(
            || all_hold.saturating_mul(2).max(LOOK_AHEAD),
            NonZeroUsize::get,
        );
        let bounds = Bounds {
            limit: self.limit,
            chunk,
            look_ahead,
        };
        MapStream::new(self.pool, inputs.into_iter(), f, bounds)
    }

    /// As [`ThreadPool::map`], with these settings.
    pub fn run<I, F, R>(self, inputs: I, f: F) -> Vec<Result<R, JobError>>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        // A worker of the pool takes part in what it waits for. Its seat is kept before the others are handed out.
        let own_part = self.pool.on_own_worker();
        let (map, seat) = self.begin(inputs, f, own_part);
        // Anyone else gives it back: if nobody comes, because the pool is closed, the map is over.
        let _seat = own_part.then_some(seat);
        map.wait()
    }

    /// Starts a `map` and returns at once. The handle waits for the results, with or without a timeout, or cancels.
    ///
    /// # Panics
    /// Only if the iterator of the inputs does; then nothing has started.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let map = pool.mapping().start(0..100u64, |n| n + 1);
    /// let results = match map.wait_timeout(Duration::from_secs(10)) {
    ///     Ok(results) => results,
    ///     // Late: start no more, and take what there is. The rest is `JobError::Cancelled`.
    ///     Err(late) => {
    ///         late.cancel();
    ///         late.wait()
    ///     }
    /// };
    /// assert_eq!(results.len(), 100);
    /// # Ok(()) }
    /// ```
    pub fn start<I, F, R>(self, inputs: I, f: F) -> MapHandle<R>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        self.begin(inputs, f, false).0
    }

    fn begin<I, F, R>(self, inputs: I, f: F, own_part: bool) -> (MapHandle<R>, Seat<I::Item, R, F>)
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        let inputs = take_all(inputs);
        let chunks = inputs
            .len()
            .div_ceil(self.chunk.map_or(1, NonZeroUsize::get));
        let helpers = self.limit.min(chunks).saturating_sub(usize::from(own_part));
        let map = Arc::new(MapState::new(
            inputs,
            f,
            self.limit,
            self.chunk,
            Arc::clone(self.pool.shared()),
        ));

        // While this first seat is held the map cannot be given up for want of workers.
        let first = Seat::new(&map);
        let shared = self.pool.shared();
        let mut handles = Vec::with_capacity(helpers);
        while handles.len() < helpers && shared.ledger.accept() {
            let seat = Seat::new(&map);
            let (job, outcome) = task::new(move || seat.take_part());
            shared.queue(job);
            handles.push(Handle::new(outcome, shared.id, false));
        }
        shared.sleep.notify(handles.len());
        crew::grow(shared);
        (
            MapHandle {
                map,
                helpers: handles,
                pool: shared.id,
            },
            first,
        )
    }
}

/// A `map` that runs; what [`Mapping::start`] returns.
///
/// Dropping it cancels: the inputs that nobody has claimed are dropped at once. What a worker has claimed is finished, but
/// not waited for; the results, and `f`, are dropped with the last of it.
#[must_use = "dropping the handle cancels the map"]
pub struct MapHandle<R> {
    map: Arc<dyn MapJob<R>>,
    helpers: Vec<Handle<()>>,
    pool: PoolId,
}

impl<R: 'static> MapHandle<R> {
    /// Blocks until all is done, and returns one result per input, in the order of the inputs.
    ///
    /// On one of the pool's own workers, that worker takes part if the limit allows.
    ///
    /// # Errors
    /// Per input, as from [`ThreadPool::map`].
    pub fn wait(self) -> Vec<Result<R, JobError>> {
        worker::with_current(self.pool, |worker| {
            if let Some(worker) = worker
                && worker.inline(|| self.map.take_part()).is_err()
            {
                // Others may still come to it, or may all be waiting like this one: that cannot be told.
                self.map.stop(Stop::WouldDeadlock);
            }
        });
        loop {
            if let Some(results) = self.map.wait_until(None) {
                return results;
            }
        }
    }

    /// As [`wait`](Self::wait), for at most that long, and without taking part.
    ///
    /// # Errors
    /// This handle, as good as before, when the time ran out. Nothing is cancelled by that.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Vec<Result<R, JobError>>, Self> {
        // A time beyond the clock's range is no limit.
        let deadline = Instant::now().checked_add(timeout);
        self.map.wait_until(deadline).ok_or(self)
    }

    /// Starts no more calls. The inputs that nobody has claimed are dropped, and their results are
    /// [`JobError::Cancelled`]. Claimed inputs are still done.
    pub fn cancel(&self) {
        self.map.stop(Stop::Cancelled);
    }

    /// Whether all is done, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.map.is_finished()
    }
}

impl<R> Drop for MapHandle<R> {
    fn drop(&mut self) {
        // Nothing is left to stop after a wait; what is left then are queue entries of workers that never came.
        self.map.stop(Stop::Cancelled);
        for helper in &self.helpers {
            helper.cancel();
        }
    }
}

impl<R> fmt::Debug for MapHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapHandle")
            .field("finished", &self.map.is_finished())
            .finish_non_exhaustive()
    }
}
