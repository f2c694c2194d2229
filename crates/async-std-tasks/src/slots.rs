//! What is gathered until all is there, and may be thrown away before.

use std::mem;

use crate::panic::drop_contained;

/// Values of the user's that wait to be handed over. Those that never are get dropped one by one, so that one which
/// panics in its `Drop` keeps no other from being dropped.
pub(crate) struct Kept<T>(Vec<T>);

impl<T> Kept<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, value: T) {
        self.0.push(value);
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, now the caller's.
    pub(crate) fn into_vec(mut self) -> Vec<T> {
        mem::take(&mut self.0)
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            self.0.drain(..).for_each(drop_contained);
        }
    }
}

/// One such value, or none yet.
pub(crate) struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The value, now the caller's.
    pub(crate) fn into_value(mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            drop_contained(self.0.take());
        }
    }
}

/// One place per input for its result, full or still empty.
pub(crate) struct Slots<T>(Kept<Option<T>>);

impl<T> Slots<T> {
    pub(crate) fn reserved(announced: (usize, Option<usize>)) -> Self {
        Self(Kept(reserved(announced)))
    }

    /// Fills a place. Those before it that are still empty are made.
    pub(crate) fn fill(&mut self, index: usize, value: T) {
        let places = &mut self.0.0;
        if places.len() <= index {
            places.resize_with(index + 1, || None);
        }
        places[index] = Some(value);
    }

    /// Takes the wrapping off, in place, once every slot is full.
    pub(crate) fn into_values(self) -> Vec<T> {
        let slots = self.0.into_vec();
        debug_assert!(slots.iter().all(Option::is_some), "a result is missing");
        slots.into_iter().flatten().collect()
    }
}

/// Reserves what an iterator announces, up to a bound: an announcement may be far beyond what there is memory for, and
/// is then reached by growing, if ever.
pub(crate) fn reserved<T>((announced, _): (usize, Option<usize>)) -> Vec<T> {
    const AT_MOST_BYTES: usize = 16 << 20;
    Vec::with_capacity(announced.min(AT_MOST_BYTES / size_of::<T>().max(1)))
}
