#![allow(unreachable_pub, reason = "public to the model checks")]

use std::collections::VecDeque;

/// Items that came early, until those before them are there. The window of the run bounds how early that can be.
pub struct Reorder<T> {
    /// The index of the first place.
    next: usize,
    places: VecDeque<Option<T>>,
}

impl<T> Reorder<T> {
    pub fn new() -> Self {
        Self {
            next: 0,
            places: VecDeque::new(),
        }
    }

    pub fn insert(&mut self, index: usize, item: T) {
        let place = index - self.next;
        if place >= self.places.len() {
            self.places.resize_with(place + 1, || None);
        }
        self.places[place] = Some(item);
    }

    /// The item whose turn it is, if it is there.
    pub fn pop(&mut self) -> Option<T> {
        let item = self.places.front_mut()?.take()?;
        self.places.pop_front();
        self.next += 1;
        Some(item)
    }

    /// All that is left, in order.
    pub fn into_rest(self) -> impl Iterator<Item = T> {
        self.places.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_by_index_however_they_come_in() {
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
