//! The tasks that are under way for one owner, polled in its own task.
//!
//! Like `futures::stream::FuturesUnordered`, of which it differs in what a task costs: no allocation and no pointers of
//! its own, but a place in a chunk of up to 64, and a bit.

#[allow(unsafe_code, reason = "pins what is in a slice")]
mod chunk;
mod ready;
mod sync;
#[allow(unsafe_code, reason = "makes wakers without an allocation each")]
mod waker;

use std::future::Future;
use std::mem::needs_drop;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::TaskPanic;
use crate::panic::{contain, drop_contained};
use chunk::{Chunk, Slot};
use ready::{Block, Inbox, TASKS};
use sync::Arc;
use waker::with_waker;

/// No place.
const NONE: usize = usize::MAX;

/// A task that has ended, by its number. Its future is dropped by then.
pub(crate) type Ended<T> = (usize, Result<T, TaskPanic>);

/// Where a task is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    chunk: usize,
    slot: usize,
}

/// Futures that are polled when they were woken. Dropping this drops them, each by itself.
pub(crate) struct Set<F> {
    inbox: Arc<Inbox>,
    chunks: Vec<Chunk<F>>,
    /// The first empty place: `chunk * TASKS + slot`.
    empty: usize,
    len: usize,
    /// The blocks that were taken from the inbox; those before `next` are done.
    batch: Vec<usize>,
    next: usize,
    /// The block in hand, and which of its tasks are still to be polled.
    chunk: usize,
    woken: usize,
}

impl<F> Set<F> {
    pub(crate) fn new() -> Self {
        Self {
            inbox: Arc::new(Inbox::new()),
            chunks: Vec::new(),
            empty: NONE,
            len: 0,
            batch: Vec::new(),
            next: 0,
            chunk: 0,
            woken: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes a future in, to be polled when it comes to its turn.
    pub(crate) fn insert(&mut self, number: usize, future: F) {
        let place = self.place(number, future);
        self.chunks[place.chunk].block.wake(place.slot);
    }

    fn place(&mut self, number: usize, future: F) -> Place {
        if self.empty == NONE {
            self.grow();
        }
        let place = Place {
            chunk: self.empty / TASKS,
            slot: self.empty % TASKS,
        };
        let (slot, _) = self.chunks[place.chunk].slot(place.slot);
        let mut slot = slot.project();
        self.empty = *slot.number;
        *slot.number = number;
        slot.future.set(Some(future));
        self.len += 1;
        place
    }

    fn grow(&mut self) {
        let size = Chunk::<F>::size_after(self.len);
        let chunk = self.chunks.len();
        let block = Arc::new(Block::new(chunk, Arc::clone(&self.inbox)));
        let next = |slot| {
            if slot + 1 < size {
                chunk * TASKS + slot + 1
            } else {
                NONE
            }
        };
        self.chunks.push(Chunk::new(size, block, next));
        self.empty = chunk * TASKS;
    }

    /// The next task to poll; each that was woken gets its turn before one gets a second.
    pub(crate) fn next_woken(&mut self) -> Option<Place> {
        while self.woken == 0 {
            if self.next == self.batch.len() {
                self.batch.clear();
                self.next = 0;
                if !self.inbox.take(&mut self.batch) {
                    return None;
                }
            }
            self.chunk = self.batch[self.next];
            self.next += 1;
            self.woken = self.chunks[self.chunk].block.take();
        }
        let slot = self.woken.trailing_zeros() as usize;
        self.woken &= self.woken - 1;
        Some(Place {
            chunk: self.chunk,
            slot,
        })
    }

    /// Waits for a wake, after [`next_woken`](Self::next_woken) found nothing.
    pub(crate) fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.inbox.park(cx.waker()) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Drops all futures, and tells of each whether that went well.
    pub(crate) fn clear(&mut self, mut each: impl FnMut(usize, Result<(), TaskPanic>)) {
        for chunk in 0..self.chunks.len() {
            for slot in 0..self.chunks[chunk].len() {
                if self.len == 0 {
                    return;
                }
                let place = Place { chunk, slot };
                let (pinned, _) = self.chunks[chunk].slot(slot);
                let mut pinned = pinned.project();
                if pinned.future.is_none() {
                    continue;
                }
                let dropped = contain(|| pinned.future.set(None));
                each(self.vacate(place), dropped);
            }
        }
    }

    /// Puts an empty place on the list of those. Returns the number of the task that was there.
    fn vacate(&mut self, place: Place) -> usize {
        let (slot, _) = self.chunks[place.chunk].slot(place.slot);
        let number = std::mem::replace(slot.project().number, self.empty);
        self.empty = place.chunk * TASKS + place.slot;
        self.len -= 1;
        number
    }
}

impl<F: Future> Set<F> {
    /// Takes a future in and polls it at once.
    pub(crate) fn start(&mut self, number: usize, future: F) -> Option<Ended<F::Output>> {
        let place = self.place(number, future);
        self.poll(place)
    }

    /// Polls a task. `None`: it goes on, or the wake was meant for a task that had this place before.
    pub(crate) fn poll(&mut self, place: Place) -> Option<Ended<F::Output>> {
        let (slot, block) = self.chunks[place.chunk].slot(place.slot);
        let ended = with_waker(block, place.slot, |waker| {
            poll_slot(slot, &mut Context::from_waker(waker))
        })?;
        Some((self.vacate(place), ended))
    }
}

/// Polls a future and catches what it panics with. It is dropped as soon as it has ended, inside the same containment, so
/// that one which panics in its `Drop` is also an error of this task alone.
fn poll_slot<F: Future>(
    slot: Pin<&mut Slot<F>>,
    cx: &mut Context<'_>,
) -> Option<Result<F::Output, TaskPanic>> {
    let mut place = slot.project().future;
    let future = place.as_mut().as_pin_mut()?;
    let polled = match contain(|| future.poll(cx)) {
        Ok(Poll::Pending) => return None,
        Ok(Poll::Ready(value)) => Ok(value),
        Err(panic) => Err(panic),
    };
    if !needs_drop::<F>() {
        place.set(None);
        return Some(polled);
    }
    let dropped = contain(|| place.set(None));
    // The first panic is the cause; a second one, in the drop, follows from it.
    Some(polled.and_then(|value| match dropped {
        Ok(()) => Ok(value),
        Err(panic) => {
            // A value that is thrown away here must not panic its way out either.
            drop_contained(value);
            Err(panic)
        }
    }))
}

impl<F> Drop for Set<F> {
    fn drop(&mut self) {
        // First, so that what the futures wake as they go wakes nobody. The owner's waker may panic as it is dropped.
        drop(contain(|| self.inbox.close()));
        self.clear(|_, _| {});
    }
}
