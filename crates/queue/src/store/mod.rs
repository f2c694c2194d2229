//! Where items lie until they are got. A store never waits for anybody who is not inside it too, and knows nothing of
//! waiting, counting or closing.
//!
//! One thing is asked of it, by those who wait. Somebody pushes an item, and reads whether anybody waits. Somebody says that
//! it waits, by a `SeqCst` write, and looks for an item. One of the two must see the other, and the same for room. Stores
//! behind a lock give that by the lock. Crossbeam's channel gives it because each push and pop contains a `SeqCst`
//! read-modify-write, and because it finds itself empty or full only after a `SeqCst` fence or load: its own sleeping rests
//! on that.

mod fifo;
mod heap;
mod lane;
mod lifo;
mod priority;

use std::collections::VecDeque;

pub(crate) use fifo::Fifo;
pub(crate) use lifo::Lifo;
pub(crate) use priority::Priority;

/// One order in which items come out. The common one is told apart by a branch, the others by a call.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a queue, behind its `Arc`"
)]
pub(crate) enum Store<T> {
    Fifo(Fifo<T>),
    Other(Box<dyn Ordered<T>>),
}

/// An order other than FIFO.
pub(crate) trait Ordered<T>: Send + Sync {
    /// Stores the item, or hands it back where there is no room. Runs no code of the user.
    fn push(&self, item: T) -> Result<(), T>;
    /// Takes the item whose turn it is.
    fn pop(&self) -> Option<T>;
    /// Takes up to `max` items, in order. Should that panic, none is taken.
    fn pop_batch(&self, max: usize) -> Vec<T>;
    /// Takes all items, in any order. Runs no code of the user.
    fn pop_all(&self) -> Vec<T>;
    fn len(&self) -> usize;
    /// How many there is room for; `None` for no bound.
    fn capacity(&self) -> Option<usize>;
}

/// How many items a list keeps room for that was fuller once: up to 64 KiB of them.
fn kept<T>() -> usize {
    ((64 << 10) / size_of::<T>().max(1)).clamp(16, 4_096)
}

/// Gives memory back once three quarters of it are not used. Half of what is left stays free, so that a list whose length
/// goes up and down is not moved each time.
fn give_back<T>(items: &mut Vec<T>) {
    if items.len() < items.capacity() / 4 && items.capacity() > kept::<T>() {
        items.shrink_to((2 * items.len()).max(kept::<T>()));
    }
}

/// The same for a list that is emptied at its front.
fn give_back_front<T>(items: &mut VecDeque<T>) {
    if items.len() < items.capacity() / 4 && items.capacity() > kept::<T>() {
        items.shrink_to((2 * items.len()).max(kept::<T>()));
    }
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

    /// Takes all items, in any order. Runs no code of the user.
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

    /// No room at this moment.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.capacity()
            .is_some_and(|capacity| self.len() >= capacity)
    }

    /// Room for many at this moment.
    pub(crate) fn is_half_empty(&self) -> bool {
        self.capacity()
            .is_none_or(|capacity| self.len() <= capacity / 2)
    }
}
