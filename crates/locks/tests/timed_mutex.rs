//! `TimedMutex`: an error that names the holder, and no poisoning.

mod support {
    pub(crate) mod in_time;
}

use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use effective_locks::{Event, TimedMutex};
use support::in_time::in_time;

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn error_names_the_holder_and_its_location() {
    in_time(|| {
        let (mutex, taken, over) = (TimedMutex::new("accounts", 0), Event::new(), Event::new());
        thread::scope(|scope| {
            let holder = thread::Builder::new().name("auditor".to_owned());
            holder
                .spawn_scoped(scope, || {
                    let _guard = mutex.lock();
                    taken.set();
                    over.wait();
                })
                .expect("a thread starts");
            taken.wait();
            let start = Instant::now();
            let error = mutex.lock_timeout(SHORT).expect_err("it is locked");
            assert!(start.elapsed() >= SHORT);
            let text = error.to_string();
            for part in [
                "the lock `accounts` was not free within 20ms",
                "the thread `auditor` holds it",
                "tests/timed_mutex.rs:",
                "never changed hands",
            ] {
                assert!(text.contains(part), "{text}");
            }
            assert!(!text.contains('\n'));
            assert!(mutex.try_lock().is_none());
            assert!(format!("{mutex:?}").contains("<locked>"));
            over.set();
        });
        assert!(mutex.try_lock().is_some());
    });
}

#[test]
fn error_distinguishes_a_busy_lock_from_a_stuck_one() {
    in_time(|| {
        let (mutex, first, over) = (TimedMutex::new("busy", ()), Event::new(), Event::new());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while !over.is_set() {
                        let _guard = mutex.lock();
                        first.set();
                        thread::sleep(Duration::from_millis(2));
                    }
                });
            }
            first.wait();
            // It may be free in time by luck, but not always.
            let error = loop {
                if let Err(error) = mutex.lock_timeout(Duration::from_millis(5)) {
                    let text = error.to_string();
                    if text.contains("it changed hands") {
                        break text;
                    }
                }
            };
            over.set();
            assert!(error.contains("allow more time"), "{error}");
        });
    });
}

#[test]
fn panic_of_the_holder_unlocks_without_poisoning() {
    let mutex = TimedMutex::new("state", 1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut value = mutex.lock();
        *value = 2;
        panic!("half-way");
    }));
    assert!(outcome.is_err());
    assert_eq!(*mutex.lock_timeout(Duration::ZERO).expect("free"), 2);
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn timed_mutex_loses_no_update() {
    in_time(|| {
        let mut mutex = TimedMutex::new("sum", 0_u32);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| *mutex.lock() += 1));
            }
        });
        assert_eq!(*mutex.get_mut(), 8_000);
        assert_eq!(mutex.name(), "sum");
    });
}
