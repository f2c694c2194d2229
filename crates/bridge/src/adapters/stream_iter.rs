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

use crate::listener::{self, Listener};
use crate::panic::drop_contained;
use crate::sync::{Mutex, lock, park_until};
use crate::{Call, CallError, Portal};

/// A stream as a blocking iterator: what [`Portal::iter`] returns.
pub struct StreamIter<T> {
    pipe: Arc<Pipe<T>>,
    /// `None` once its end was told.
    call: Option<Call<()>>,
    /// The last item said that the wait could deadlock.
    is_refused: bool,
}

struct Pipe<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    /// The stream has ended in one way or another.
    is_ended: bool,
    /// The thread that waits for an item.
    taker: Option<Listener>,
    /// The coroutine that waits for room.
    giver: Option<Waker>,
}

impl Portal {
    /// A stream as a blocking iterator: it is driven on the portal's runtime, at most `capacity` items ahead.
    ///
    /// An item is `Err` if there was none in time: the iterator then goes on. It is `Err` and the last if the stream panicked
    /// or the runtime is gone, after all items that came before. The [deadline](Self::deadline) holds as for
    /// [`Call::wait`]. Dropping the iterator drops the stream.
    ///
    /// Where the wait could deadlock, `next` returns [`CallError::WouldDeadlock`] once, then `None`, so that
    /// `collect`, `flatten` and the like end there. No item is lost: in a place where it may block the iterator goes on.
    /// [`next_timeout`](StreamIter::next_timeout) returns the error each time.
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
        let pipe = Arc::new(Pipe {
            capacity: capacity.get(),
            state: Mutex::new(State {
                items: VecDeque::new(),
                is_ended: false,
                taker: None,
                giver: None,
            }),
        });
        // Told also when the coroutine is dropped before it has run.
        let ended = Ended(Arc::clone(&pipe));
        let call = self.call(move || async move {
            let pipe = &*ended.0;
            let mut stream = pin!(make());
            loop {
                poll_fn(|cx| pipe.poll_room(cx.waker())).await;
                let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await else {
                    return;
                };
                pipe.push(item);
            }
        });
        StreamIter {
            pipe,
            call: Some(call),
            is_refused: false,
        }
    }
}

struct Ended<T>(Arc<Pipe<T>>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        let taker = {
            let mut state = lock(&self.0.state);
            state.is_ended = true;
            state.taker.take()
        };
        taker.into_iter().for_each(Listener::wake);
    }
}

impl<T> Pipe<T> {
    fn poll_room(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let has_room = state.items.len() < self.capacity;
        let old = if has_room {
            Some(waker)
        } else {
            state.giver.replace(waker)
        };
        drop(state);
        drop_contained(old);
        if has_room {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn push(&self, item: T) {
        let taker = {
            let mut state = lock(&self.state);
            state.items.push_back(item);
            state.taker.take()
        };
        taker.into_iter().for_each(Listener::wake);
    }

    /// `Some(None)`: the stream has ended. `None`: there is nothing yet, and `listener` is told.
    fn take(&self, listener: Option<Listener>) -> Option<Option<T>> {
        let mut state = lock(&self.state);
        let item = state.items.pop_front();
        // Half of the room at a time: a coroutine that is woken for each item costs more than the item.
        let giver = if state.items.len() <= self.capacity / 2 {
            state.giver.take()
        } else {
            None
        };
        let found = match item {
            Some(item) => Some(Some(item)),
            None if state.is_ended => Some(None),
            None => None,
        };
        state.taker = if found.is_none() { listener } else { None };
        drop(state);
        giver.into_iter().for_each(listener::wake);
        found
    }

    /// `None` when the deadline has passed.
    fn take_until(&self, deadline: Option<Instant>) -> Option<Option<T>> {
        loop {
            // First without a listener: most of the time there is something.
            let found = self
                .take(None)
                .or_else(|| self.take(Some(Listener::this_thread())));
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
    /// The next item, for which this blocks for at most `time`: after [`CallError::TimedOut`] the stream goes on and nothing
    /// is lost. With [`Duration::ZERO`] it does not block, and so may be called anywhere.
    ///
    /// # Errors
    /// As the items of [`Portal::iter`].
    pub fn next_timeout(&mut self, time: Duration) -> Option<Result<T, CallError>> {
        self.take(Some(time))
    }

    fn take(&mut self, time: Option<Duration>) -> Option<Result<T, CallError>> {
        let call = self.call.as_ref()?;
        let start = Instant::now();
        let found = if time == Some(Duration::ZERO) {
            self.pipe.take(None)
        } else {
            // Also where an item is there: what must not be must not work by luck.
            let permit = match call.may_block() {
                Ok(permit) => permit,
                Err(place) => return Some(Err(place.into())),
            };
            let limit = time.or_else(|| call.default_deadline(&permit));
            let first = limit.and_then(|time| start.checked_add(time));
            let mut found = self.pipe.take_until(first);
            if found.is_none() && time.is_none() && !permit.is_hidden() && call.has_started() {
                found = self.pipe.take_until(None);
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
            // The coroutine has dropped the stream and ends in the same step, if it has not yet.
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
        let (items, giver) = {
            let mut state = lock(&self.pipe.state);
            (std::mem::take(&mut state.items), state.giver.take())
        };
        for item in items {
            drop_contained(item);
        }
        drop_contained(giver);
    }
}

impl<T> fmt::Debug for StreamIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamIter").finish_non_exhaustive()
    }
}

// A stream is pinned where it is driven; here nothing is.
impl<T> Unpin for StreamIter<T> {}
