//! Locking and unlocking without contention: the price of the additional features of this crate.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use effective_locks::{Event, Semaphore, TimedMutex};
use workload_rivals::{Contest, Settings, timed};

const TIMES: u64 = 500_000;

pub(crate) fn contest(settings: &Settings) {
    let semaphore = Semaphore::new(1);
    let event = Event::new();
    event.set();
    let timed_mutex = TimedMutex::new("bench", 0_u64);
    let (std_mutex, parking_lot_mutex) = (Mutex::new(0_u64), parking_lot::Mutex::new(0_u64));
    let atomic = AtomicU64::new(0);
    Contest::new("lock and unlock, one thread", "time", TIMES)
        .ours("Semaphore, acquire", || many(|| drop(semaphore.acquire())))
        .ours("Event, wait while set", || many(|| event.wait()))
        .ours("TimedMutex, lock", || many(|| *timed_mutex.lock() += 1))
        .ours("TimedMutex, lock_timeout", || {
            many(|| match timed_mutex.lock_timeout(Duration::from_secs(1)) {
                Ok(mut value) => *value += 1,
                Err(error) => panic!("{error}"),
            })
        })
        .rival("std Mutex", || {
            many(|| *std_mutex.lock().expect("not poisoned") += 1)
        })
        .rival("parking_lot Mutex", || {
            many(|| *parking_lot_mutex.lock() += 1)
        })
        .limit("fetch_add", || {
            many(|| {
                atomic.fetch_add(1, Ordering::Relaxed);
            })
        })
        .run(settings);
}

fn many(mut step: impl FnMut()) -> Duration {
    timed(|| {
        for n in 0..TIMES {
            black_box(n);
            step();
        }
    })
}
