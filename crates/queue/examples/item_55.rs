//! Five workers on a queue, a join when all is done, and an end; then the same counted by hand.
//!
//! Item 55: `cargo run -p effective-queue --example item_55`

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use effective_queue::Queue;

const ITEMS: u64 = 1_000;

/// One item that no worker can process.
const BAD: u64 = 13;

fn main() {
    run();
}

pub(crate) fn run() {
    let done = with_queue();
    assert_eq!(done.len() as u64, ITEMS - 1);
    println!("five workers did {} items, and one failed", done.len());
    let unfinished = counted_by_hand();
    assert_eq!(unfinished, 1);
    println!("counted by hand, {unfinished} item stays unfinished: a join would never return");
}

/// Waits for the last item, and only then ends the workers.
fn with_queue() -> Vec<u64> {
    // Room for ten items: the producer waits for the workers, so memory stays flat.
    let queue = Queue::bounded(NonZeroUsize::new(10).expect("not zero"));
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for item in &queue {
                    // The guard is dropped with the closure, which marks the item done.
                    let work = AssertUnwindSafe(|| {
                        let result = process(*item);
                        drop(item);
                        result
                    });
                    if let Ok(result) = catch_unwind(work) {
                        done.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(result);
                    }
                }
            });
        }
        queue.put_all(0..ITEMS).expect("the queue is open");
        queue.join();
        assert_eq!(queue.unfinished(), 0);
        queue.close();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A channel and a number of unfinished items, which the worker forgets on a panic.
fn counted_by_hand() -> u64 {
    let (put, get) = mpsc::channel();
    let unfinished = AtomicU64::new(ITEMS);
    thread::scope(|scope| {
        scope.spawn(|| {
            for item in get {
                if catch_unwind(|| process(item)).is_ok() {
                    unfinished.fetch_sub(1, Ordering::Relaxed);
                }
            }
        });
        for item in 0..ITEMS {
            put.send(item).expect("the worker receives");
        }
        drop(put);
    });
    unfinished.into_inner()
}

fn process(item: u64) -> u64 {
    assert_ne!(item, BAD, "no worker can process this");
    item * item
}
