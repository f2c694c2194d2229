//! Vectors without spare capacity.

/// Copies a vector to one of the exact capacity. Most tasks have one step, and a vector that grew
/// has room for four, which would dominate the memory of every runner with millions of tasks.
/// Shrinking in place would leave holes that nothing fits.
pub(super) fn exact<T>(mut grown: Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(grown.len());
    exact.append(&mut grown);
    exact
}
