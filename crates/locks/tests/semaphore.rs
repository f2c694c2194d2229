//! What the semaphore promises: so many at once, in order, and every permit back.

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{in_time, until};
use effective_locks::Semaphore;

const A_MOMENT: Duration = Duration::from_millis(20);

#[test]
fn so_many_at_once_and_no_more() {
    in_time(|| {
        let semaphore = Semaphore::new(3);
        let (now, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _permit = semaphore.acquire();
                        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(peak.into_inner() <= 3);
        assert_eq!((semaphore.available(), semaphore.waiting()), (3, 0));
    });
}

#[test]
fn as_many_at_once_as_there_are_permits() {
    in_time(|| {
        let semaphore = Semaphore::new(3);
        let all = std::sync::Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let _permit = semaphore.acquire();
                    all.wait();
                });
            }
        });
    });
}

#[test]
fn a_permit_that_is_dropped_in_a_panic_is_given_back() {
    let semaphore = Arc::new(Semaphore::new(2));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let _one = semaphore.acquire();
        let _other = semaphore.acquire_owned();
        panic!("both are held");
    }));
    assert!(outcome.is_err());
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn without_a_free_permit_trying_fails_and_waiting_times_out_and_says_what_was_in_the_way() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(3));
        let held = semaphore.acquire_many(2);
        assert_eq!(held.permits(), 2);
        assert!(semaphore.try_acquire_many(2).is_none());
        let begun = Instant::now();
        let error = semaphore
            .acquire_many_timeout(2, A_MOMENT)
            .expect_err("one is free");
        assert!(begun.elapsed() >= A_MOMENT);
        assert_eq!(error.timeout(), A_MOMENT);
        assert_eq!(
            error.to_string(),
            "no 2 permits of the semaphore within 20ms (1 free, 0 waiting ahead): allow more time or more permits, or \
             hold them for less long"
        );
        // It has left the line, and what is free can be had.
        assert_eq!(semaphore.waiting(), 0);
        let last = semaphore.try_acquire_owned().expect("one is free");
        assert!(semaphore.acquire_owned_timeout(Duration::ZERO).is_err());
        drop((held, last));
        assert_eq!(semaphore.available(), 3);
    });
}

#[test]
fn a_timeout_too_long_for_any_clock_is_none() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let waiter = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || drop(semaphore.acquire_timeout(Duration::MAX).expect("given")))
        };
        until(|| semaphore.waiting() == 1);
        semaphore.add_permits(1);
        waiter.join().expect("it ends");
        assert_eq!(semaphore.available(), 1);
    });
}

#[test]
fn first_come_first_served() {
    in_time(|| {
        let semaphore = Semaphore::new(0);
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..5 {
                let (semaphore, order) = (&semaphore, &order);
                scope.spawn(move || {
                    let permit = semaphore.acquire();
                    order.lock().expect("no panic").push(number);
                    drop(permit);
                });
                until(|| semaphore.waiting() == number + 1);
            }
            semaphore.add_permits(1);
        });
        assert_eq!(order.into_inner().expect("no panic"), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn who_wants_many_is_not_overtaken_and_gets_them() {
    in_time(|| {
        let semaphore = Semaphore::new(2);
        let one = semaphore.acquire();
        thread::scope(|scope| {
            scope.spawn(|| drop(semaphore.acquire_many(2)));
            until(|| semaphore.waiting() == 1);
            // One is free, and kept for who came before.
            assert_eq!(semaphore.available(), 1);
            assert!(semaphore.try_acquire().is_none());
            drop(one);
        });
        assert_eq!(semaphore.available(), 2);
    });
}

#[test]
fn when_who_wants_many_gives_up_those_behind_are_served() {
    in_time(|| {
        let semaphore = Semaphore::new(1);
        thread::scope(|scope| {
            scope.spawn(|| assert!(semaphore.acquire_many_timeout(2, 5 * A_MOMENT).is_err()));
            until(|| semaphore.waiting() == 1);
            // Nothing is given back meanwhile: only the other one's leaving lets this one through.
            drop(semaphore.acquire());
        });
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

#[test]
fn no_permits_and_none_wanted() {
    let semaphore = Semaphore::new(0);
    drop(semaphore.acquire_many(0));
    semaphore.add_permits(0);
    assert!(semaphore.try_acquire().is_none());
    assert_eq!(semaphore.available(), 0);
}

#[test]
fn what_is_forgotten_does_not_come_back() {
    let semaphore = Arc::new(Semaphore::new(4));
    semaphore.acquire_many(2).forget();
    semaphore.acquire_owned().forget();
    assert_eq!(semaphore.available(), 1);
    // The semaphore itself is not kept alive by what was forgotten.
    assert!(Arc::into_inner(semaphore).is_some());
}

#[test]
fn more_permits_than_there_can_be_are_refused() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let outcome = panic::catch_unwind(|| semaphore.add_permits(1));
    assert!(outcome.is_err());
    assert_eq!(semaphore.available(), Semaphore::MAX_PERMITS);
    assert!(panic::catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
}

#[test]
fn no_permit_is_lost_under_load_with_timeouts_and_panics() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(4));
        let threads: Vec<_> = (0..8_u32)
            .map(|thread| {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || {
                    let mut random = thread + 1;
                    for _ in 0..2_000 {
                        // Marsaglia's xorshift.
                        random ^= random << 13;
                        random ^= random >> 17;
                        random ^= random << 5;
                        let wanted = random as usize % 4 + 1;
                        let _ = panic::catch_unwind(AssertUnwindSafe(|| match random >> 8 & 3 {
                            0 => drop(semaphore.acquire_many(wanted)),
                            1 => drop(semaphore.try_acquire_many(wanted)),
                            2 => {
                                let timeout = Duration::from_micros(u64::from(random >> 16 & 63));
                                drop(semaphore.acquire_many_timeout(wanted, timeout));
                            }
                            _ => {
                                let _permit = semaphore.acquire_owned();
                                // Unwinds like a panic, and prints nothing.
                                panic::resume_unwind(Box::new("on purpose"));
                            }
                        }));
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it ends"));
        assert_eq!((semaphore.available(), semaphore.waiting()), (4, 0));
    });
}
