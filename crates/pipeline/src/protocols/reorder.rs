//! The reorder buffer: early items wait for those before them.

use std::collections::VecDeque;

/// Items that came early, until those before them have come. The window of the run bounds how early
/// an item can be.
pub struct Reorder<T> {
    /// The index of the first slot.
    next: usize,
    slots: VecDeque<Option<T>>,
}

impl<T> Reorder<T> {
    pub fn new() -> Self {
        Self {
            next: 0,
            slots: VecDeque::new(),
        }
    }

    pub fn insert(&mut self, index: usize, item: T) {
        let slot = index - self.next;
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(item);
    }

    /// The next item in order, if it is there.
    pub fn pop(&mut self) -> Option<T> {
        let item = self.slots.front_mut()?.take()?;
        self.slots.pop_front();
        self.next += 1;
        Some(item)
    }

    /// The remaining items, in order.
    pub fn into_rest(self) -> impl Iterator<Item = T> {
        self.slots.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_index_order() {
        let mut reorder = Reorder::new();
        reorder.insert(2, 'c');
        assert_eq!(reorder.pop(), None);
        reorder.insert(0, 'a');
        assert_eq!(reorder.pop(), Some('a'));
        assert_eq!(reorder.pop(), None);
        reorder.insert(1, 'b');
        reorder.insert(4, 'e');
        assert_eq!(
            [reorder.pop(), reorder.pop(), reorder.pop()],
            [Some('b'), Some('c'), None]
        );
        assert_eq!(reorder.into_rest().collect::<String>(), "e");
    }
}
