//! One place per input for its result, full or still empty.

use std::mem::{needs_drop, take};

use crate::panic::drop_contained;

/// Results that arrive in any order and leave in that of their numbers.
///
/// When it is dropped on the way, each value is dropped by itself: one that panics there must not take the process down
/// together with a second one, nor keep the others.
pub(crate) struct Results<T>(Vec<Option<T>>);

impl<T> Results<T> {
    /// Reserves what an iterator announces, up to a bound: an announcement may be far beyond what there is memory for,
    /// and is then reached by growing, if ever.
    pub(crate) fn reserved((announced, _): (usize, Option<usize>)) -> Self {
        const AT_MOST_BYTES: usize = 16 << 20;
        let most = AT_MOST_BYTES / size_of::<Option<T>>().max(1);
        Self(Vec::with_capacity(announced.min(most)))
    }

    pub(crate) fn put(&mut self, number: usize, value: T) {
        if number >= self.0.len() {
            self.0.resize_with(number + 1, || None);
        }
        self.0[number] = Some(value);
    }

    /// All values, once every number has one.
    pub(crate) fn into_values(mut self) -> Vec<T> {
        let values = take(&mut self.0).into_iter();
        // In place: no second vector.
        values
            .map(|value| value.expect("every number has its result"))
            .collect()
    }
}

impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.0.drain(..).for_each(drop_contained);
        }
    }
}
