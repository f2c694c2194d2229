//! A binary heap that loses nothing when a comparison panics, and gets past an item that cannot be compared.
//!
//! Items move only after all comparisons of a step have gone well. So a comparison that panics leaves the heap as it was,
//! but for the item that was compared. That becomes a suspect, which the next pop compares once more, after all others
//! are in order. If it panics again, it is set aside until the others are gone: the last item needs no comparison. (std's
//! heap takes the greatest out before it puts the others in order: if that panics, the greatest is gone.)

use std::mem;

use super::give_back;

/// The first `heaped` items are a heap, greatest first; the others have yet to be moved to their places.
pub(super) struct Heap<T> {
    items: Vec<T>,
    heaped: usize,
    /// The first item may be out of place: it was the last one, until the greatest was taken.
    unsettled: bool,
    /// Items whose comparison panicked.
    suspects: Vec<T>,
    /// Items whose comparison panicked twice.
    aside: Vec<T>,
}

impl<T> Heap<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            heaped: 0,
            unsettled: false,
            suspects: Vec::new(),
            aside: Vec::new(),
        }
    }

    /// Adds an item. Compares nothing.
    pub(super) fn add(&mut self, item: T) {
        self.items.push(item);
    }

    /// Adds all items of the other one, which is empty then. Compares nothing.
    pub(super) fn add_all(&mut self, other: &mut Self) {
        self.items.append(&mut other.items);
        self.items.append(&mut other.suspects);
        self.items.append(&mut other.aside);
        other.heaped = 0;
    }

    /// Takes all items out, in any order. Compares nothing.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.heaped = 0;
        let lists = [&mut self.items, &mut self.suspects, &mut self.aside];
        lists.map(mem::take).into_iter().flatten()
    }
}

impl<T: Ord> Heap<T> {
    /// Takes the greatest item. If a comparison panics, all items are still there. Each panic makes an item a suspect,
    /// sets one aside, or comes between two items that are got: so a caller that goes on popping gets all of them.
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.items.is_empty() && self.suspects.is_empty() {
            self.items = mem::take(&mut self.aside);
        }
        self.settle();
        while self.heaped < self.items.len() {
            self.rise(false);
        }
        while let Some(suspect) = self.suspects.pop() {
            self.items.push(suspect);
            self.rise(true);
        }
        let last = self.items.len().checked_sub(1)?;
        self.items.swap(0, last);
        self.heaped = last;
        self.unsettled = true;
        let first = self.items.pop();
        give_back(&mut self.items);
        first
    }

    /// Moves the first item down to its place among those of the heap, of which the others are in order.
    fn settle(&mut self) {
        if !mem::take(&mut self.unsettled) {
            return;
        }
        // Should a comparison panic, the next pop builds the heap anew, which finds the items that cannot be compared.
        let heaped = mem::take(&mut self.heaped);
        let mut way = Way::default();
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
            way.push(goes_right);
            at = child;
        }
        let mut at = 0;
        for goes_right in way.turns() {
            let child = 2 * at + 1 + usize::from(goes_right);
            self.items.swap(at, child);
            at = child;
        }
        self.heaped = heaped;
    }

    /// Moves the first item behind the heap up to its place in it. `again` says that comparing it has panicked before.
    fn rise(&mut self, again: bool) {
        let start = self.heaped;
        let unless_it_panics = Rising { heap: self, again };
        let items = &unless_it_panics.heap.items;
        let mut end = start;
        while end > 0 && items[start] > items[(end - 1) / 2] {
            end = (end - 1) / 2;
        }
        mem::forget(unless_it_panics);
        let mut at = start;
        while at > end {
            let parent = (at - 1) / 2;
            self.items.swap(at, parent);
            at = parent;
        }
        self.heaped = start + 1;
    }
}

/// Takes an item out of the way if comparing it panics.
struct Rising<'a, T> {
    heap: &'a mut Heap<T>,
    again: bool,
}

impl<T> Drop for Rising<'_, T> {
    fn drop(&mut self) {
        let heap = &mut *self.heap;
        let item = heap.items.swap_remove(heap.heaped);
        if self.again {
            heap.aside.push(item);
            return;
        }
        heap.suspects.push(item);
        if heap.heaped == 1 {
            // The only item of the heap has been compared with no other, and may be the bad one of the two.
            heap.suspects.push(heap.items.swap_remove(0));
            heap.heaped = 0;
        }
    }
}

/// The turns on a way down the heap, as bits.
#[derive(Clone, Copy, Default)]
struct Way {
    turns: u64,
    length: u32,
}

impl Way {
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

    /// Panics when compared with another one that differs in more than the number.
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

    /// Pops until it is empty, however often that panics, and says how often it did.
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
    fn an_item_that_cannot_be_compared_keeps_back_no_other() {
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
    fn two_kinds_that_cannot_be_compared_all_come_out() {
        let mut heap = Heap::new();
        for number in 0..200 {
            heap.add(Mixed(if number % 3 == 0 { 'b' } else { 'a' }, number));
        }
        let (got, panics) = pop_all(&mut heap);
        assert_eq!(got.len(), 200);
        assert!(panics <= 400, "{panics}");
    }

    #[test]
    fn comparisons_that_panic_now_and_then_do_not_stop_progress() {
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
