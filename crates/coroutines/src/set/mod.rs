//! `Set`, a collection of futures that one task polls.
//!
//! It is like `futures::stream::FuturesUnordered`, but a task has no allocation and no pointers of
//! its own: it takes a slot in a chunk of up to 64, and one bit.

pub(crate) mod block;
#[allow(unsafe_code, reason = "pins the elements of a slice")]
mod chunk;
#[allow(unsafe_code, reason = "makes wakers without an allocation each")]
pub(crate) mod waker;

use std::future::Future;
use std::task::{Context, Poll};

use crate::panic::{TaskPanic, catch};
use crate::sync::Arc;
use block::{Block, Inbox, TASKS};
use chunk::Chunk;
use waker::with_waker;

/// The end of the list of empty slots.
const NONE: usize = usize::MAX;

/// The index of a task that has ended, and its result. Its future is dropped by then.
pub(crate) type Ended<T> = (usize, Result<T, TaskPanic>);

/// Where a future is stored.
#[derive(Clone, Copy)]
pub(crate) struct SlotIndex {
    chunk: usize,
    slot: usize,
}

/// Futures that are polled when woken. Dropping the set drops each of them, even if some panic.
pub(crate) struct Set<F> {
    inbox: Arc<Inbox>,
    chunks: Vec<Chunk<F>>,
    /// The first empty slot: `chunk * TASKS + slot`.
    empty: usize,
    len: usize,
    /// Blocks taken from the inbox; those before `next` are done.
    batch: Vec<usize>,
    next: usize,
    /// The current block, and which of its tasks still have to be polled.
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

    /// Adds a future as a woken task.
    pub(crate) fn insert(&mut self, index: usize, future: F) {
        let at = self.store(index, future);
        self.chunks[at.chunk].block.wake(at.slot);
    }

    fn store(&mut self, index: usize, future: F) -> SlotIndex {
        if self.empty == NONE {
            self.grow();
        }
        let at = SlotIndex {
            chunk: self.empty / TASKS,
            slot: self.empty % TASKS,
        };
        let (slot, _) = self.chunks[at.chunk].slot(at.slot);
        let slot = slot.project();
        self.empty = *slot.index;
        *slot.index = index;
        slot.future.fill(future);
        self.len += 1;
        at
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

    /// The next task to poll. Every woken task is polled once before any is polled twice.
    pub(crate) fn next_woken(&mut self) -> Option<SlotIndex> {
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
        Some(SlotIndex {
            chunk: self.chunk,
            slot,
        })
    }

    /// Waits for a wake, after [`next_woken`](Self::next_woken) returned `None`.
    pub(crate) fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.inbox.park(cx.waker()) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Drops all futures, and reports for each whether its destructor panicked.
    pub(crate) fn clear(&mut self, mut each: impl FnMut(usize, Result<(), TaskPanic>)) {
        for chunk in 0..self.chunks.len() {
            for slot in 0..self.chunks[chunk].len() {
                if self.len == 0 {
                    return;
                }
                let (pinned, _) = self.chunks[chunk].slot(slot);
                let future = pinned.project().future;
                if future.is_empty() {
                    continue;
                }
                let dropped = future.cancel();
                each(self.vacate(SlotIndex { chunk, slot }), dropped);
            }
        }
    }

    /// Puts a slot on the list of empty ones. Returns the index of the task that was there.
    fn vacate(&mut self, at: SlotIndex) -> usize {
        let (slot, _) = self.chunks[at.chunk].slot(at.slot);
        let index = std::mem::replace(slot.project().index, self.empty);
        self.empty = at.chunk * TASKS + at.slot;
        self.len -= 1;
        index
    }
}

impl<F: Future> Set<F> {
    /// Adds a future and polls it at once.
    pub(crate) fn start(&mut self, index: usize, future: F) -> Option<Ended<F::Output>> {
        let at = self.store(index, future);
        self.poll(at)
    }

    /// Polls a task. `None` if it has not ended, or if the wake was for an earlier task in its
    /// slot.
    pub(crate) fn poll(&mut self, at: SlotIndex) -> Option<Ended<F::Output>> {
        let (slot, block) = self.chunks[at.chunk].slot(at.slot);
        let polled = with_waker(block, at.slot, |waker| {
            slot.project().future.poll(&mut Context::from_waker(waker))
        });
        match polled {
            Poll::Ready(ended) => Some((self.vacate(at), ended)),
            Poll::Pending => None,
        }
    }
}

impl<F> Drop for Set<F> {
    fn drop(&mut self) {
        // First, so that futures which wake others as they are dropped do not wake the owner. Its
        // waker may panic when dropped, and the futures must still be dropped.
        drop(catch(|| self.inbox.close()));
        self.clear(|_, _| {});
    }
}
