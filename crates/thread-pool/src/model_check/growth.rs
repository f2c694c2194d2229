//! Models of pools that grow and shrink.
//!
//! The idle timeout is zero, so a surplus worker tries to retire as soon as it sleeps. Jobs that
//! meet end only when all of them have started. If a job or a wake-up were lost, they would never
//! end, and loom would report the deadlock.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::check::check;
use crate::builder::Builder;
use crate::growth;
use crate::pool::ThreadPool;
use crate::sync::thread::REFUSED;
use crate::sync::{Condvar, Mutex, lock};

/// A meeting point at which two jobs wait for each other.
struct Meeting {
    arrived: Mutex<usize>,
    all_arrived: Condvar,
}

impl Meeting {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            arrived: Mutex::new(0),
            all_arrived: Condvar::new(),
        })
    }

    /// A job that ends when both jobs have started.
    fn job(self: &Arc<Self>) -> impl FnOnce() + Send + 'static {
        let meeting = Arc::clone(self);
        move || {
            meeting.arrive(1);
            meeting.wait();
        }
    }

    fn arrive(&self, count: usize) {
        let mut arrived = lock(&self.arrived);
        *arrived += count;
        if *arrived == 2 {
            self.all_arrived.notify_all();
        }
    }

    fn wait(&self) {
        let mut arrived = lock(&self.arrived);
        while *arrived < 2 {
            arrived = self.all_arrived.wait(arrived).unwrap();
        }
    }
}

/// One worker, or two while there is work.
fn builder(name_prefix: &str) -> Builder {
    Builder::new()
        .workers(2)
        .min_workers(1)
        .idle_timeout(Duration::ZERO)
        .name_prefix(name_prefix)
}

fn pool(name_prefix: &str) -> ThreadPool {
    builder(name_prefix).build().unwrap()
}

pub(super) fn pool_grows_for_jobs_that_need_each_other() {
    check(1, || {
        let pool = pool("grows");
        let meeting = Meeting::new();
        drop(pool.submit(meeting.job()).unwrap());
        drop(pool.submit(meeting.job()).unwrap());
        // The pool is still open, so the submissions and the workers must start and wake threads.
        meeting.wait();
        // One of the workers retires meanwhile, or is about to.
        drop(pool);
    });
}

pub(super) fn jobs_submitted_while_a_worker_retires_get_two_workers() {
    check(1, || {
        let there = Meeting::new();
        let pool = builder("shrinks")
            .initializer({
                let there = Arc::clone(&there);
                move |worker| {
                    if worker == 1 {
                        there.arrive(2);
                    }
                    Ok::<(), String>(())
                }
            })
            .build()
            .unwrap();
        // More workers than the minimum, and nothing to do: one retires from here on.
        assert!(growth::start(pool.shared()).unwrap());
        there.wait();
        let meeting = Meeting::new();
        drop(pool.submit(meeting.job()).unwrap());
        drop(pool.submit(meeting.job()).unwrap());
        // The pool is still open, so the submissions and the workers must start and wake threads.
        meeting.wait();
    });
}

pub(super) fn two_submitters_at_once_both_get_a_worker() {
    check(1, || {
        let pool = Arc::new(pool("grows"));
        let meeting = Meeting::new();
        let other = thread::spawn({
            let (pool, job) = (Arc::clone(&pool), meeting.job());
            move || drop(pool.submit(job).unwrap())
        });
        drop(pool.submit(meeting.job()).unwrap());
        meeting.wait();
        other.join().unwrap();
    });
}

pub(super) fn jobs_run_on_the_existing_worker_when_a_thread_is_refused() {
    check(1, || {
        let pool = pool(REFUSED);
        let first = pool.submit(|| 1).unwrap();
        let second = pool.submit(|| 2).unwrap();
        assert!(matches!((first.wait(), second.wait()), (Ok(1), Ok(2))));
        assert_eq!(pool.threads(), 1);
    });
}

pub(super) fn worker_that_retires_while_the_pool_closes_is_joined() {
    check(2, || {
        let pool = pool("shrinks");
        assert!(growth::start(pool.shared()).unwrap());
        let shared = Arc::clone(pool.shared());
        drop(pool);
        assert_eq!(shared.workers.live(), 0);
    });
}
