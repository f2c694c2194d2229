//! [`Mapping`], the settings of a `map`, and [`MapHandle`], a running one. The lazy form is in
//! `stream.rs`.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::JobError;
use crate::growth;
use crate::handle::Handle;
use crate::map_state::{AnyMap, Helper, MapState, StopReason};
use crate::pool::ThreadPool;
use crate::shared::PoolId;
use crate::stream::{Bounds, MapStream};
use crate::task;
use crate::worker;

/// The minimum number of inputs in flight in a stream. With fewer, the thread that hands out short
/// inputs would spend most of its time waiting.
const LOOK_AHEAD: usize = 64;

impl ThreadPool {
    /// Applies `f` to each input and returns one result per input, in the order of the inputs.
    ///
    /// It blocks until all inputs are done. At most [`workers`](Self::workers) calls of `f` run at
    /// once. A worker claims one long input at a time, or several short ones, to spread the cost of
    /// claiming. [`mapping`](Self::mapping) has the settings, and a form that does not block.
    ///
    /// On one of the pool's own workers, that worker takes part, so a full pool makes progress.
    ///
    /// When this returns, `f` and all inputs have been dropped.
    ///
    /// # Errors
    /// Per input: [`JobError::Panicked`] if `f` panicked on it, which does not affect the others.
    /// For inputs on which `f` was never called, [`JobError::Cancelled`] if the pool is closed, or
    /// [`JobError::WouldDeadlock`] if maps are nested deeper than
    /// [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) allows.
    ///
    /// # Panics
    /// Only if the iterator of the inputs panics; then nothing has started.
    pub fn map<I, F, R>(&self, inputs: I, f: F) -> Vec<Result<R, JobError>>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        self.mapping().run(inputs, f)
    }

    /// A `map` with settings, such as the number of workers that take part.
    pub fn mapping(&self) -> Mapping<'_> {
        Mapping::new(self)
    }
}

/// The settings of a `map`, returned by [`ThreadPool::mapping`].
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

    /// The maximum number of workers that take part, and so of calls that run at once. Default and
    /// maximum: all workers.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::new(8)?;
    /// // One input after another, on one worker.
    /// let squares = pool.mapping().limit(NonZeroUsize::MIN).run([1, 2, 3], |n| n * n);
    /// assert!(squares.into_iter().flatten().eq([1, 4, 9]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limit(mut self, workers: NonZeroUsize) -> Self {
        self.limit = workers.get().min(self.pool.workers().max(1));
        self
    }

    /// The exact number of inputs that a worker claims at a time (fewer at the end). By default the
    /// size adapts: 1 for inputs that take about 20 µs or more, up to 128 for shorter ones, and
    /// down to 1 again towards the end. In a [`stream`](Self::stream) the default is 1.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::new(2)?;
    /// let hundred = NonZeroUsize::new(100).expect("not zero");
    /// // Tiny inputs of equal cost.
    /// let rests = pool.mapping().chunk_size(hundred).run(0..1_000, |n: u32| n % 7);
    /// assert_eq!(rests.into_iter().flatten().sum::<u32>(), 2_997);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chunk_size(mut self, inputs: NonZeroUsize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// The maximum number of inputs of a [`stream`](Self::stream) that have been pulled and whose
    /// results have not been yielded. Default: two chunks per participating worker, and at least
    /// 64. Other maps pull all inputs at once.
    ///
    /// The first call of `next` pulls this many inputs before a worker gets the first one. Set a
    /// lower number if inputs arrive slowly (lines from a terminal, messages) or depend on earlier
    /// results.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::num::NonZeroUsize;
    /// use effective_thread_pool::ThreadPool;
    ///
    /// let pool = ThreadPool::new(2)?;
    /// let pulled = Cell::new(0);
    /// let inputs = (0..).inspect(|_| pulled.set(pulled.get() + 1));
    /// let two = NonZeroUsize::new(2).expect("not zero");
    /// let mut doubled = pool.mapping().look_ahead(two).stream(inputs, |n: u64| 2 * n);
    /// assert!(matches!(doubled.next(), Some(Ok(0))));
    /// assert!(pulled.get() <= 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn look_ahead(mut self, inputs: NonZeroUsize) -> Self {
        self.look_ahead = Some(inputs);
        self
    }

    /// A lazy `map`: an iterator that pulls inputs on demand and yields one result per input, in
    /// the order of the inputs.
    ///
    /// Inputs are pulled by `next`, on the caller's thread, and never more than
    /// [`look_ahead`](Self::look_ahead) ahead. Infinite inputs are therefore fine, and memory stays
    /// flat however slowly the results are consumed. A worker delivers the results of a whole chunk
    /// at once.
    ///
    /// # Errors
    /// Per input, as from [`ThreadPool::map`]. If the pool is closed, inputs that were pulled but
    /// not started yield errors. If there are none, one more input is pulled and yields an error,
    /// so that a stream without an error has processed all inputs. Then the iterator ends.
    ///
    /// # Panics
    /// `next` panics only if the iterator of the inputs does; it can be called again.
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
        // A worker of the pool takes part in the map that it waits for. Its helper is made before
        // the others.
        let own_part = self.pool.on_own_worker();
        let (map, helper) = self.begin(inputs, f, own_part);
        // Other threads give it back, so that the map ends if no worker comes because the pool is
        // closed.
        let _helper = own_part.then_some(helper);
        map.wait()
    }

    /// Starts a `map` and returns at once. The handle can wait for the results or cancel the map.
    ///
    /// # Panics
    /// Only if the iterator of the inputs panics; then nothing has started.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), effective_thread_pool::BuildError> {
    /// let pool = effective_thread_pool::ThreadPool::new(2)?;
    /// let map = pool.mapping().start(0..100u64, |n| n + 1);
    /// let results = match map.wait_timeout(Duration::from_secs(10)) {
    ///     Ok(results) => results,
    ///     // Start no more calls. The missing results are `JobError::Cancelled`.
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

    fn begin<I, F, R>(
        self,
        inputs: I,
        f: F,
        own_part: bool,
    ) -> (MapHandle<R>, Helper<I::Item, R, F>)
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        let inputs: Vec<_> = inputs.into_iter().collect();
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

        // While this first helper is held, the map cannot end for lack of workers.
        let first = Helper::new(&map);
        let shared = self.pool.shared();
        let mut handles = Vec::with_capacity(helpers);
        while handles.len() < helpers && shared.ledger.accept() {
            let helper = Helper::new(&map);
            let (job, result) = task::new(move || helper.take_part());
            worker::queue(shared, job);
            handles.push(Handle::new(result, shared.id, false));
        }
        shared.sleep.notify(handles.len());
        growth::grow(shared);
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

/// A running `map`, returned by [`Mapping::start`].
///
/// Dropping it cancels the map: unclaimed inputs are dropped at once. Claimed inputs are finished,
/// but not waited for; their results and `f` are dropped after the last of them.
#[must_use = "dropping the handle cancels the map"]
pub struct MapHandle<R> {
    map: Arc<dyn AnyMap<R>>,
    helpers: Vec<Handle<()>>,
    pool: PoolId,
}

impl<R: 'static> MapHandle<R> {
    /// Blocks until the map has ended, and returns one result per input, in the order of the
    /// inputs.
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
                // Other workers may still join the map, or may all be waiting like this one; there
                // is no way to know.
                self.map.stop(StopReason::WouldDeadlock);
            }
        });
        loop {
            if let Some(results) = self.map.wait_until(None) {
                return results;
            }
        }
    }

    /// As [`wait`](Self::wait), for at most `timeout` and without taking part.
    ///
    /// # Errors
    /// This handle, still valid, if the timeout elapsed. Nothing is cancelled.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Vec<Result<R, JobError>>, Self> {
        if timeout.is_zero() && !self.map.is_finished() {
            return Err(self);
        }
        // A deadline beyond the clock's range is no deadline.
        let deadline = Instant::now().checked_add(timeout);
        self.map.wait_until(deadline).ok_or(self)
    }

    /// Starts no more calls. Unclaimed inputs are dropped, and their results are
    /// [`JobError::Cancelled`]. Claimed inputs are still processed.
    pub fn cancel(&self) {
        self.map.stop(StopReason::Cancelled);
    }

    /// Whether the map has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.map.is_finished()
    }
}

impl<R> Drop for MapHandle<R> {
    fn drop(&mut self) {
        // After a wait there is nothing to stop, but queue entries of workers that never joined may
        // be left.
        self.map.stop(StopReason::Cancelled);
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
