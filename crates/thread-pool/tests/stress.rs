//! Submissions that race with workers falling asleep: a lost wake-up hangs a test.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use effective_thread_pool::ThreadPool;
use support::within_deadline;

const FOR: Duration = Duration::from_millis(700);

/// Pauses of different lengths, so that workers spin, yield or sleep.
fn pause(round: u32) {
    match round % 4 {
        0 => {}
        1 => (0..round % 2_048).for_each(|_| std::hint::spin_loop()),
        2 => std::thread::yield_now(),
        _ => std::thread::sleep(Duration::from_micros(u64::from(round % 97))),
    }
}

#[test]
fn single_jobs_wake_workers_that_fall_asleep() {
    within_deadline(|| {
        for workers in [1, 2, 4] {
            let pool = ThreadPool::new(workers).unwrap();
            let start = Instant::now();
            let mut round = 0;
            while start.elapsed() < FOR / 3 {
                pause(round);
                assert_eq!(pool.submit(move || round).unwrap().wait().unwrap(), round);
                round += 1;
            }
        }
    });
}

#[test]
fn bursts_wake_all_workers_that_fall_asleep() {
    within_deadline(|| {
        let pool = ThreadPool::new(4).unwrap();
        let start = Instant::now();
        let mut round = 0;
        while start.elapsed() < FOR {
            pause(round);
            let meet = Arc::new(std::sync::Barrier::new(4));
            for handle in [(); 4].map(|()| {
                let meet = Arc::clone(&meet);
                pool.submit(move || {
                    meet.wait();
                })
                .unwrap()
            }) {
                handle.wait().unwrap();
            }
            round += 1;
        }
    });
}

#[test]
fn nested_submissions_wake_workers_that_fall_asleep() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(3).unwrap());
        let start = Instant::now();
        std::thread::scope(|scope| {
            for seed in 0..3 {
                let pool = &pool;
                scope.spawn(move || {
                    let mut round = seed * 31;
                    while start.elapsed() < FOR {
                        pause(round);
                        let inner = Arc::clone(pool);
                        let outer = pool.submit(move || {
                            let children = [1, 2, 3].map(|n| inner.submit(move || n).unwrap());
                            children
                                .into_iter()
                                .map(|child| child.wait().unwrap())
                                .sum::<u32>()
                        });
                        assert_eq!(outer.unwrap().wait().unwrap(), 6);
                        round += 1;
                    }
                });
            }
        });
    });
}

#[test]
fn shutdown_wakes_workers_that_fall_asleep() {
    within_deadline(|| {
        let start = Instant::now();
        let mut round = 0;
        while start.elapsed() < FOR {
            let pool = ThreadPool::new(3).unwrap();
            let handle = pool.submit(|| ()).unwrap();
            pause(round);
            drop(pool);
            assert!(handle.is_finished());
            round += 1;
        }
    });
}
