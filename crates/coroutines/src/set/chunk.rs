//! `Chunk`, a fixed array of pinned futures.

use std::pin::Pin;

use pin_project_lite::pin_project;

use super::block::{Block, TASKS};
use crate::catch_unwind::CatchUnwind;
use crate::sync::Arc;

pin_project! {
    /// The storage of one future.
    pub(super) struct Slot<F> {
        #[pin]
        pub(super) future: CatchUnwind<F>,
        // The index of the task; in an empty slot, the next empty one.
        pub(super) index: usize,
    }
}

/// Up to [`TASKS`] slots in one allocation, and the block that their wakers point to.
pub(super) struct Chunk<F> {
    slots: Pin<Box<[Slot<F>]>>,
    pub(super) block: Arc<Block>,
}

impl<F> Chunk<F> {
    /// The size of a chunk that follows `before` slots.
    ///
    /// It doubles the number of slots, so few tasks take little memory and many are in few chunks.
    /// Large futures get smaller chunks, since a chunk stays while one of its slots is in use.
    pub(super) fn size_after(before: usize) -> usize {
        const LEAST: usize = 4;
        const AT_MOST_BYTES: usize = 32 << 10;
        let fit = AT_MOST_BYTES / size_of::<Slot<F>>();
        before.max(LEAST).min(fit.max(1)).min(TASKS)
    }

    /// A chunk of empty slots. `next` gives the empty slot that follows each.
    pub(super) fn new(size: usize, block: Arc<Block>, next: impl Fn(usize) -> usize) -> Self {
        let slots = (0..size).map(|slot| Slot {
            future: CatchUnwind::empty(),
            index: next(slot),
        });
        Self {
            slots: Box::into_pin(slots.collect()),
            block,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// One slot, with the block.
    ///
    /// # Panics
    /// If there is no such slot.
    pub(super) fn slot(&mut self, slot: usize) -> (Pin<&mut Slot<F>>, &Arc<Block>) {
        // SAFETY: a slot is pinned as its slice is. Nothing here moves out of the boxed slice,
        // replaces it, or hands it out unpinned, and dropping a slice drops its elements in place.
        let slot = unsafe {
            self.slots
                .as_mut()
                .map_unchecked_mut(|slots| &mut slots[slot])
        };
        (slot, &self.block)
    }
}
