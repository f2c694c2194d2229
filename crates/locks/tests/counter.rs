//! `sharded::Counter`: no update is lost, even if threads come and go.

mod support {
    pub(crate) mod in_time;
}

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use effective_locks::sharded::Counter;
use support::in_time::in_time;

#[test]
fn sum_includes_every_update_for_any_shard_count() {
    for shards in [1, 2, 64] {
        let counter = Counter::for_threads(shards);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20_000).for_each(|n| counter.add(n % 3)));
            }
        });
        assert_eq!(counter.sum(), 8 * 19_999, "{shards} shards");
    }
}

#[test]
fn shards_are_reused_by_later_threads_without_loss() {
    in_time(|| {
        let counter = Counter::for_threads(4);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        thread::scope(|scope| {
                            scope.spawn(|| (0..50).for_each(|_| counter.add(1)));
                        });
                        counter.add(1);
                    }
                });
            }
        });
        assert_eq!(counter.sum(), 6 * 100 * 51);
    });
}

#[test]
fn sum_during_additions_never_falls_nor_overshoots() {
    in_time(|| {
        let (counter, over) = (Counter::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..100_000).for_each(|_| counter.add(1)));
            }
            scope.spawn(|| {
                let mut before = 0;
                while !over.load(Ordering::Relaxed) {
                    let sum = counter.sum();
                    assert!((before..=300_000).contains(&sum));
                    before = sum;
                }
            });
            while counter.sum() < 300_000 {
                thread::yield_now();
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn counter_wraps() {
    let counter = Counter::new();
    counter.add(u64::MAX);
    counter.add(3);
    assert_eq!(counter.sum(), 2);
}

#[test]
fn local_count_is_flushed_on_drop_even_by_a_panic() {
    let counter = Counter::default();
    let mut local = counter.local();
    local.add(2);
    local.add(3);
    assert_eq!((local.pending(), counter.sum()), (5, 0));
    local.flush();
    assert_eq!((local.pending(), counter.sum()), (0, 5));
    local.add(1);
    drop(local);
    assert_eq!(counter.sum(), 6);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut local = counter.local();
        local.add(1);
        panic!("while counting");
    }));
    assert!(outcome.is_err());
    assert_eq!(counter.sum(), 7);
}

/// Thread-locals are destroyed in an unspecified order. A destructor may count after the thread has
/// released its index.
#[test]
fn destructor_of_a_thread_local_can_count() {
    struct CountsLate(Option<Arc<Counter>>);
    impl Drop for CountsLate {
        fn drop(&mut self) {
            if let Some(counter) = &self.0 {
                counter.add(1);
            }
        }
    }
    thread_local!(static BEFORE: RefCell<CountsLate> = const { RefCell::new(CountsLate(None)) });
    thread_local!(static AFTER: RefCell<CountsLate> = const { RefCell::new(CountsLate(None)) });
    let counter = Arc::new(Counter::new());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                BEFORE.with_borrow_mut(|late| late.0 = Some(Arc::clone(&counter)));
                counter.add(1);
                AFTER.with_borrow_mut(|late| late.0 = Some(Arc::clone(&counter)));
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("it ends"));
    assert_eq!(counter.sum(), 8 * 3);
}
