//! `Slots`, results that arrive in any order and are returned in the order of their inputs.
//!
//! Several crates link this file.

/// One slot per input for its result, full or still empty.
pub(crate) struct Slots<T>(Vec<Option<T>>);

impl<T> Slots<T> {
    /// Reserves room by the size hint of an iterator.
    pub(crate) fn reserved(size_hint: (usize, Option<usize>)) -> Self {
        Self(reserved(size_hint))
    }

    /// Fills a slot. Empty ones are added up to it as needed.
    pub(crate) fn fill(&mut self, index: usize, value: T) {
        if index >= self.0.len() {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(value);
    }

    /// All values, once every slot is full.
    pub(crate) fn into_values(self) -> Vec<T> {
        // This collects in place, without a second allocation.
        let slots = self.0.into_iter();
        slots
            .map(|value| value.expect("every index has its result"))
            .collect()
    }
}

/// A vector with room by the size hint of an iterator.
///
/// The room is bounded, because a hint may be far beyond the memory that is left. A longer vector
/// grows as it is filled.
pub(crate) fn reserved<T>((low, _): (usize, Option<usize>)) -> Vec<T> {
    const AT_MOST_BYTES: usize = 16 << 20;
    Vec::with_capacity(low.min(AT_MOST_BYTES / size_of::<T>().max(1)))
}
