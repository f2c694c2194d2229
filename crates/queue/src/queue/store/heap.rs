//! A binary heap that loses nothing when a comparison panics.
//!
//! Items only ever swap places, so at every moment all of them are in the list. (std's heap takes the greatest out before
//! it puts the others in order: if that panics, the greatest is gone.)

/// The first `heaped` items are a heap, greatest first; the others have yet to be moved to their places.
pub(super) struct Heap<T> {
    items: Vec<T>,
    heaped: usize,
}

impl<T> Heap<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            heaped: 0,
        }
    }

    /// Adds an item. Compares nothing.
    pub(super) fn add(&mut self, item: T) {
        self.items.push(item);
    }

    /// Adds all items of the other one, which is empty then. Compares nothing.
    pub(super) fn add_all(&mut self, other: &mut Self) {
        self.items.append(&mut other.items);
        other.heaped = 0;
    }

    /// Takes all items out, in any order. Compares nothing.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.heaped = 0;
        self.items.drain(..)
    }
}

impl<T: Ord> Heap<T> {
    /// Takes the greatest item. If a comparison panics, all items are still there.
    pub(super) fn pop(&mut self) -> Option<T> {
        // Should a comparison panic, nothing is known of the order.
        let mut heaped = std::mem::take(&mut self.heaped);
        while heaped < self.items.len() {
            self.sift_up(heaped);
            heaped += 1;
        }
        let last = self.items.len().checked_sub(1)?;
        self.items.swap(0, last);
        self.sift_down(last);
        self.heaped = last;
        self.items.pop()
    }

    /// Moves the item up to its place among the first ones, which are a heap.
    fn sift_up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.items[at] <= self.items[parent] {
                break;
            }
            self.items.swap(at, parent);
            at = parent;
        }
    }

    /// Moves the first item down to its place among the first `end`, of which the others are in order.
    fn sift_down(&mut self, end: usize) {
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= end {
                break;
            }
            let right = left + 1;
            let child = if right < end && self.items[right] > self.items[left] {
                right
            } else {
                left
            };
            if self.items[at] >= self.items[child] {
                break;
            }
            self.items.swap(at, child);
            at = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn the_greatest_comes_first() {
        let mut heap = Heap::new();
        let mut seed = 1_u32;
        let mut expected = Vec::new();
        for round in 0..200 {
            for _ in 0..round % 7 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                heap.add(seed >> 20);
                expected.push(seed >> 20);
            }
            expected.sort_unstable();
            assert_eq!(heap.pop(), expected.pop());
        }
        while let Some(greatest) = expected.pop() {
            assert_eq!(heap.pop(), Some(greatest));
        }
        assert_eq!(heap.pop(), None);
    }

    thread_local! {
        /// How many comparisons go well before one panics.
        static PATIENCE: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Touchy(u32);

    impl PartialOrd for Touchy {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Touchy {
        fn cmp(&self, other: &Self) -> Ordering {
            let left = PATIENCE.get();
            assert!(left > 0, "enough compared");
            PATIENCE.set(left - 1);
            self.0.cmp(&other.0)
        }
    }

    #[test]
    fn whichever_comparison_panics_nothing_is_lost() {
        for patience in 0..60 {
            let mut heap = Heap::new();
            for number in [5, 3, 9, 1, 7, 2, 8, 6, 0, 4] {
                heap.add(Touchy(number));
            }
            PATIENCE.set(patience);
            let mut got = Vec::new();
            while let Ok(Some(item)) = catch_unwind(AssertUnwindSafe(|| heap.pop())) {
                got.push(item.0);
            }
            PATIENCE.set(u32::MAX);
            while let Some(item) = heap.pop() {
                got.push(item.0);
            }
            assert_eq!(got, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "after {patience}");
        }
    }
}
