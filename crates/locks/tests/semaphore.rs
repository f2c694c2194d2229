//! `Semaphore`: its bound, its order, timeouts, and that no permit is lost.

mod support {
    pub(crate) mod gauge;
    pub(crate) mod in_time;
    pub(crate) mod random;
}

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use effective_locks::Semaphore;
use support::gauge::Gauge;
use support::in_time::{in_time, until};
use support::random::Random;

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn semaphore_bounds_how_many_threads_run() {
    in_time(|| {
        let semaphore = Semaphore::new(3);
        let gauge = Gauge::default();
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _permit = semaphore.acquire();
                        gauge.during(thread::yield_now);
                    }
                });
            }
        });
        assert!(gauge.peak() <= 3);
        assert_eq!((semaphore.available(), semaphore.waiting()), (3, 0));
    });
}

#[test]
fn all_permits_can_be_in_use_at_once() {
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
fn permit_dropped_by_a_panic_is_released() {
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
fn timeout_says_what_was_in_the_way() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(3));
        let held = semaphore.acquire_many(2);
        assert_eq!(held.permits(), 2);
        assert!(semaphore.try_acquire_many(2).is_none());
        let start = Instant::now();
        let error = semaphore
            .acquire_many_timeout(2, SHORT)
            .expect_err("one is free");
        assert!(start.elapsed() >= SHORT);
        assert_eq!(error.timeout(), SHORT);
        assert_eq!(
            error.to_string(),
            "the semaphore did not grant 2 permits within 20ms (1 free, 0 waiting ahead): allow \
             more time or more permits, or hold permits for a shorter time"
        );
        // It has left the queue, and the free permit can be acquired.
        assert_eq!(semaphore.waiting(), 0);
        let last = semaphore.try_acquire_owned().expect("one is free");
        assert!(semaphore.acquire_owned_timeout(Duration::ZERO).is_err());
        drop((held, last));
        assert_eq!(semaphore.available(), 3);
    });
}

#[test]
fn timeout_behind_a_larger_request_says_so() {
    in_time(|| {
        let semaphore = Semaphore::new(3);
        let held = semaphore.acquire();
        thread::scope(|scope| {
            scope.spawn(|| drop(semaphore.acquire_many(3)));
            until(|| semaphore.waiting() == 1);
            // Two are free, but the first waiter needs three.
            for (wanted, what) in [(1, "granted no permit"), (2, "did not grant 2 permits")] {
                let error = semaphore
                    .acquire_many_timeout(wanted, SHORT)
                    .expect_err("the other one is first");
                let text = error.to_string();
                let expected = format!("{what} within 20ms (2 free, 1 waiting ahead)");
                assert!(text.contains(&expected), "{text}");
            }
            drop(held);
        });
        assert_eq!((semaphore.available(), semaphore.waiting()), (3, 0));
    });
}

#[test]
fn timeout_beyond_the_clock_is_infinite() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let waiter = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || {
                drop(
                    semaphore
                        .acquire_timeout(Duration::MAX)
                        .expect("a permit is added"),
                );
            })
        };
        until(|| semaphore.waiting() == 1);
        semaphore.add_permits(1);
        waiter.join().expect("it ends");
        assert_eq!(semaphore.available(), 1);
    });
}

#[test]
fn waiters_are_served_first_come_first_served() {
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
fn waiter_for_many_permits_is_not_overtaken() {
    in_time(|| {
        let semaphore = Semaphore::new(2);
        let one = semaphore.acquire();
        thread::scope(|scope| {
            scope.spawn(|| drop(semaphore.acquire_many(2)));
            until(|| semaphore.waiting() == 1);
            // One is free and kept for the first waiter.
            assert_eq!(semaphore.available(), 1);
            assert!(semaphore.try_acquire().is_none());
            drop(one);
        });
        assert_eq!(semaphore.available(), 2);
    });
}

#[test]
fn waiter_behind_one_that_times_out_is_served() {
    in_time(|| {
        let semaphore = Semaphore::new(1);
        thread::scope(|scope| {
            scope.spawn(|| assert!(semaphore.acquire_many_timeout(2, 5 * SHORT).is_err()));
            until(|| semaphore.waiting() == 1);
            // No permit is released in the meantime: only the timeout of the other one helps.
            drop(semaphore.acquire());
        });
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

#[test]
fn zero_permits_can_be_acquired() {
    let semaphore = Semaphore::new(0);
    drop(semaphore.acquire_many(0));
    semaphore.add_permits(0);
    assert!(semaphore.try_acquire().is_none());
    assert_eq!(semaphore.available(), 0);
}

#[test]
fn forgotten_permits_are_not_released() {
    let semaphore = Arc::new(Semaphore::new(4));
    semaphore.acquire_many(2).forget();
    semaphore.acquire_owned().forget();
    assert_eq!(semaphore.available(), 1);
    // A forgotten permit does not keep the semaphore alive.
    assert!(Arc::into_inner(semaphore).is_some());
}

#[test]
fn too_many_permits_panic() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let outcome = panic::catch_unwind(|| semaphore.add_permits(1));
    assert!(outcome.is_err());
    assert_eq!(semaphore.available(), Semaphore::MAX_PERMITS);
    assert!(panic::catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
}

#[test]
fn load_with_timeouts_and_panics_loses_no_permit() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(4));
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || {
                    let mut random = Random(thread + 1);
                    for _ in 0..2_000 {
                        let wanted = random.size(4) + 1;
                        let _ = panic::catch_unwind(AssertUnwindSafe(|| match random.below(4) {
                            0 => drop(semaphore.acquire_many(wanted)),
                            1 => drop(semaphore.try_acquire_many(wanted)),
                            2 => {
                                let timeout = Duration::from_micros(random.below(64));
                                drop(semaphore.acquire_many_timeout(wanted, timeout));
                            }
                            _ => {
                                let _permit = semaphore.acquire_owned();
                                // A panic without a message on the terminal.
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
