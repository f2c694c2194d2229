//! An ordered stream out of a parallel map, with a bound on what is ahead of its consumer.

mod piece;

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec;

use piece::{Piece, Waited};

use crate::contain::{Discardable, drop_contained};
use crate::progress::Tally;
use crate::{DataParallel, Progress, TaskPanic, TimedOut};

impl DataParallel {
    /// Run `f` on the inputs as the results are asked for: an iterator over the results, in the order of the inputs.
    ///
    /// For inputs that are many, come one by one or never end, and results that are used up as they come. At most
    /// [`look_ahead`](Self::look_ahead) items are ahead of the consumer, so memory stays flat however slow it is, and no
    /// worker waits for it meanwhile. Nothing starts before the first result is asked for. Items are handed out singly,
    /// or by [`grain`](Self::grain), which pays for items of a few microseconds or less.
    ///
    /// ```
    /// use effective_data_parallel::DataParallel;
    ///
    /// let parallel = DataParallel::new().workers(2)?.look_ahead(8)?;
    /// let mut squares = parallel.stream(1_u64.., |n| n * n);
    /// let large = squares.by_ref().flatten().find(|square| *square > 1_000);
    /// assert_eq!(large, Some(1_024));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Each result by itself: the panic of its item. The other items are not affected.
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
            pieces: self.pieces_ahead(grain),
            grain,
            inputs: Some(inputs.into_iter()),
            next: Vec::new(),
            f: Discardable::new(Arc::new(f)),
            ahead: VecDeque::new(),
            items_ahead: 0,
            ready: Vec::new().into_iter(),
        }
    }
}

/// Results in the order of their inputs, computed in parallel a bounded way ahead: see [`DataParallel::stream`].
///
/// Inputs are taken on the thread that asks for a result, as many as there is room for. When an iterator of inputs
/// blocks, so does the one who asks; when it panics, that is the panic of who asks, and no input taken before is lost.
///
/// Asked on a worker of its own pool, it does the next item itself unless another worker has it: so a pool of one
/// worker is enough, and no item is ever started on top of another one that waits.
///
/// Dropped early, it takes back what has not started, and waits for what has.
///
/// # Panics
/// `next` and `next_timeout` panic when the next item asks, on the same thread, for its own result: it would wait for
/// ever.
#[must_use = "it does nothing before a result is asked for"]
pub struct Stream<I: Iterator, R, F> {
    parallel: DataParallel,
    /// At most that many pieces ahead, of `grain` items each.
    pieces: usize,
    grain: usize,
    /// `None` once they have ended.
    inputs: Option<I>,
    /// The piece that is being filled. It outlives a panic of the inputs.
    next: Vec<I::Item>,
    f: Discardable<Arc<F>>,
    ahead: VecDeque<Arc<Piece<I::Item, R, F>>>,
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
    /// The next result if it comes within `time`, or `None` at the end. Not counted is what it takes to get inputs, and,
    /// on a worker of its own pool, to do the next item itself.
    ///
    /// # Errors
    /// [`TimedOut`]. Nothing is lost by that: the next call goes on waiting for the same result.
    pub fn next_timeout(
        &mut self,
        time: Duration,
    ) -> Result<Option<Result<R, TaskPanic>>, TimedOut> {
        self.next_until(Instant::now().checked_add(time))
    }

    fn next_until(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Option<Result<R, TaskPanic>>, TimedOut> {
        loop {
            if let Some(result) = self.ready.next() {
                return Ok(Some(result));
            }
            self.fill();
            let Some(piece) = self.ahead.front() else {
                return Ok(None);
            };
            if self.parallel.is_worker() {
                run(piece, self.parallel.counter());
            }
            let waited = {
                let _wait = self.parallel.wait();
                piece.wait(until)
            };
            match waited {
                Waited::Results(results) => {
                    self.items_ahead -= results.len();
                    self.ready = results.into_iter();
                    self.ahead.pop_front();
                }
                Waited::Late => return Err(TimedOut),
                Waited::OnThisThread => panic!(
                    "an item of a stream waits for its own result: do not ask a stream within its own function"
                ),
            }
        }
    }

    /// Hand out pieces as long as there is room.
    fn fill(&mut self) {
        while self.ahead.len() < self.pieces {
            while self.next.len() < self.grain
                && let Some(inputs) = &mut self.inputs
            {
                match inputs.next() {
                    Some(input) => self.next.push(input),
                    // The iterator is the user's, and its `Drop` may panic. It has done its work.
                    None => drop_contained(self.inputs.take()),
                }
            }
            if self.next.is_empty() {
                return;
            }
            let inputs = std::mem::take(&mut self.next);
            self.parallel.expect(inputs.len());
            self.items_ahead += inputs.len();
            let piece = Arc::new(Piece::new(inputs, Arc::clone(self.f.get())));
            self.ahead.push_back(Arc::clone(&piece));
            let counter = self.parallel.counter().cloned();
            self.parallel.spawn(move || {
                run(&piece, counter.as_ref());
                // It may hold the results, if the stream is gone.
                drop_contained(piece);
            });
        }
    }
}

fn run<T, R, F: Fn(T) -> R>(piece: &Piece<T, R, F>, counter: Option<&Progress>) {
    let mut tally = Tally::new(counter);
    piece.run(move || {
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
        // Without a time there is nothing to run out.
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
        // All of them first, so that none starts while another is waited for.
        for piece in &self.ahead {
            if let Some((inputs, f)) = piece.cancel() {
                inputs.into_iter().for_each(drop_contained);
                drop_contained(f);
            }
        }
        for piece in self.ahead.drain(..) {
            // One that runs on this thread cannot be waited for, and drops its results itself.
            if let Waited::Results(results) = piece.wait(None) {
                results.into_iter().for_each(drop_contained);
            }
        }
        self.ready.by_ref().for_each(drop_contained);
        self.next.drain(..).for_each(drop_contained);
        drop_contained(self.inputs.take());
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
