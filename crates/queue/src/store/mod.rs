//! The stores of the items in a queue, one per order. A store never waits for a thread outside it,
//! and knows nothing of waiters, counts or closing.
//!
//! Waiters rely on one property. A pusher stores an item and then reads whether a waiter exists; a
//! waiter announces itself by a `SeqCst` write and then looks for an item. One of the two must see
//! the other, and likewise for room. Stores behind a lock provide that by the lock. Crossbeam's
//! channel provides it because each push and pop contains a `SeqCst` read-modify-write, and because
//! it reports empty or full only after a `SeqCst` fence or load: its own parking relies on that.

mod bulk_store;
pub(crate) mod fifo;
mod heap;
pub(crate) mod lifo;
mod ordered;
pub(crate) mod priority;
mod shrink;

use std::collections::VecDeque;

use fifo::Fifo;
use ordered::Ordered;

/// The store of one queue. The common order costs a branch, the others a dynamic call.
#[expect(
    clippy::large_enum_variant,
    reason = "each queue has a single one, behind its `Arc`"
)]
pub(crate) enum Store<T> {
    Fifo(Fifo<T>),
    Other(Box<dyn Ordered<T>>),
}

impl<T> Store<T> {
    #[inline]
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        match self {
            Self::Fifo(fifo) => fifo.push(item),
            Self::Other(other) => other.push(item),
        }
    }

    /// Stores items from the front on, as far as there is room.
    pub(crate) fn push_batch(&self, items: &mut VecDeque<T>) {
        if let Self::Fifo(fifo) = self
            && fifo.push_chunk(items)
        {
            return;
        }
        while let Some(item) = items.pop_front() {
            if let Err(item) = self.push(item) {
                items.push_front(item);
                break;
            }
        }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        match self {
            Self::Fifo(fifo) => fifo.pop(),
            Self::Other(other) => other.pop(),
        }
    }

    pub(crate) fn pop_batch(&self, max: usize) -> Vec<T> {
        match self {
            Self::Fifo(fifo) => fifo.pop_batch(max),
            Self::Other(other) => other.pop_batch(max),
        }
    }

    /// Takes all items, in any order. Runs no user code.
    pub(crate) fn pop_all(&self) -> Vec<T> {
        match self {
            Self::Fifo(fifo) => fifo.pop_batch(usize::MAX),
            Self::Other(other) => other.pop_all(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fifo(fifo) => fifo.len(),
            Self::Other(other) => other.len(),
        }
    }

    #[inline]
    pub(crate) fn capacity(&self) -> Option<usize> {
        match self {
            Self::Fifo(fifo) => fifo.capacity(),
            Self::Other(other) => other.capacity(),
        }
    }

    /// Whether there is no room at this moment.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.capacity()
            .is_some_and(|capacity| self.len() >= capacity)
    }

    /// Whether there is room for many items at this moment.
    pub(crate) fn is_half_empty(&self) -> bool {
        self.capacity()
            .is_none_or(|capacity| self.len() <= capacity / 2)
    }
}
