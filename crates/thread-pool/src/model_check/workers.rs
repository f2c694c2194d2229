//! Models of submissions that race with parking and shutdown: `search.rs`, `sleep.rs` and
//! `ledger.rs`.
//!
//! The queue is a stand-in that the model checker can follow, with no more ordering than necessary:
//! a word with one bit per job, checked without any ordering. A lost wake-up is a deadlock, which
//! loom reports.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle};

use super::check::check;
use crate::ledger::Ledger;
use crate::search::{self, Source};
use crate::sleep::Sleep;
use crate::sync::{Condvar, Mutex, lock};

struct Pool {
    queue: AtomicUsize,
    sleep: Sleep,
    ledger: Ledger,
    /// One bit per job that has run.
    run: Mutex<usize>,
    one_ran: Condvar,
    /// Whether each of two jobs ends only once the other has started, and each worker exits after
    /// one job.
    meet: bool,
}

struct Worker {
    pool: Arc<Pool>,
    index: usize,
}

impl Pool {
    fn new(workers: usize, meet: bool) -> Arc<Self> {
        Arc::new(Self {
            queue: AtomicUsize::new(0),
            sleep: Sleep::new(workers),
            ledger: Ledger::new(workers),
            run: Mutex::new(0),
            one_ran: Condvar::new(),
            meet,
        })
    }

    fn start(pool: &Arc<Self>, index: usize) -> JoinHandle<()> {
        let worker = Worker {
            pool: Arc::clone(pool),
            index,
        };
        thread::spawn(move || {
            while let Some(job) = search::next(&worker, &worker.pool.sleep, index) {
                worker.pool.run(job);
                if worker.pool.meet {
                    worker.pool.wait_for_both();
                    break;
                }
            }
        })
    }

    fn submit(&self, job: usize) -> bool {
        let accepted = self.ledger.accept();
        if accepted {
            self.queue.fetch_or(1 << job, Ordering::Release);
            self.sleep.notify(1);
        }
        accepted
    }

    fn close(&self) {
        self.ledger.close();
        self.sleep.wake_all();
    }

    fn run(&self, job: usize) {
        let mut run = lock(&self.run);
        assert_eq!(*run & (1 << job), 0, "a job is run once");
        *run |= 1 << job;
        self.one_ran.notify_all();
    }

    fn has_run(&self) -> usize {
        *lock(&self.run)
    }

    fn wait_for_both(&self) {
        let mut run = lock(&self.run);
        while *run != 0b11 {
            run = self.one_ran.wait(run).unwrap();
        }
    }
}

impl Source for Worker {
    type Job = usize;

    fn find(&self) -> Option<usize> {
        let jobs = self.pool.queue.load(Ordering::Relaxed);
        if jobs == 0 {
            return None;
        }
        let job = jobs.trailing_zeros() as usize;
        let before = self.pool.queue.fetch_and(!(1 << job), Ordering::AcqRel);
        if before & (1 << job) == 0 {
            // Another worker was faster. Like the real queues, retries until it has a job or there
            // is none.
            return self.find();
        }
        if self.pool.ledger.take(self.index) {
            self.pool.sleep.wake_all();
        }
        Some(job)
    }

    fn has_queued(&self) -> bool {
        self.pool.queue.load(Ordering::Relaxed) != 0
    }

    fn is_drained(&self) -> bool {
        !self.pool.meet && self.pool.ledger.is_drained()
    }

    fn idle_limit(&self) -> Option<Duration> {
        None
    }

    fn may_retire(&self) -> bool {
        false
    }

    fn grow(&self) {}
}

pub(super) fn job_submitted_while_the_worker_falls_asleep_runs() {
    check(3, || {
        let pool = Pool::new(1, false);
        let worker = Pool::start(&pool, 0);
        assert!(pool.submit(0));
        assert!(pool.submit(1));
        // The pool is still open, so the submission must wake the worker.
        pool.wait_for_both();
        pool.close();
        worker.join().unwrap();
    });
}

pub(super) fn submission_during_shutdown_is_refused_or_runs() {
    check(3, || {
        let pool = Pool::new(1, false);
        let worker = Pool::start(&pool, 0);
        let submitter = thread::spawn({
            let pool = Arc::clone(&pool);
            move || pool.submit(0)
        });
        pool.close();
        let accepted = submitter.join().unwrap();
        worker.join().unwrap();
        assert_eq!(pool.has_run(), usize::from(accepted));
    });
}

pub(super) fn two_workers_with_one_spinner_run_all_jobs_and_exit() {
    check(1, || {
        let pool = Pool::new(2, false);
        let workers = [Pool::start(&pool, 0), Pool::start(&pool, 1)];
        assert!(pool.submit(0));
        assert!(pool.submit(1));
        pool.close();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(pool.has_run(), 0b11);
    });
}

pub(super) fn two_jobs_that_need_each_other_get_a_worker_each() {
    check(2, || {
        let pool = Pool::new(2, true);
        let workers = [Pool::start(&pool, 0), Pool::start(&pool, 1)];
        assert!(pool.submit(0));
        assert!(pool.submit(1));
        // Never closed, so submissions and searching workers must wake the workers.
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
