//! The release of memory that a list needed only at its peak.

use std::collections::VecDeque;

/// The capacity that a list keeps once it had it: up to 64 KiB of items.
fn kept<T>() -> usize {
    ((64 << 10) / size_of::<T>().max(1)).clamp(16, 4_096)
}

/// Shrinks a list once three quarters of its capacity are unused. Half of the rest stays free, so
/// that a list whose length goes up and down is not moved each time.
pub(super) fn shrink<T>(items: &mut Vec<T>) {
    if items.len() < items.capacity() / 4 && items.capacity() > kept::<T>() {
        items.shrink_to((2 * items.len()).max(kept::<T>()));
    }
}

/// The same for a deque.
pub(super) fn shrink_deque<T>(items: &mut VecDeque<T>) {
    if items.len() < items.capacity() / 4 && items.capacity() > kept::<T>() {
        items.shrink_to((2 * items.len()).max(kept::<T>()));
    }
}
