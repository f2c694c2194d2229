//! [`Stream`], an ordered parallel map over an iterator with a bounded look-ahead.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec;

use crate::batch::{Batch, Waited};
use crate::data_parallel::DataParallel;
use crate::error::TimedOut;
use crate::panic::{TaskPanic, drop_quietly};
use crate::progress::{Progress, Tally};

impl DataParallel {
    /// Runs `f` on the inputs in parallel and returns an iterator over the results, in the order of
    /// the inputs.
    ///
    /// Use it if there are many inputs, if they arrive one by one or never end, and if results are
    /// consumed as they arrive. At most [`look_ahead`](Self::look_ahead) items are ahead of the
    /// consumer, so memory stays bounded even if the consumer is slow, and no worker ever blocks
    /// for it. No item starts before the first call of `next`. Items are handed out singly, or by
    /// [`grain`](Self::grain), which is faster for items of a few microseconds or less.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_data_parallel::DataParallel;
    ///
    /// let parallel = DataParallel::new().look_ahead(NonZeroUsize::new(8).unwrap());
    /// let mut squares = parallel.stream(1_u64.., |n| n * n);
    /// let large = squares.by_ref().flatten().find(|square| *square > 1_000);
    /// assert_eq!(large, Some(1_024));
    /// ```
    ///
    /// # Errors
    /// Each result is separate: the panic of one item does not affect the others.
    pub fn stream<I, R, F>(&self, inputs: I, f: F) -> Stream<I::IntoIter, R, F>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        R: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
    {
        let grain = self.items_at_a_time().unwrap_or(1);
        Stream {
            parallel: self.clone(),
            batches: self.batches_ahead(grain),
            grain,
            inputs: Some(inputs.into_iter()),
            next: Vec::new(),
            f: Arc::new(f),
            ahead: VecDeque::new(),
            items_ahead: 0,
            ready: Vec::new().into_iter(),
        }
    }
}

/// Results in the order of their inputs, computed in parallel with a bounded look-ahead: see
/// [`DataParallel::stream`].
///
/// The inputs are pulled by the thread that calls `next`, as far as the look-ahead allows. If their
/// iterator blocks, so does `next`. If it panics, so does `next`, and no input pulled before is
/// lost.
///
/// On a worker of its own pool, `next` runs the next item itself unless another worker has taken
/// it. So a pool with one worker is enough, and a waiting item never has another item started on
/// top of it.
///
/// Dropping the stream early cancels the items that have not started and waits for those that have.
///
/// # Panics
/// `next` and `next_timeout` panic if the next item itself calls them on the same thread: it would
/// wait for its own result.
#[must_use = "a stream starts no item before the first call of `next`"]
pub struct Stream<I: Iterator, R, F> {
    parallel: DataParallel,
    /// The maximum number of batches in flight, of `grain` items each.
    batches: usize,
    grain: usize,
    /// `None` after the last input.
    inputs: Option<I>,
    /// The batch that is being filled. A panic of the inputs leaves it as it is.
    next: Vec<I::Item>,
    f: Arc<F>,
    ahead: VecDeque<Arc<Batch<I::Item, R, F>>>,
    items_ahead: usize,
    ready: vec::IntoIter<Result<R, TaskPanic>>,
}

impl<I, R, F> Stream<I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    R: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
{
    /// The next result, or `None` at the end. It waits for at most `timeout`, which does not bound
    /// pulling inputs nor, on a worker of its own pool, running the next item itself.
    ///
    /// # Errors
    /// [`TimedOut`]. No result is lost: the next call waits for the same one.
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<R, TaskPanic>>, TimedOut> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    fn next_until(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<Result<R, TaskPanic>>, TimedOut> {
        loop {
            if let Some(result) = self.ready.next() {
                return Ok(Some(result));
            }
            self.fill();
            let Some(batch) = self.ahead.front() else {
                return Ok(None);
            };
            if self.parallel.is_worker() {
                run(batch, self.parallel.counter());
            }
            let waited = {
                let _wait = self.parallel.wait();
                batch.wait(deadline)
            };
            match waited {
                Waited::Results(results) => {
                    self.items_ahead -= results.len();
                    self.ready = results.into_iter();
                    self.ahead.pop_front();
                }
                Waited::TimedOut => return Err(TimedOut),
                Waited::OnThisThread => {
                    panic!("an item of a stream waits for its own result: it must not call `next`")
                }
            }
        }
    }

    /// Queues batches up to the look-ahead.
    fn fill(&mut self) {
        while self.ahead.len() < self.batches {
            while self.next.len() < self.grain
                && let Some(inputs) = &mut self.inputs
            {
                match inputs.next() {
                    Some(input) => self.next.push(input),
                    None => self.inputs = None,
                }
            }
            if self.next.is_empty() {
                return;
            }
            let inputs = std::mem::take(&mut self.next);
            self.parallel.expect(inputs.len());
            self.items_ahead += inputs.len();
            let batch = Arc::new(Batch::new(inputs, Arc::clone(&self.f)));
            self.ahead.push_back(Arc::clone(&batch));
            let counter = self.parallel.counter().cloned();
            self.parallel.spawn(move || {
                run(&batch, counter.as_ref());
                // The last reference if the stream is gone. rayon aborts if a job panics.
                drop_quietly(batch);
            });
        }
    }
}

fn run<T, R, F: Fn(T) -> R>(batch: &Batch<T, R, F>, counter: Option<&Progress>) {
    let mut tally = Tally::new(counter);
    batch.run(move || {
        if let Some(tally) = &mut tally {
            tally.add(1);
        }
    });
}

impl<I, R, F> Iterator for Stream<I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    R: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
{
    type Item = Result<R, TaskPanic>;

    fn next(&mut self) -> Option<Self::Item> {
        // Without a deadline it never times out.
        self.next_until(None).ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let taken = self.ready.len() + self.items_ahead + self.next.len();
        let (least, most) = match &self.inputs {
            Some(inputs) => inputs.size_hint(),
            None => (0, Some(0)),
        };
        (
            least.saturating_add(taken),
            most.and_then(|most| most.checked_add(taken)),
        )
    }
}

impl<I, R, F> FusedIterator for Stream<I, R, F>
where
    I: Iterator,
    I::Item: Send + 'static,
    R: Send + 'static,
    F: Fn(I::Item) -> R + Send + Sync + 'static,
{
}

impl<I: Iterator, R, F> Drop for Stream<I, R, F> {
    fn drop(&mut self) {
        // All batches first, so that none starts while another is waited for. Quietly, so that the
        // running items, which may use what the caller drops next, are waited for in any case.
        for batch in &self.ahead {
            if let Some((inputs, f)) = batch.cancel() {
                inputs.into_iter().for_each(drop_quietly);
                drop_quietly(f);
            }
        }
        for batch in self.ahead.drain(..) {
            // A batch that runs on this thread cannot be waited for. It drops its results itself.
            if let Waited::Results(results) = batch.wait(None) {
                results.into_iter().for_each(drop_quietly);
            }
        }
    }
}

impl<I: Iterator, R, F> fmt::Debug for Stream<I, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("parallel", &self.parallel)
            .field("ahead", &self.items_ahead)
            .finish_non_exhaustive()
    }
}
