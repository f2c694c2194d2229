//! Memory after the peak of a queue. The only test of this file, since it counts all memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use effective_queue::Queue;

static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Item = (u64, [u8; 1_016]);
type New = fn() -> Queue<Item>;

fn item(n: u64) -> Item {
    (n, [0; 1_016])
}

#[test]
fn queue_releases_the_memory_of_its_peak() {
    const ITEMS: u64 = 20_000;
    let bound = std::num::NonZeroUsize::MAX;
    let kinds: [(&str, New); 4] = [
        ("unbounded", Queue::unbounded),
        ("large bound", || {
            Queue::bounded(std::num::NonZeroUsize::MAX)
        }),
        ("LIFO", || Queue::lifo(None)),
        ("priority", || Queue::priority(None)),
    ];
    assert_eq!(kinds[1].1().capacity(), Some(bound.get()));
    for (kind, new) in kinds {
        let queue = new();
        // Filled one by one and in chunks, and emptied in each way.
        for round in 0..6 {
            let before = LIVE.load(SeqCst);
            if round % 2 == 0 {
                (0..ITEMS).for_each(|n| queue.put(item(n)).unwrap());
            } else {
                queue.put_all((0..ITEMS).map(item)).unwrap();
            }
            assert!(LIVE.load(SeqCst) - before > 16 << 20, "the queue is full");
            match round / 2 {
                0 => while queue.try_get().is_ok() {},
                1 => {
                    while queue
                        .try_get_batch(std::num::NonZeroUsize::MIN.saturating_add(99))
                        .is_ok()
                    {}
                }
                // A few items stay.
                _ => (100..ITEMS).for_each(|_| drop(queue.get().unwrap())),
            }
            let kept = LIVE.load(SeqCst).saturating_sub(before);
            assert!(kept < 1 << 20, "{kind}, round {round}: {kept} bytes kept");
            while queue.try_get().is_ok() {}
        }
    }
}
