//! The peak memory of the tasks of one run.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

/// The system allocator, which counts during [`per_task`]. Otherwise it costs one more load.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    if COUNTS.load(Relaxed) {
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: every call is passed to the system allocator unchanged, and so is its result.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: `at` came from `System` with this layout, as all blocks of this allocator do.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // As if by copying: the old block exists until the new one is filled.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        // SAFETY: as for `dealloc`, and the caller keeps the contract for the new size.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The largest number of bytes allocated at once during `work`, per task.
pub(crate) fn per_task<T>(tasks: u64, work: impl FnOnce() -> T) -> u64 {
    LIVE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    let value = work();
    COUNTS.store(false, Relaxed);
    drop(value);
    PEAK.load(Relaxed).max(0).cast_unsigned() as u64 / tasks
}
