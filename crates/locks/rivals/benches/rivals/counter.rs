//! Threads that add to one counter, and do nothing else.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::sync::ShardedLock;
use effective_locks::sharded::Counter;
use locks_rivals::together;
use workload_rivals::{Contest, Settings};

const UPDATES: u64 = 2_000_000;

pub(crate) fn contest(threads: usize, settings: &Settings) {
    let each = UPDATES / threads as u64;
    Contest::new(format!("counter, {threads} threads"), "update", UPDATES)
        .ours("sharded::Counter", || {
            let counter = Counter::new();
            let time = together(threads, |_| {
                for _ in 0..each {
                    counter.add(black_box(1));
                }
            });
            checked(time, counter.sum())
        })
        .ours("sharded::Counter, through local()", || {
            let counter = Counter::new();
            let time = together(threads, |_| {
                let mut mine = counter.local();
                for _ in 0..each {
                    mine.add(black_box(1));
                }
            });
            checked(time, counter.sum())
        })
        .rival("std Mutex", || {
            let counter = Mutex::new(0_u64);
            let time = together(threads, |_| {
                for _ in 0..each {
                    *counter.lock().expect("not poisoned") += black_box(1);
                }
            });
            checked(time, counter.into_inner().expect("not poisoned"))
        })
        .rival("parking_lot Mutex", || {
            let counter = parking_lot::Mutex::new(0_u64);
            let time = together(threads, |_| {
                for _ in 0..each {
                    *counter.lock() += black_box(1);
                }
            });
            checked(time, counter.into_inner())
        })
        .rival("fetch_add", || {
            let counter = AtomicU64::new(0);
            let time = together(threads, |_| {
                for _ in 0..each {
                    counter.fetch_add(black_box(1), Ordering::Relaxed);
                }
            });
            checked(time, counter.into_inner())
        })
        .rival("crossbeam ShardedLock, write", || {
            let counter = ShardedLock::new(0_u64);
            let time = together(threads, |_| {
                for _ in 0..each {
                    *counter.write().expect("not poisoned") += black_box(1);
                }
            });
            checked(time, counter.into_inner().expect("not poisoned"))
        })
        .limit("separate state, merged at the end", || {
            let counter = Mutex::new(0_u64);
            let time = together(threads, |_| {
                let mut mine = 0_u64;
                for _ in 0..each {
                    mine += black_box(1);
                }
                *counter.lock().expect("not poisoned") += mine;
            });
            checked(time, counter.into_inner().expect("not poisoned"))
        })
        .reach(0.4, "fetch_add")
        .run(settings);
}

fn checked(time: Duration, sum: u64) -> Duration {
    assert_eq!(sum, UPDATES, "an update was lost");
    time
}
