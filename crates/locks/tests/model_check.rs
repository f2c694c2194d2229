//! The semaphore, the event and the counter under loom, in every interleaving of up to three
//! preemptions.
//!
//! In a separate target folder: `RUSTFLAGS="--cfg model_check" cargo test --release -p
//! effective-locks --test model_check`. The library then uses the primitives of loom
//! (`src/sync.rs`), so this checks the shipped code. A wait with a timeout is modelled as one that
//! may time out at any step.
#![cfg(model_check)]

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use effective_locks::internals::IndexPool;
use effective_locks::sharded::Counter;
use effective_locks::{Event, Semaphore};
use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle};

const TIMEOUT: Duration = Duration::from_secs(3_600);

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Runs `work` with `shared` on another thread.
fn spawn<S: 'static, R: 'static>(
    shared: &Arc<S>,
    work: impl FnOnce(&S) -> R + 'static,
) -> JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || work(&shared))
}

fn join_all<R>(threads: impl IntoIterator<Item = JoinHandle<R>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Asserts that all permits are free and that there are no waiters.
#[track_caller]
fn assert_idle(semaphore: &Semaphore, permits: usize) {
    assert_eq!((semaphore.available(), semaphore.waiting()), (permits, 0));
}

#[test]
fn semaphore_of_one_permit_is_a_lock() {
    check(|| {
        let shared = Arc::new((Semaphore::new(1), Cell::new(0)));
        let add = |shared: &(Semaphore, Cell<i32>)| {
            let _permit = shared.0.acquire();
            // loom fails here if another thread is here too, or if its write is not ordered before.
            shared.1.set(shared.1.get() + 1);
        };
        let threads: Vec<_> = (0..2).map(|_| spawn(&shared, add)).collect();
        add(&shared);
        join_all(threads);
        assert_idle(&shared.0, 1);
        assert_eq!(shared.1.get(), 3);
    });
}

#[test]
fn permit_released_as_a_waiter_times_out_is_not_lost() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire();
        let impatient = spawn(&semaphore, |semaphore| {
            semaphore.acquire_timeout(TIMEOUT).is_ok()
        });
        let patient = spawn(&semaphore, |semaphore| drop(semaphore.acquire()));
        drop(held);
        impatient.join().unwrap();
        patient.join().unwrap();
        assert_idle(&semaphore, 1);
    });
}

#[test]
fn permits_released_singly_add_up_for_a_waiter() {
    check(|| {
        let shared = Arc::new((Semaphore::new(2), [Cell::new(0), Cell::new(0)]));
        let releases = [0, 1].map(|index| {
            shared.0.acquire().forget();
            spawn(&shared, move |shared| {
                shared.1[index].set(1);
                shared.0.add_permits(1);
            })
        });
        let both = shared.0.acquire_many(2);
        // The write before each release is visible.
        assert_eq!(shared.1[0].get() + shared.1[1].get(), 2);
        drop(both);
        join_all(releases);
        assert_idle(&shared.0, 2);
    });
}

#[test]
fn waiter_behind_one_that_times_out_is_served() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let greedy = spawn(&semaphore, |semaphore| {
            semaphore.acquire_many_timeout(2, TIMEOUT).is_err()
        });
        // One permit is free all the time: this must not wait forever.
        drop(semaphore.acquire());
        assert!(greedy.join().unwrap());
        assert_idle(&semaphore, 1);
    });
}

#[test]
fn permit_is_not_lost_between_try_and_wait() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let giver = spawn(&semaphore, |semaphore| semaphore.add_permits(1));
        let tried = semaphore.try_acquire();
        if tried.is_none() {
            drop(semaphore.acquire());
        }
        drop(tried);
        giver.join().unwrap();
        assert_idle(&semaphore, 1);
    });
}

#[test]
fn release_as_the_only_waiter_times_out_loses_no_permit() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let greedy = spawn(&semaphore, |semaphore| {
            semaphore.acquire_many_timeout(3, TIMEOUT).is_err()
        });
        let giver = spawn(&semaphore, |semaphore| semaphore.add_permits(1));
        let taken = semaphore
            .try_acquire()
            .map(effective_locks::Permit::forget)
            .is_some();
        assert!(greedy.join().unwrap());
        giver.join().unwrap();
        assert_idle(&semaphore, if taken { 1 } else { 2 });
    });
}

#[test]
fn try_acquire_sees_writes_before_a_queued_release() {
    check(|| {
        let shared = Arc::new((Semaphore::new(0), Cell::new(0)));
        let greedy = spawn(&shared, |shared| {
            shared.0.acquire_many_timeout(2, TIMEOUT).is_err()
        });
        let giver = spawn(&shared, |shared| {
            shared.1.set(7);
            shared.0.add_permits(1);
        });
        if let Some(permit) = shared.0.try_acquire() {
            assert_eq!(shared.1.get(), 7);
            drop(permit);
        }
        assert!(greedy.join().unwrap());
        giver.join().unwrap();
        assert_idle(&shared.0, 1);
    });
}

#[test]
fn set_is_not_missed() {
    check(|| {
        let shared = Arc::new((Event::new(), Cell::new(0)));
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                spawn(&shared, |shared| {
                    shared.0.wait();
                    assert_eq!(shared.1.get(), 7);
                })
            })
            .collect();
        shared.1.set(7);
        shared.0.set();
        join_all(waiters);
    });
}

#[test]
fn set_is_not_missed_after_clear_and_timeout() {
    check(|| {
        let event = Arc::new(Event::new());
        let impatient = spawn(&event, |event| event.wait_timeout(TIMEOUT));
        let patient = spawn(&event, |event| event.wait());
        event.set();
        event.clear();
        event.set();
        impatient.join().unwrap();
        patient.join().unwrap();
        assert!(event.is_set());
    });
}

#[test]
fn concurrent_sets_release_all_waiters() {
    check(|| {
        let event = Arc::new(Event::new());
        let setter = spawn(&event, |event| event.set());
        let waiter = spawn(&event, |event| event.wait());
        event.set();
        setter.join().unwrap();
        waiter.join().unwrap();
        assert!(event.is_set());
    });
}

#[test]
fn sum_is_exact_after_joining_and_never_overshoots() {
    check(|| {
        let counter = Arc::new(Counter::for_threads(1));
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                // The first thread has its own shard, the others share.
                spawn(&counter, move |counter| {
                    counter.add_as(thread, 1);
                    counter.add_as(thread, 1);
                })
            })
            .collect();
        assert!(counter.sum() <= 6);
        join_all(threads);
        assert_eq!(counter.sum(), 6);
    });
}

#[test]
fn shard_reused_by_another_thread_loses_no_update() {
    check(|| {
        let shared = Arc::new((IndexPool::new(), Counter::for_threads(2)));
        let count = |shared: &(IndexPool, Counter)| {
            let index = shared.0.acquire();
            shared.1.add_as(index.get(), 1);
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                spawn(&shared, move |shared| {
                    count(shared);
                    // As another thread would that starts after this one has ended.
                    count(shared);
                })
            })
            .collect();
        count(&shared);
        join_all(threads);
        assert_eq!(shared.1.sum(), 5);
    });
}

/// The set of outcomes over all interleavings.
fn outcomes<T: Ord + Clone + Send + 'static>(
    model: impl Fn() -> T + Send + Sync + 'static,
) -> BTreeSet<T> {
    let seen = std::sync::Arc::new(StdMutex::new(BTreeSet::new()));
    let results = std::sync::Arc::clone(&seen);
    check(move || {
        let outcome = model();
        results.lock().unwrap().insert(outcome);
    });
    seen.lock().unwrap().clone()
}

/// All possible sums of two threads that each count once by `count`.
fn sums(count: fn(&AtomicUsize)) -> BTreeSet<usize> {
    outcomes(move || {
        let counter = Arc::new(AtomicUsize::new(0));
        let thread = spawn(&counter, move |counter| count(counter));
        count(&counter);
        thread.join().unwrap();
        counter.load(Ordering::SeqCst)
    })
}

#[test]
fn load_and_store_can_lose_an_update_fetch_add_cannot() {
    let lossy = sums(|counter| {
        let value = counter.load(Ordering::SeqCst);
        counter.store(value + 1, Ordering::SeqCst);
    });
    assert_eq!(lossy, BTreeSet::from([1, 2]));
    let exact = sums(|counter| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(exact, BTreeSet::from([2]));
}

/// Runs two threads that each take a lock and then try another, and returns whether each got its
/// second one. The locks are flags, since loom ends the whole check at a deadlock of its own locks.
fn second_locks(orders: [[usize; 2]; 2]) -> BTreeSet<[bool; 2]> {
    outcomes(move || {
        let locks = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let take = |locks: &[AtomicBool; 2], [first, second]: [usize; 2]| {
            if locks[first].swap(true, Ordering::SeqCst) {
                // It would wait for the other thread, which has both locks or will get them.
                return true;
            }
            let got_second = !locks[second].swap(true, Ordering::SeqCst);
            if got_second {
                locks[second].store(false, Ordering::SeqCst);
            }
            locks[first].store(false, Ordering::SeqCst);
            got_second
        };
        let thread = spawn(&locks, move |locks| take(locks, orders[0]));
        let mine = take(&locks, orders[1]);
        [thread.join().unwrap(), mine]
    })
}

#[test]
fn locks_in_opposite_orders_can_deadlock() {
    let neither = [false, false];
    assert!(second_locks([[0, 1], [1, 0]]).contains(&neither));
    assert!(!second_locks([[0, 1], [0, 1]]).contains(&neither));
}
