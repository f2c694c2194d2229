//! A blocking iterator as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::stream::{FusedStream, Stream};

use crate::offload::error::OffloadError;
use crate::offload::handle::Offload;
use crate::offload::run::Job;
use crate::panic::{catch, drop_quietly};
use crate::sync::{Mutex, lock};
use crate::waiter::Waiter;

/// A blocking iterator as a stream; see [`Offload::stream`].
pub struct IterStream<I: Iterator> {
    shared: Arc<Shared<I>>,
    offload: Offload,
    /// The job that fetches, until its result was taken.
    fetching: Option<Job<()>>,
    is_done: bool,
}

struct Shared<I: Iterator> {
    capacity: usize,
    state: Mutex<State<I::Item>>,
    /// `None` while a job fetches.
    iterator: Mutex<Option<I>>,
}

struct State<T> {
    items: VecDeque<T>,
    /// The iterator has ended, or panicked.
    is_ended: bool,
    panic: Option<OffloadError>,
    /// A job fetches, or was submitted.
    is_fetching: bool,
    /// The stream was dropped.
    is_abandoned: bool,
    waker: Option<Waker>,
}

impl Offload {
    /// Turns a blocking iterator into a stream: jobs of this offload call `next`, at most
    /// `capacity` items ahead.
    ///
    /// An idle stream occupies no thread: the job ends when `capacity` items are ahead, and the
    /// next job starts when half of them have been taken.
    ///
    /// If the iterator panics or its job is not run (on a closed offload, for example), the error
    /// is the last item, after all items before it. Dropping a pending `next` loses nothing.
    /// Dropping the stream stops the iterator after its current item and drops the items fetched
    /// ahead.
    ///
    /// # Examples
    /// ```
    /// use std::io::BufRead;
    /// use std::num::NonZeroUsize;
    /// use futures::StreamExt;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let offload = effective_bridge::Offload::new();
    /// let file = std::io::BufReader::new(std::fs::File::open("README.md")?);
    /// let mut lines = offload.stream(NonZeroUsize::new(64).unwrap(), file.lines());
    /// let first = futures::executor::block_on(lines.next()).expect("a line")??;
    /// assert_eq!(first, "# bridge");
    /// # Ok(()) }
    /// ```
    pub fn stream<I>(&self, capacity: NonZeroUsize, items: I) -> IterStream<I::IntoIter>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
    {
        IterStream {
            shared: Arc::new(Shared {
                capacity: capacity.get(),
                state: Mutex::new(State {
                    items: VecDeque::new(),
                    is_ended: false,
                    panic: None,
                    is_fetching: false,
                    is_abandoned: false,
                    waker: None,
                }),
                iterator: Mutex::new(Some(items.into_iter())),
            }),
            offload: self.clone(),
            fetching: None,
            is_done: false,
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        Waiter::Task(waker).wake();
    }
}

impl<I: Iterator> Shared<I> {
    /// Fetches until `capacity` items are ahead, the iterator has ended or the stream was dropped.
    fn fetch(&self) {
        let Some(mut iterator) = lock(&self.iterator).take() else {
            return;
        };
        loop {
            let next = catch(|| iterator.next());
            let mut state = lock(&self.state);
            let mut abandoned = None;
            let mut is_last = state.is_abandoned;
            match next {
                Ok(Some(item)) if state.is_abandoned => abandoned = Some(item),
                Ok(Some(item)) => state.items.push_back(item),
                Ok(None) => is_last = true,
                Err(panic) => {
                    state.panic = Some(OffloadError::Panicked(panic));
                    is_last = true;
                }
            }
            let is_full = state.items.len() >= self.capacity;
            if is_last {
                // The iterator is dropped before its end becomes visible. Its `Drop` may block or
                // panic.
                drop(state);
                drop_quietly((iterator, abandoned));
                let waker = {
                    let mut state = lock(&self.state);
                    state.is_ended = true;
                    state.is_fetching = false;
                    state.waker.take()
                };
                wake(waker);
                return;
            }
            let waker = state.waker.take();
            if is_full {
                *lock(&self.iterator) = Some(iterator);
                state.is_fetching = false;
                drop(state);
                wake(waker);
                return;
            }
            drop(state);
            wake(waker);
        }
    }
}

impl<I> IterStream<I>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
{
    /// Submits a job that fetches.
    fn fetch(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.fetching = Some(Job::submit(self.offload.shared(), move || shared.fetch()));
    }
}

impl<I> Stream for IterStream<I>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
{
    type Item = Result<I::Item, OffloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_done {
            return Poll::Ready(None);
        }
        let waker = cx.waker().clone();
        let mut state = lock(&this.shared.state);
        let item = state.items.pop_front();
        let few = state.items.len() <= this.shared.capacity / 2;
        let fetch = few && !state.is_ended && !state.is_fetching;
        state.is_fetching |= fetch;
        let ended = item.is_none() && state.is_ended;
        let panic = if ended { state.panic.take() } else { None };
        let old = if item.is_none() && !ended {
            state.waker.replace(waker)
        } else {
            Some(waker)
        };
        drop(state);
        drop(old);
        if fetch {
            this.fetch();
        }
        if let Some(item) = item {
            // The job may continue, but this thread no longer waits for it.
            this.fetching.iter_mut().for_each(Job::unblock);
            return Poll::Ready(Some(Ok(item)));
        }
        if ended {
            this.is_done = true;
            return Poll::Ready(panic.map(Err));
        }
        // No item is ahead. The job wakes this task for each item, or if it is refused or
        // cancelled.
        if let Some(job) = &mut this.fetching
            && let Poll::Ready(result) = Pin::new(job).poll(cx)
        {
            this.fetching = None;
            match result {
                // The job has ended since the check above: check again.
                Ok(()) => cx.waker().wake_by_ref(),
                Err(error) => {
                    this.is_done = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Pending
    }
}

impl<I> FusedStream for IterStream<I>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.is_done
    }
}

impl<I: Iterator> Drop for IterStream<I> {
    fn drop(&mut self) {
        // Withdraws a job that has not started.
        self.fetching = None;
        let (items, waker) = {
            let mut state = lock(&self.shared.state);
            state.is_abandoned = true;
            (std::mem::take(&mut state.items), state.waker.take())
        };
        for item in items {
            drop_quietly(item);
        }
        drop_quietly(waker);
        // `None` while a job fetches, which then drops the iterator.
        let iterator = lock(&self.shared.iterator).take();
        drop_quietly(iterator);
    }
}

impl<I: Iterator> fmt::Debug for IterStream<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterStream")
            .field("is_done", &self.is_done)
            .finish_non_exhaustive()
    }
}

impl<I: Iterator> Unpin for IterStream<I> {}
