//! A stream as a blocking iterator.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures::stream::Stream;

use crate::panic::drop_quietly;
use crate::portal::call::Call;
use crate::portal::error::CallError;
use crate::portal::handle::Portal;
use crate::sync::{Mutex, lock, park_until};
use crate::waiter::Waiter;

/// A stream as a blocking iterator; see [`Portal::iter`].
pub struct StreamIter<T> {
    channel: Arc<Channel<T>>,
    /// `None` once the end was returned.
    call: Option<Call<()>>,
    /// The last item was `WouldDeadlock`.
    is_refused: bool,
}

struct Channel<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    /// The stream has ended or was dropped.
    is_ended: bool,
    /// The thread that waits for an item.
    consumer: Option<Waiter>,
    /// The coroutine that waits for room.
    producer: Option<Waker>,
}

impl Portal {
    /// Turns a stream into a blocking iterator: the stream is driven on the portal's runtime, at
    /// most `capacity` items ahead.
    ///
    /// An item is `Err` if none came within the [deadlock timeout](Self::deadlock_timeout), which
    /// applies as in [`Call::wait`]; the iterator then continues. If the stream panics or the
    /// runtime goes away, the error is the last item, after all items before it. Dropping the
    /// iterator drops the stream.
    ///
    /// Where blocking could deadlock, `next` returns [`CallError::WouldDeadlock`] once and then
    /// `None`, so that `collect`, `flatten` and the like end. No item is lost: the iterator
    /// continues where it may block. [`next_timeout`](StreamIter::next_timeout) returns the error
    /// each time.
    ///
    /// # Examples
    /// ```
    /// use std::num::NonZeroUsize;
    /// use futures::stream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let executor = futures::executor::ThreadPool::new()?;
    /// # let portal = effective_bridge::Portal::new(move |coroutine| executor.spawn_ok(coroutine));
    /// let numbers = portal.iter(NonZeroUsize::new(8).unwrap(), || stream::iter(0..100));
    /// assert_eq!(numbers.map(Result::unwrap).sum::<i32>(), 4_950);
    /// # Ok(()) }
    /// ```
    pub fn iter<F, S>(&self, capacity: NonZeroUsize, make: F) -> StreamIter<S::Item>
    where
        F: FnOnce() -> S + Send + 'static,
        S: Stream + Send + 'static,
        S::Item: Send + 'static,
    {
        let channel = Arc::new(Channel {
            capacity: capacity.get(),
            state: Mutex::new(State {
                items: VecDeque::new(),
                is_ended: false,
                consumer: None,
                producer: None,
            }),
        });
        // Also marks the end if the coroutine is dropped before it has run.
        let ended = EndOnDrop(Arc::clone(&channel));
        let call = self.call(move || async move {
            let channel = &*ended.0;
            let mut stream = pin!(make());
            loop {
                poll_fn(|cx| channel.poll_room(cx.waker())).await;
                let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await else {
                    return;
                };
                channel.push(item);
            }
        });
        StreamIter {
            channel,
            call: Some(call),
            is_refused: false,
        }
    }
}

/// Marks the end of the stream.
struct EndOnDrop<T>(Arc<Channel<T>>);

impl<T> Drop for EndOnDrop<T> {
    fn drop(&mut self) {
        let consumer = {
            let mut state = lock(&self.0.state);
            state.is_ended = true;
            state.consumer.take()
        };
        consumer.into_iter().for_each(Waiter::wake);
    }
}

impl<T> Channel<T> {
    fn poll_room(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let has_room = state.items.len() < self.capacity;
        let old = if has_room {
            Some(waker)
        } else {
            state.producer.replace(waker)
        };
        drop(state);
        drop(old);
        if has_room {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn push(&self, item: T) {
        let consumer = {
            let mut state = lock(&self.state);
            state.items.push_back(item);
            state.consumer.take()
        };
        consumer.into_iter().for_each(Waiter::wake);
    }

    /// Takes an item. `Some(None)`: the stream has ended. `None`: no item is there, and `waiter`
    /// was registered.
    fn take(&self, waiter: Option<Waiter>) -> Option<Option<T>> {
        let mut state = lock(&self.state);
        let item = state.items.pop_front();
        // Only once half of the items are taken: waking the coroutine costs more than an item.
        let producer = if state.items.len() <= self.capacity / 2 {
            state.producer.take()
        } else {
            None
        };
        let found = match item {
            Some(item) => Some(Some(item)),
            None if state.is_ended => Some(None),
            None => None,
        };
        state.consumer = if found.is_none() { waiter } else { None };
        drop(state);
        if let Some(producer) = producer {
            Waiter::Task(producer).wake();
        }
        found
    }

    /// Like `take`, but waits; `None` when the deadline has passed.
    fn take_until(&self, deadline: Option<Instant>) -> Option<Option<T>> {
        loop {
            // First without a waiter: usually an item is there.
            let found = self
                .take(None)
                .or_else(|| self.take(Some(Waiter::current_thread())));
            if found.is_some() {
                return found;
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return self.take(None);
            }
            park_until(deadline);
        }
    }
}

impl<T> StreamIter<T> {
    /// Like `next`, but blocks for at most `timeout`: after [`CallError::TimedOut`] the stream
    /// continues and nothing is lost. With [`Duration::ZERO`] this never blocks, and so may be
    /// called anywhere.
    ///
    /// # Errors
    /// Those of the items of [`Portal::iter`].
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<T, CallError>> {
        self.take(Some(timeout))
    }

    fn take(&mut self, timeout: Option<Duration>) -> Option<Result<T, CallError>> {
        let call = self.call.as_ref()?;
        let start = Instant::now();
        let found = if timeout == Some(Duration::ZERO) {
            self.channel.take(None)
        } else {
            // Checked even if an item is there: a forbidden wait must not succeed by luck.
            let permit = match call.may_block() {
                Ok(permit) => permit,
                Err(place) => return Some(Err(place.into())),
            };
            let limit = timeout.or_else(|| call.default_timeout(&permit));
            let first = limit.and_then(|time| start.checked_add(time));
            let mut found = self.channel.take_until(first);
            if found.is_none() && timeout.is_none() && !permit.is_hidden() && call.has_started() {
                found = self.channel.take_until(None);
            }
            found
        };
        let Some(found) = found else {
            return Some(Err(CallError::TimedOut {
                after: start.elapsed(),
                started: call.has_started(),
            }));
        };
        match found {
            Some(item) => Some(Ok(item)),
            // The coroutine has dropped the stream and is about to end.
            None => match self.call.take()?.into_ended() {
                Ok(()) => None,
                Err(error) => Some(Err(error)),
            },
        }
    }
}

impl<T> Iterator for StreamIter<T> {
    type Item = Result<T, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.take(None);
        let is_refused = matches!(item, Some(Err(CallError::WouldDeadlock(_))));
        if std::mem::replace(&mut self.is_refused, is_refused) && is_refused {
            return None;
        }
        item
    }
}

impl<T> Drop for StreamIter<T> {
    fn drop(&mut self) {
        // Cancels the coroutine.
        self.call = None;
        let (items, producer) = {
            let mut state = lock(&self.channel.state);
            (std::mem::take(&mut state.items), state.producer.take())
        };
        for item in items {
            drop_quietly(item);
        }
        drop(producer);
    }
}

impl<T> fmt::Debug for StreamIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamIter").finish_non_exhaustive()
    }
}

// The stream is pinned inside its coroutine, not here.
impl<T> Unpin for StreamIter<T> {}
