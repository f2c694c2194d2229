//! One place per input for its result, full or still empty.

/// Reserves what an iterator announces, up to a bound: an announcement may be far beyond what there is memory for, and
/// is then reached by growing, if ever.
pub(crate) fn reserved<T>((announced, _): (usize, Option<usize>)) -> Vec<Option<T>> {
    const AT_MOST_BYTES: usize = 16 << 20;
    Vec::with_capacity(announced.min(AT_MOST_BYTES / size_of::<Option<T>>().max(1)))
}

/// Takes the wrapping off, in place, once every slot is full.
pub(crate) fn unwrapped<T>(slots: Vec<Option<T>>) -> Vec<T> {
    debug_assert!(slots.iter().all(Option::is_some), "a result is missing");
    slots.into_iter().flatten().collect()
}
