//! [`MapStream`], the consumer side of a lazy map.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{JobError, TimedOut};
use crate::growth;
use crate::handle::Handle;
use crate::panic::drop_quietly;
use crate::pool::ThreadPool;
use crate::stream_state::{Front, Helper, StreamState};
use crate::task;
use crate::worker;

#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// The maximum number of workers that take part.
    pub(crate) limit: usize,
    /// The number of inputs in one claim.
    pub(crate) chunk: usize,
    /// The maximum number of inputs in flight, or done and not yielded.
    pub(crate) look_ahead: usize,
}

/// A lazy map: an iterator over the results, returned by
/// [`Mapping::stream`](crate::Mapping::stream).
///
/// [`next`](Iterator::next) blocks until the next result is ready. On one of the pool's own workers
/// it runs the next input inline if no worker has claimed it, so that a full pool does not wait for
/// itself. Nested deeper than [`Builder::max_inline_depth`](crate::Builder::max_inline_depth), that
/// input yields [`JobError::WouldDeadlock`].
///
/// Dropping it before the end drops the unclaimed inputs. Claimed inputs, at most a chunk per
/// worker, are finished but not waited for; their results and the function are dropped after the
/// last of them.
#[must_use = "a lazy map does nothing until it is iterated over"]
pub struct MapStream<'a, I, R, F>
where
    I: Iterator,
    F: Fn(I::Item) -> R,
{
    pool: &'a ThreadPool,
    /// `None` once it has ended, or once an input was given up because the pool is closed.
    inputs: Option<I>,
    /// Whether the pool was seen closed, so that nothing more is pulled.
    closed: bool,
    bounds: Bounds,
    state: Arc<StreamState<I::Item, R, F>>,
    helpers: Vec<Handle<()>>,
    /// Inputs on their way in, kept here so that none is lost if the iterator panics.
    pulled: Vec<I::Item>,
    /// The number of inputs that went in and whose results have not come out.
    in_flight: usize,
    /// Results on their way out.
    ready: VecDeque<Result<R, JobError>>,
}

impl<'a, I, R, F> MapStream<'a, I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
    R: Send + 'static,
{
    pub(crate) fn new(pool: &'a ThreadPool, inputs: I, f: F, bounds: Bounds) -> Self {
        let shared = Arc::clone(pool.shared());
        Self {
            pool,
            inputs: Some(inputs),
            closed: false,
            bounds,
            state: Arc::new(StreamState::new(f, bounds.limit, bounds.chunk, shared)),
            helpers: Vec::new(),
            pulled: Vec::new(),
            in_flight: 0,
            ready: VecDeque::new(),
        }
    }

    /// As [`next`](Iterator::next), for at most `timeout`, and never running an input inline.
    /// Returns `Ok(None)` at the end.
    ///
    /// The timeout does not cover the time that the iterator of the inputs takes.
    ///
    /// # Errors
    /// [`TimedOut`] if the timeout elapsed before the next result was ready. Nothing is lost.
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<R, JobError>>, TimedOut> {
        // A deadline beyond the clock's range is no deadline.
        let deadline = Instant::now().checked_add(timeout);
        self.next_until(deadline, false)
    }

    fn next_until(
        &mut self,
        deadline: Option<Instant>,
        inline: bool,
    ) -> Result<Option<Result<R, JobError>>, TimedOut> {
        loop {
            self.refill();
            if let Some(result) = self.ready.pop_front() {
                return Ok(Some(result));
            }
            match self.state.take(&mut self.ready) {
                Front::Ready => {
                    self.in_flight -= self.ready.len();
                    continue;
                }
                Front::Empty => return Ok(self.last_result()),
                Front::Unclaimed if inline => self.run_inline(),
                Front::Unclaimed | Front::Claimed => {}
            }
            if !self.state.wait(deadline) {
                return Err(TimedOut);
            }
        }
    }

    /// Refills the inputs for the workers. While results are ready, it waits until half of the
    /// look-ahead is free, so that not each result costs a refill.
    fn refill(&mut self) {
        let kept = self.in_flight + self.ready.len();
        if !self.ready.is_empty() && kept > self.bounds.look_ahead / 2 {
            return;
        }
        if self.inputs.is_some() && !self.closed && self.pool.shared().ledger.is_closed() {
            self.close();
        }
        while !self.closed
            && let Some(inputs) = &mut self.inputs
            && kept + self.pulled.len() < self.bounds.look_ahead
        {
            match inputs.next() {
                Some(input) => self.pulled.push(input),
                None => drop_quietly(self.inputs.take()),
            }
        }
        self.in_flight += self.pulled.len();
        let helpers = self.state.push(&mut self.pulled);
        if helpers > 0 {
            self.queue_helpers(helpers);
        }
    }

    /// Queues `helpers` helpers, which are already counted.
    fn queue_helpers(&mut self, helpers: usize) {
        let shared = self.pool.shared();
        self.helpers.retain(|helper| !helper.is_finished());
        let before = self.helpers.len();
        let mut closed = false;
        for _ in 0..helpers {
            // It is already counted, so it must be created and dropped in any case.
            let helper = Helper::new(&self.state);
            if !shared.ledger.accept() {
                closed = true;
                continue;
            }
            let (job, result) = task::new(move || helper.help());
            worker::queue(shared, job);
            self.helpers.push(Handle::new(result, shared.id, false));
        }
        shared.sleep.notify(self.helpers.len() - before);
        growth::grow(shared);
        if closed {
            self.close();
        }
    }

    /// Reacts to a closed pool: pulls nothing more, and turns unclaimed inputs into errors.
    fn close(&mut self) {
        self.closed = true;
        // Inputs pulled before the iterator panicked.
        self.in_flight += self.pulled.len();
        for _ in 0..self.state.push(&mut self.pulled) {
            // Counted, but never queued.
            drop(Helper::new(&self.state));
        }
        if self.state.give_up() > 0 {
            drop_quietly(self.inputs.take());
        }
    }

    /// The result after those of all pulled inputs: usually none. But if the pool was closed before
    /// the end of the inputs was seen, and all pulled inputs were done, only pulling one more shows
    /// whether the stream was cut short.
    fn last_result(&mut self) -> Option<Result<R, JobError>> {
        let next = self.inputs.as_mut()?.next();
        drop_quietly(self.inputs.take());
        drop_quietly(next?);
        Some(Err(self.pool.shared().cancel_error()))
    }

    /// Runs the input at the front, if this is a worker of the pool.
    fn run_inline(&self) {
        worker::with_current(self.pool.shared().id, |worker| {
            if let Some(worker) = worker
                && worker.inline(|| self.state.run_front()).is_err()
            {
                self.state.give_up_front();
            }
        });
    }
}

impl<I, R, F> Iterator for MapStream<'_, I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
    R: Send + 'static,
{
    type Item = Result<R, JobError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Without a deadline there is no timeout.
        self.next_until(None, true).unwrap_or(None)
    }
}

impl<I, R, F> FusedIterator for MapStream<'_, I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
    R: Send + 'static,
{
}

impl<I, R, F> Drop for MapStream<'_, I, R, F>
where
    I: Iterator,
    F: Fn(I::Item) -> R,
{
    fn drop(&mut self) {
        self.state.stop();
        self.pulled.drain(..).for_each(drop_quietly);
        self.ready.drain(..).for_each(drop_quietly);
        for helper in &self.helpers {
            helper.task().cancel(JobError::Cancelled);
        }
        drop_quietly(self.inputs.take());
    }
}

impl<I, R, F> fmt::Debug for MapStream<'_, I, R, F>
where
    I: Iterator,
    F: Fn(I::Item) -> R,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream")
            .field("in_flight", &(self.in_flight + self.ready.len()))
            .finish_non_exhaustive()
    }
}
