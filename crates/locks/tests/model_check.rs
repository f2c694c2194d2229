//! The protocols of this crate under loom, which runs every interleaving up to a number of preemptions.
//!
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p locks --test model_check`, in a target folder of its own. The
//! library is built on loom's primitives then (`src/sync.rs`), so what is checked is the code that is shipped. A wait with
//! a timeout is modelled as one whose time may be up at any moment.
#![cfg(model_check)]

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use effective_locks::sharded::Counter;
use effective_locks::{Event, Semaphore};
use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

use numbers::Numbers;

#[allow(dead_code)]
#[path = "../src/sharded/numbers.rs"]
mod numbers;
#[allow(dead_code, unused_imports)]
#[path = "../src/sync.rs"]
mod sync;

const SOME_TIME: Duration = Duration::from_secs(3_600);

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// What is left when all is over: every permit, and nobody in line.
#[track_caller]
fn is_whole(semaphore: &Semaphore, permits: usize) {
    assert_eq!((semaphore.available(), semaphore.waiting()), (permits, 0));
}

#[test]
fn one_permit_is_a_lock() {
    check(|| {
        let shared = Arc::new((Semaphore::new(1), Cell::new(0)));
        let add = |shared: &(Semaphore, Cell<i32>)| {
            let _permit = shared.0.acquire();
            // Loom fails here if another thread is in here too, or if its write is not ordered before this one.
            shared.1.set(shared.1.get() + 1);
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || add(&shared))
            })
            .collect();
        add(&shared);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        is_whole(&shared.0, 1);
        assert_eq!(shared.1.get(), 3);
    });
}

#[test]
fn a_permit_that_comes_back_as_a_waiter_gives_up_is_not_lost() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire();
        let impatient = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.acquire_timeout(SOME_TIME).is_ok())
        };
        let patient = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || drop(semaphore.acquire()))
        };
        drop(held);
        impatient.join().unwrap();
        patient.join().unwrap();
        is_whole(&semaphore, 1);
    });
}

#[test]
fn permits_that_come_back_one_by_one_add_up_for_who_wants_both() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(2));
        let written = Arc::new((Cell::new(0), Cell::new(0)));
        let first = {
            let (semaphore, written) = (Arc::clone(&semaphore), Arc::clone(&written));
            semaphore.acquire().forget();
            thread::spawn(move || {
                written.0.set(1);
                semaphore.add_permits(1);
            })
        };
        let second = {
            let (semaphore, written) = (Arc::clone(&semaphore), Arc::clone(&written));
            semaphore.acquire().forget();
            thread::spawn(move || {
                written.1.set(1);
                semaphore.add_permits(1);
            })
        };
        let both = semaphore.acquire_many(2);
        // What each did before it gave its permit back is visible.
        let sum = written.0.get() + written.1.get();
        assert_eq!(sum, 2);
        drop(both);
        first.join().unwrap();
        second.join().unwrap();
        is_whole(&semaphore, 2);
    });
}

#[test]
fn who_stands_behind_one_that_gives_up_is_served() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let greedy = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.acquire_many_timeout(2, SOME_TIME).is_err())
        };
        // There is one permit all the time: this must not wait for ever.
        drop(semaphore.acquire());
        assert!(greedy.join().unwrap());
        is_whole(&semaphore, 1);
    });
}

#[test]
fn a_permit_is_not_lost_between_trying_and_waiting() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let giver = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.add_permits(1))
        };
        let tried = semaphore.try_acquire();
        if tried.is_none() {
            drop(semaphore.acquire());
        }
        drop(tried);
        giver.join().unwrap();
        is_whole(&semaphore, 1);
    });
}

#[test]
fn giving_back_as_the_only_waiter_gives_up_changes_nothing_for_who_takes() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let greedy = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.acquire_many_timeout(3, SOME_TIME).is_err())
        };
        let giver = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.add_permits(1))
        };
        let taken = semaphore
            .try_acquire()
            .map(effective_locks::Permit::forget)
            .is_some();
        assert!(greedy.join().unwrap());
        giver.join().unwrap();
        is_whole(&semaphore, if taken { 1 } else { 2 });
    });
}

#[test]
fn who_never_stood_in_line_sees_what_was_done_before_a_permit_went_through_it() {
    check(|| {
        let shared = Arc::new((Semaphore::new(0), Cell::new(0)));
        let greedy = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.0.acquire_many_timeout(2, SOME_TIME).is_err())
        };
        let giver = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.1.set(7);
                shared.0.add_permits(1);
            })
        };
        if let Some(permit) = shared.0.try_acquire() {
            assert_eq!(shared.1.get(), 7);
            drop(permit);
        }
        assert!(greedy.join().unwrap());
        giver.join().unwrap();
        is_whole(&shared.0, 1);
    });
}

#[test]
fn a_set_is_not_missed() {
    check(|| {
        let shared = Arc::new((Event::new(), Cell::new(0)));
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.0.wait();
                    assert_eq!(shared.1.get(), 7);
                })
            })
            .collect();
        shared.1.set(7);
        shared.0.set();
        waiters
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_set_is_not_missed_after_a_clear_and_a_waiter_that_gave_up() {
    check(|| {
        let event = Arc::new(Event::new());
        let impatient = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait_timeout(SOME_TIME))
        };
        let patient = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait())
        };
        event.set();
        event.clear();
        event.set();
        impatient.join().unwrap();
        patient.join().unwrap();
        assert!(event.is_set());
    });
}

#[test]
fn two_who_set_let_everybody_go() {
    check(|| {
        let event = Arc::new(Event::new());
        let setter = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.set())
        };
        let waiter = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait())
        };
        event.set();
        setter.join().unwrap();
        waiter.join().unwrap();
        assert!(event.is_set());
    });
}

#[test]
fn a_sum_is_exact_after_joining_and_never_too_much_before() {
    check(|| {
        let counter = Arc::new(Counter::for_threads(1));
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let counter = Arc::clone(&counter);
                // The first has a shard of its own, the others share.
                thread::spawn(move || {
                    counter.add_as(thread, 1);
                    counter.add_as(thread, 1);
                })
            })
            .collect();
        assert!(counter.sum() <= 6);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(counter.sum(), 6);
    });
}

#[test]
fn a_shard_that_passes_from_thread_to_thread_loses_nothing() {
    check(|| {
        let shared = Arc::new((Numbers::new(), Counter::for_threads(2)));
        let count = |shared: &(Numbers, Counter)| {
            let lease = shared.0.lend();
            shared.1.add_as(lease.number(), 1);
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    count(&shared);
                    // As another thread would that begins after this one has ended.
                    count(&shared);
                })
            })
            .collect();
        count(&shared);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(shared.1.sum(), 5);
    });
}

/// What comes out of all interleavings together.
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

/// All sums that two threads can end with, each of which counts once in its own way.
fn sums(count: fn(&AtomicUsize)) -> BTreeSet<usize> {
    outcomes(move || {
        let counter = Arc::new(AtomicUsize::new(0));
        let thread = {
            let counter = Arc::clone(&counter);
            thread::spawn(move || count(&counter))
        };
        count(&counter);
        thread.join().unwrap();
        counter.load(Ordering::SeqCst)
    })
}

#[test]
fn a_load_and_a_store_lose_an_update_and_an_addition_does_not() {
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

/// Two threads, each of which takes a lock and then tries another: whether each got its second one. The locks are flags,
/// since a deadlock of loom's own ends the whole check.
fn second_locks(orders: [[usize; 2]; 2]) -> BTreeSet<[bool; 2]> {
    outcomes(move || {
        let locks = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let take = |locks: &[AtomicBool; 2], [first, second]: [usize; 2]| {
            if locks[first].swap(true, Ordering::SeqCst) {
                // It would wait for the other one, which has both by then or will have.
                return true;
            }
            let got_second = !locks[second].swap(true, Ordering::SeqCst);
            if got_second {
                locks[second].store(false, Ordering::SeqCst);
            }
            locks[first].store(false, Ordering::SeqCst);
            got_second
        };
        let thread = {
            let locks = Arc::clone(&locks);
            thread::spawn(move || take(&locks, orders[0]))
        };
        let mine = take(&locks, orders[1]);
        [thread.join().unwrap(), mine]
    })
}

#[test]
fn locks_taken_in_opposite_orders_can_deadlock_and_in_one_order_cannot() {
    let neither = [false, false];
    assert!(second_locks([[0, 1], [1, 0]]).contains(&neither));
    assert!(!second_locks([[0, 1], [0, 1]]).contains(&neither));
}
