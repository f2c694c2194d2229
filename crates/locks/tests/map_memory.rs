//! The memory of removed keys. The only test of the file, since it counts all memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use effective_locks::sharded::Map;

static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: it counts, and forwards all calls to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller upholds the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller upholds the contract, which is the same.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn shrink_to_fit_frees_the_memory_of_removed_keys() {
    let map = Map::<u64, [u64; 15]>::new();
    let before = LIVE.load(SeqCst);
    (0..100_000).for_each(|key| map.update(key, |value| value[0] += 1));
    assert!(LIVE.load(SeqCst) - before > 12 << 20, "the map is full");
    for key in 0..99_990 {
        assert!(map.remove(&key).is_some());
    }
    map.shrink_to_fit();
    assert!(LIVE.load(SeqCst) - before < 1 << 20);
    assert_eq!(map.len(), 10);
    assert_eq!(map.get(&99_995).unwrap()[0], 1);
}
