//! The lazy map as its consumer sees it.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::panic::drop_contained;
use crate::stream_state::{Front, Helper, StreamState};
use crate::{Handle, JobError, ThreadPool, TimedOut, crew, task, worker};

#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// At most so many workers.
    pub(crate) limit: usize,
    /// So many inputs at a time.
    pub(crate) chunk: usize,
    /// So many inputs under way, or done and not taken.
    pub(crate) look_ahead: usize,
}

/// A lazy map, as an iterator over the results; what [`Mapping::stream`](crate::Mapping::stream) returns.
///
/// [`next`](Iterator::next) blocks until the next result is there. On one of the pool's own workers it runs the very input
/// whose result is next right there, if nobody has started it, so that a full pool does not wait for itself; deeper than
/// [`Builder::max_inline_depth`](crate::Builder::max_inline_depth) that input is [`JobError::WouldDeadlock`].
///
/// Dropping it half-way drops the inputs that nobody has claimed. What a worker has claimed (a chunk each, at most) is
/// finished but not waited for; its results, and the function, are dropped with the last of it.
#[must_use = "a lazy map does nothing until it is iterated over"]
pub struct MapStream<'a, I, R, F>
where
    I: Iterator,
    F: Fn(I::Item) -> R,
{
    pool: &'a ThreadPool,
    /// Gone once it has ended, or an input has been given up because the pool is closed.
    inputs: Option<I>,
    /// The pool is closed, and nothing more is pulled.
    closed: bool,
    bounds: Bounds,
    state: Arc<StreamState<I::Item, R, F>>,
    helpers: Vec<Handle<()>>,
    /// On their way in. Kept here, so that none is lost when the iterator of the inputs panics.
    pulled: Vec<I::Item>,
    /// How many inputs are in, whose results have not come out.
    under_way: usize,
    /// On their way out.
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
            under_way: 0,
            ready: VecDeque::new(),
        }
    }

    /// As [`next`](Iterator::next), for at most that long, without ever running an input itself. `Ok(None)` at the end.
    ///
    /// The time that the iterator of the inputs takes is its own.
    ///
    /// # Errors
    /// [`TimedOut`] when the next result was not there in that time. Nothing is lost by that.
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<R, JobError>>, TimedOut> {
        // A time beyond the clock's range is no limit.
        let deadline = Instant::now().checked_add(timeout);
        self.next_until(deadline, false)
    }

    fn next_until(
        &mut self,
        deadline: Option<Instant>,
        inline: bool,
    ) -> Result<Option<Result<R, JobError>>, TimedOut> {
        loop {
            self.supply();
            if let Some(result) = self.ready.pop_front() {
                return Ok(Some(result));
            }
            match self.state.take(&mut self.ready) {
                Front::Ready => {
                    self.under_way -= self.ready.len();
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

    /// Sees to it that the workers have something to do. While results are ready to be yielded, half of the room is left
    /// to gather, so that not each of them costs a visit.
    fn supply(&mut self) {
        let kept = self.under_way + self.ready.len();
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
                None => drop_contained(self.inputs.take()),
            }
        }
        self.under_way += self.pulled.len();
        let helpers = self.state.push(&mut self.pulled);
        if helpers > 0 {
            self.send_for(helpers);
        }
    }

    /// Sends for so many helpers, who are counted already.
    fn send_for(&mut self, helpers: usize) {
        let shared = self.pool.shared();
        self.helpers.retain(|helper| !helper.is_finished());
        let before = self.helpers.len();
        let mut closed = false;
        for _ in 0..helpers {
            // Counted, so to be dropped whatever comes.
            let helper = Helper::new(&self.state);
            if !shared.ledger.accept() {
                closed = true;
                continue;
            }
            let (job, outcome) = task::new(move || helper.help());
            shared.queue(job);
            self.helpers.push(Handle::new(outcome, shared.id, false));
        }
        shared.sleep.notify(self.helpers.len() - before);
        crew::grow(shared);
        if closed {
            self.close();
        }
    }

    /// The pool is closed: pulls nothing more, and makes errors of the inputs that no worker has claimed, whether or not
    /// workers are at the others.
    fn close(&mut self) {
        self.closed = true;
        // Those that were pulled before the iterator panicked.
        self.under_way += self.pulled.len();
        for _ in 0..self.state.push(&mut self.pulled) {
            // Counted, and not to come.
            drop(Helper::new(&self.state));
        }
        if self.state.give_up() > 0 {
            drop_contained(self.inputs.take());
        }
    }

    /// What comes after the results of all inputs that were pulled. The end, unless the pool was closed before the end of
    /// the inputs was seen, and all that were pulled by then were done: only the next input can tell.
    fn last_result(&mut self) -> Option<Result<R, JobError>> {
        let next = self.inputs.as_mut()?.next();
        drop_contained(self.inputs.take());
        drop_contained(next?);
        Some(Err(self.pool.shared().cancel_error()))
    }

    /// On a worker of the pool, runs the input at the front.
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
        // Without a deadline no time runs out.
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
        self.pulled.drain(..).for_each(drop_contained);
        self.ready.drain(..).for_each(drop_contained);
        for helper in &self.helpers {
            helper.outcome().cancel(JobError::Cancelled);
        }
        drop_contained(self.inputs.take());
    }
}

impl<I, R, F> fmt::Debug for MapStream<'_, I, R, F>
where
    I: Iterator,
    F: Fn(I::Item) -> R,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream")
            .field("under_way", &(self.under_way + self.ready.len()))
            .finish_non_exhaustive()
    }
}
