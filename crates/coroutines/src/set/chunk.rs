//! Places for futures that stay where they are.

use std::pin::Pin;

use pin_project_lite::pin_project;

use super::ready::{Block, TASKS};
use super::sync::Arc;

pin_project! {
    /// The place of one future.
    pub(super) struct Slot<F> {
        #[pin]
        pub(super) future: Option<F>,
        // The number of the task; in an empty place, the next one that is empty.
        pub(super) number: usize,
    }
}

/// Up to [`TASKS`] places in one allocation, and the block that their wakers point to.
pub(super) struct Chunk<F> {
    slots: Pin<Box<[Slot<F>]>>,
    pub(super) block: Arc<Block>,
}

impl<F> Chunk<F> {
    /// A chunk to follow `before` places: as large as they are together, so that few tasks take little and many are in
    /// few pieces. Large futures are in smaller ones, since a piece stays when most of its places are empty.
    pub(super) fn size_after(before: usize) -> usize {
        const LEAST: usize = 4;
        const AT_MOST_BYTES: usize = 32 << 10;
        let fit = AT_MOST_BYTES / size_of::<Slot<F>>();
        before.max(LEAST).min(fit.max(1)).min(TASKS)
    }

    /// All places are empty and numbered by `next`, by which each names the one after it.
    pub(super) fn new(size: usize, block: Arc<Block>, next: impl Fn(usize) -> usize) -> Self {
        let slots = (0..size).map(|place| Slot {
            future: None,
            number: next(place),
        });
        Self {
            slots: Box::into_pin(slots.collect()),
            block,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// One place, with the block.
    ///
    /// # Panics
    /// If there is no such place.
    pub(super) fn slot(&mut self, place: usize) -> (Pin<&mut Slot<F>>, &Arc<Block>) {
        // SAFETY: a slot is pinned as its slice is: the slice is behind a box that nothing here moves out of, replaces, or
        // hands out unpinned, and a slice does nothing when it is dropped but to drop its elements in place.
        let slot = unsafe {
            self.slots
                .as_mut()
                .map_unchecked_mut(|slots| &mut slots[place])
        };
        (slot, &self.block)
    }
}
