//! A blocking iterator as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::stream::{FusedStream, Stream};

use crate::listener;
use crate::panic::{contain, drop_contained};
use crate::sync::{Mutex, lock};
use crate::{Job, Offload, OffloadError};

/// A blocking iterator as a stream: what [`Offload::stream`] returns.
pub struct IterStream<I: Iterator> {
    shared: Arc<Shared<I>>,
    offload: Offload,
    /// The one call that fetches, as long as nobody has asked what became of it.
    fetching: Option<Job<()>>,
    is_over: bool,
}

struct Shared<I: Iterator> {
    capacity: usize,
    state: Mutex<State<I::Item>>,
    /// Taken by who fetches.
    iterator: Mutex<Option<I>>,
}

struct State<T> {
    items: VecDeque<T>,
    /// The iterator has ended, or panicked.
    is_ended: bool,
    panic: Option<OffloadError>,
    /// A call fetches, or is about to.
    is_fetching: bool,
    /// Nobody wants items any more.
    is_unwanted: bool,
    waker: Option<Waker>,
}

impl Offload {
    /// A blocking iterator as a stream: `next` is called on a thread of this offload, at most `capacity` items ahead.
    ///
    /// No thread is held while nobody fetches: when `capacity` items are ahead the call ends, and when half of them were
    /// taken the next one starts.
    ///
    /// An item is `Err` if the iterator panicked or its call was not run, say on a closed offload, after all items that came
    /// before; it is the last. Dropping a pending `next` loses nothing. Dropping the stream ends the iterator after the item it is at, and
    /// drops what was fetched ahead.
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
                    is_unwanted: false,
                    waker: None,
                }),
                iterator: Mutex::new(Some(items.into_iter())),
            }),
            offload: self.clone(),
            fetching: None,
            is_over: false,
        }
    }
}

impl<I: Iterator> Shared<I> {
    /// Fetches until enough is ahead, the iterator has ended or nobody wants more.
    fn fetch(&self) {
        let Some(mut iterator) = lock(&self.iterator).take() else {
            return;
        };
        loop {
            let next = contain(|| iterator.next());
            let mut state = lock(&self.state);
            let mut unwanted = None;
            let mut is_last = state.is_unwanted;
            match next {
                Ok(Some(item)) if state.is_unwanted => unwanted = Some(item),
                Ok(Some(item)) => state.items.push_back(item),
                Ok(None) => is_last = true,
                Err(panic) => {
                    state.panic = Some(OffloadError::Panicked(panic));
                    is_last = true;
                }
            }
            let is_full = state.items.len() >= self.capacity;
            if is_last {
                // The iterator goes before its end is seen; its `Drop` may take its time, or panic.
                drop(state);
                drop_contained((iterator, unwanted));
                let waker = {
                    let mut state = lock(&self.state);
                    state.is_ended = true;
                    state.is_fetching = false;
                    state.waker.take()
                };
                waker.into_iter().for_each(listener::wake);
                return;
            }
            let waker = state.waker.take();
            if is_full {
                *lock(&self.iterator) = Some(iterator);
                state.is_fetching = false;
                drop(state);
                waker.into_iter().for_each(listener::wake);
                return;
            }
            drop(state);
            waker.into_iter().for_each(listener::wake);
        }
    }
}

impl<I> IterStream<I>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
{
    /// Has a thread fetch if there is reason to and none does.
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
        if this.is_over {
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
        drop_contained(old);
        if fetch {
            this.fetch();
        }
        if let Some(item) = item {
            // It may go on, but nobody waits for it now.
            this.fetching.iter_mut().for_each(Job::unblock);
            return Poll::Ready(Some(Ok(item)));
        }
        if ended {
            this.is_over = true;
            return Poll::Ready(panic.map(Err));
        }
        // Nothing is ahead. The call that fetches wakes for each item; if it was refused or cancelled, it says so itself.
        if let Some(job) = &mut this.fetching
            && let Poll::Ready(result) = Pin::new(job).poll(cx)
        {
            this.fetching = None;
            match result {
                // It has ended since the look above: look again.
                Ok(()) => cx.waker().wake_by_ref(),
                Err(error) => {
                    this.is_over = true;
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
        self.is_over
    }
}

impl<I: Iterator> Drop for IterStream<I> {
    fn drop(&mut self) {
        // A call that has not started is taken back with this.
        self.fetching = None;
        let (items, waker) = {
            let mut state = lock(&self.shared.state);
            state.is_unwanted = true;
            (std::mem::take(&mut state.items), state.waker.take())
        };
        for item in items {
            drop_contained(item);
        }
        drop_contained(waker);
        // Not there while a call is at it, which then drops it.
        let iterator = lock(&self.shared.iterator).take();
        drop_contained(iterator);
    }
}

impl<I: Iterator> fmt::Debug for IterStream<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterStream")
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl<I: Iterator> Unpin for IterStream<I> {}
