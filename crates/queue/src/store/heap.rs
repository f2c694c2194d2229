//! A binary heap that loses no item when a comparison panics, and gets past an item that cannot be
//! compared.
//!
//! Items move only after all comparisons of a step have succeeded. So a comparison that panics
//! leaves the heap unchanged except for the item that was compared. That becomes a suspect, which
//! the next pop compares again, after all other items are in order. If it panics again, it is set
//! aside until the others are gone: the last item needs no comparison. (std's heap removes the
//! greatest item before it restores the order: if that panics, the greatest item is lost.)

use std::mem;

use super::shrink::shrink;

/// The first `heaped` items are a heap, greatest first; the others are not in order yet.
pub(super) struct Heap<T> {
    items: Vec<T>,
    heaped: usize,
    /// Whether the first item may be out of place: it was the last one until the greatest was
    /// taken.
    first_is_unordered: bool,
    /// Items whose comparison panicked.
    suspects: Vec<T>,
    /// Items whose comparison panicked twice.
    set_aside: Vec<T>,
}

impl<T> Heap<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            heaped: 0,
            first_is_unordered: false,
            suspects: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    /// Adds an item without comparing.
    pub(super) fn add(&mut self, item: T) {
        self.items.push(item);
    }

    /// Moves all items of `other` here without comparing.
    pub(super) fn add_all(&mut self, other: &mut Self) {
        self.items.append(&mut other.items);
        self.items.append(&mut other.suspects);
        self.items.append(&mut other.set_aside);
        other.heaped = 0;
    }

    /// Takes all items, in any order, without comparing.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.heaped = 0;
        let lists = [&mut self.items, &mut self.suspects, &mut self.set_aside];
        lists.map(mem::take).into_iter().flatten()
    }
}

impl<T: Ord> Heap<T> {
    /// Takes the greatest item. If a comparison panics, all items are still there. Each panic makes
    /// an item a suspect, sets one aside, or comes between two items that are taken: so a caller
    /// that keeps popping gets all of them.
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.items.is_empty() && self.suspects.is_empty() {
            self.items = mem::take(&mut self.set_aside);
        }
        self.sift_down();
        while self.heaped < self.items.len() {
            self.sift_up(false);
        }
        while let Some(suspect) = self.suspects.pop() {
            self.items.push(suspect);
            self.sift_up(true);
        }
        let last = self.items.len().checked_sub(1)?;
        self.items.swap(0, last);
        self.heaped = last;
        self.first_is_unordered = true;
        let first = self.items.pop();
        shrink(&mut self.items);
        first
    }

    /// Moves the first item down to its place in the heap, whose other items are in order.
    fn sift_down(&mut self) {
        if !mem::take(&mut self.first_is_unordered) {
            return;
        }
        // If a comparison panics, the next pop rebuilds the heap and finds the items that cannot be
        // compared.
        let heaped = mem::take(&mut self.heaped);
        let mut path = Path::default();
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= heaped {
                break;
            }
            let right = left + 1;
            let goes_right = right < heaped && self.items[right] > self.items[left];
            let child = if goes_right { right } else { left };
            if self.items[0] >= self.items[child] {
                break;
            }
            path.push(goes_right);
            at = child;
        }
        let mut at = 0;
        for goes_right in path.turns() {
            let child = 2 * at + 1 + usize::from(goes_right);
            self.items.swap(at, child);
            at = child;
        }
        self.heaped = heaped;
    }

    /// Moves the first item behind the heap up to its place in it. `again` says that comparing it
    /// has panicked before.
    fn sift_up(&mut self, again: bool) {
        let start = self.heaped;
        let guard = Rising { heap: self, again };
        let items = &guard.heap.items;
        let mut end = start;
        while end > 0 && items[start] > items[(end - 1) / 2] {
            end = (end - 1) / 2;
        }
        mem::forget(guard);
        let mut at = start;
        while at > end {
            let parent = (at - 1) / 2;
            self.items.swap(at, parent);
            at = parent;
        }
        self.heaped = start + 1;
    }
}

/// Removes an item if comparing it panics.
struct Rising<'a, T> {
    heap: &'a mut Heap<T>,
    again: bool,
}

impl<T> Drop for Rising<'_, T> {
    fn drop(&mut self) {
        let heap = &mut *self.heap;
        let item = heap.items.swap_remove(heap.heaped);
        if self.again {
            heap.set_aside.push(item);
            return;
        }
        heap.suspects.push(item);
        if heap.heaped == 1 {
            // The only item of the heap was compared with no other, so it may be the bad one.
            heap.suspects.push(heap.items.swap_remove(0));
            heap.heaped = 0;
        }
    }
}

/// The turns on a path down the heap, as bits.
#[derive(Clone, Copy, Default)]
struct Path {
    turns: u64,
    length: u32,
}

impl Path {
    fn push(&mut self, goes_right: bool) {
        self.turns |= u64::from(goes_right) << self.length;
        self.length += 1;
    }

    fn turns(self) -> impl Iterator<Item = bool> {
        (0..self.length).map(move |step| (self.turns >> step) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn pop_returns_the_greatest() {
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
        /// The number of comparisons that succeed before one panics.
        static BUDGET: Cell<u32> = const { Cell::new(u32::MAX) };
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
            let left = BUDGET.get();
            assert!(left > 0, "enough compared");
            BUDGET.set(left - 1);
            self.0.cmp(&other.0)
        }
    }

    #[test]
    fn no_item_is_lost_whichever_comparison_panics() {
        for budget in 0..60 {
            let mut heap = Heap::new();
            for number in [5, 3, 9, 1, 7, 2, 8, 6, 0, 4] {
                heap.add(Touchy(number));
            }
            BUDGET.set(budget);
            let mut got = Vec::new();
            while let Ok(Some(item)) = catch_unwind(AssertUnwindSafe(|| heap.pop())) {
                got.push(item.0);
            }
            BUDGET.set(u32::MAX);
            while let Some(item) = heap.pop() {
                got.push(item.0);
            }
            assert_eq!(got, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "after {budget}");
        }
    }

    /// Panics when compared with one of another kind.
    #[derive(Debug, PartialEq, Eq)]
    struct Mixed(char, u32);

    impl PartialOrd for Mixed {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Mixed {
        fn cmp(&self, other: &Self) -> Ordering {
            assert_eq!(self.0, other.0, "these cannot be compared");
            self.1.cmp(&other.1)
        }
    }

    /// Pops until the heap is empty, and counts the panics.
    fn pop_all<T: Ord>(heap: &mut Heap<T>) -> (Vec<T>, usize) {
        let (mut got, mut panics) = (Vec::new(), 0);
        loop {
            match catch_unwind(AssertUnwindSafe(|| heap.pop())) {
                Ok(Some(item)) => got.push(item),
                Ok(None) => return (got, panics),
                Err(_) => panics += 1,
            }
        }
    }

    #[test]
    fn incomparable_item_blocks_no_other() {
        for odd in 0..20 {
            let mut heap = Heap::new();
            for number in 0..20 {
                let kind = if number == odd { 'b' } else { 'a' };
                heap.add(Mixed(kind, number * 7 % 20));
            }
            let (got, panics) = pop_all(&mut heap);
            assert_eq!(panics, 2, "one for the suspicion, and one for the proof");
            assert_eq!(got.len(), 20);
            let good: Vec<u32> = got
                .iter()
                .filter(|item| item.0 == 'a')
                .map(|item| item.1)
                .collect();
            assert!(good.is_sorted_by(|a, b| a > b), "{odd}: {good:?}");
        }
    }

    #[test]
    fn items_of_two_incomparable_kinds_all_come_out() {
        let mut heap = Heap::new();
        for number in 0..200 {
            heap.add(Mixed(if number % 3 == 0 { 'b' } else { 'a' }, number));
        }
        let (got, panics) = pop_all(&mut heap);
        assert_eq!(got.len(), 200);
        assert!(panics <= 400, "{panics}");
    }

    #[test]
    fn sporadic_panics_do_not_stop_progress() {
        thread_local!(static COMPARED: Cell<u32> = const { Cell::new(0) });
        #[derive(PartialEq, Eq)]
        struct Flaky(u32);
        impl PartialOrd for Flaky {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for Flaky {
            fn cmp(&self, other: &Self) -> Ordering {
                COMPARED.set(COMPARED.get() + 1);
                assert!(!COMPARED.get().is_multiple_of(97), "now and then");
                self.0.cmp(&other.0)
            }
        }
        let mut heap = Heap::new();
        (0..300).for_each(|number| heap.add(Flaky(number)));
        let (mut got, _) = pop_all(&mut heap);
        got.sort_unstable_by_key(|item| item.0);
        assert!(got.iter().map(|item| item.0).eq(0..300));
    }
}
