//! Jobs that wait for jobs of their own pool.

mod common;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{occupy, within_deadline};
use effective_thread_pool::{Handle, JobError, ThreadPool};

fn pool(workers: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPool::new(workers).unwrap())
}

#[test]
fn a_worker_that_waits_for_a_pending_job_runs_it() {
    within_deadline(|| {
        let pool = pool(1);
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let child = inner.submit(|| thread::current().id()).unwrap();
            (thread::current().id(), child.wait().unwrap())
        });
        let (parent, child) = outer.unwrap().wait().unwrap();
        assert_eq!(parent, child);
    });
}

#[test]
fn a_worker_that_waits_runs_no_other_job() {
    within_deadline(|| {
        let pool = pool(1);
        let inner = Arc::clone(&pool);
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&order);
        let lock = Arc::new(Mutex::new(()));
        let outer = pool.submit(move || {
            // Whatever else were run under this lock would deadlock on it.
            let _held = lock.lock().unwrap();
            let also = Arc::clone(&lock);
            let also_seen = Arc::clone(&seen);
            let other = inner
                .submit(move || {
                    drop(also.lock().unwrap());
                    also_seen.lock().unwrap().push("other");
                })
                .unwrap();
            inner
                .submit({
                    let seen = Arc::clone(&seen);
                    move || seen.lock().unwrap().push("awaited")
                })
                .unwrap()
                .wait()
                .unwrap();
            seen.lock().unwrap().push("outer");
            other
        });
        outer.unwrap().wait().unwrap().wait().unwrap();
        assert_eq!(*order.lock().unwrap(), ["awaited", "outer", "other"]);
    });
}

#[test]
fn a_worker_blocks_for_a_job_that_runs_elsewhere() {
    within_deadline(|| {
        let pool = pool(2);
        let (gate, slow) = occupy(&pool);
        let (started, has_started) = mpsc::channel();
        let waiter = pool
            .submit(move || {
                started.send(()).unwrap();
                slow.wait().is_ok()
            })
            .unwrap();
        has_started.recv().unwrap();
        // Time to do it wrong.
        let waiter = waiter.wait_timeout(Duration::from_millis(20)).unwrap_err();
        gate.open();
        assert!(waiter.wait().unwrap());
    });
}

fn recurse(pool: &Arc<ThreadPool>, levels: usize) -> Result<usize, JobError> {
    if levels == 0 {
        return Ok(0);
    }
    let inner = Arc::clone(pool);
    pool.submit(move || recurse(&inner, levels - 1))
        .unwrap()
        .wait()?
        .map(|below| below + 1)
}

#[test]
fn a_recursion_deeper_than_allowed_is_an_error() {
    within_deadline(|| {
        for limit in [0, 1, 10] {
            let pool = Arc::new(
                ThreadPool::builder()
                    .workers(1)
                    .max_inline_depth(limit)
                    .build()
                    .unwrap(),
            );
            // The first level is run by the worker itself, inside nothing.
            assert_eq!(recurse(&pool, limit + 1).unwrap(), limit + 1);
            assert!(matches!(
                recurse(&pool, limit + 2),
                Err(JobError::WouldDeadlock)
            ));
            // The depth is counted back.
            assert_eq!(recurse(&pool, limit + 1).unwrap(), limit + 1);
        }
    });
}

#[test]
fn the_default_depth_fits_on_the_default_stack() {
    within_deadline(|| assert_eq!(recurse(&pool(1), 65).unwrap(), 65));
}

#[test]
fn a_job_that_was_too_deep_to_wait_for_still_runs() {
    within_deadline(|| {
        let pool = Arc::new(
            ThreadPool::builder()
                .workers(1)
                .max_inline_depth(0)
                .build()
                .unwrap(),
        );
        let (tell, told) = mpsc::channel();
        let inner = Arc::clone(&pool);
        let outer = pool
            .submit(move || inner.submit(move || tell.send(5)).unwrap().wait().is_err())
            .unwrap();
        assert!(outer.wait().unwrap());
        assert_eq!(told.recv().unwrap(), 5);
    });
}

#[test]
fn a_job_that_waits_for_itself_gets_an_error() {
    within_deadline(|| {
        let pool = pool(1);
        let (give, take) = mpsc::channel::<Handle<()>>();
        // The result goes with the handle, so the job tells it.
        let (tell, told) = mpsc::channel();
        let handle = pool
            .submit(move || tell.send(take.recv().unwrap().wait()).unwrap())
            .unwrap();
        give.send(handle).unwrap();
        assert!(matches!(told.recv().unwrap(), Err(JobError::WouldDeadlock)));
    });
}

#[test]
fn a_ring_of_jobs_that_wait_for_each_other_is_broken_by_an_error() {
    within_deadline(|| {
        const RING: usize = 3;
        for _ in 0..200 {
            let pool = pool(RING);
            let all_run = Arc::new(std::sync::Barrier::new(RING + 1));
            let (tell, told) = mpsc::channel();
            let mut gives = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..RING {
                let (give, take) = mpsc::channel::<Handle<()>>();
                let (all_run, tell) = (Arc::clone(&all_run), tell.clone());
                gives.push(give);
                handles.push(pool.submit(move || {
                    all_run.wait();
                    tell.send(take.recv().unwrap().wait().is_err()).unwrap();
                }));
            }
            all_run.wait();
            handles.rotate_left(1);
            for (give, handle) in gives.iter().zip(handles) {
                give.send(handle.unwrap()).unwrap();
            }
            // One wait fails; its job ends, and with it the next wait.
            assert_eq!(told.iter().take(RING).filter(|&failed| failed).count(), 1);
        }
    });
}

#[test]
fn a_wait_that_is_over_but_has_not_woken_yet_is_not_mistaken_for_a_part_of_a_ring() {
    within_deadline(|| {
        // Fewer on a machine that is busy: each takes some hand-overs from thread to thread.
        let start = Instant::now();
        for _ in 0..1_000 {
            if start.elapsed() > Duration::from_secs(2) {
                break;
            }
            let pool = pool(2);
            let (gate, first) = occupy(&pool);
            let (started, has_started) = mpsc::channel();
            let second = pool
                .submit(move || {
                    started.send(()).unwrap();
                    first.wait()
                })
                .unwrap();
            has_started.recv().unwrap();
            // The first's worker takes this next, most likely before the second's worker has woken.
            let third = pool.submit(move || second.wait()).unwrap();
            thread::yield_now();
            gate.open();
            third.wait().unwrap().unwrap().unwrap();
        }
    });
}

#[test]
fn waiting_back_and_forth_is_not_mistaken_for_a_ring() {
    within_deadline(|| {
        let pool = pool(2);
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let inner = Arc::clone(&pool);
                pool.submit(move || {
                    for n in 0..5_000 {
                        assert_eq!(inner.submit(move || n).unwrap().wait().unwrap(), n);
                    }
                })
                .unwrap()
            })
            .collect();
        workers
            .into_iter()
            .for_each(|worker| worker.wait().unwrap());
    });
}

#[test]
fn a_map_on_a_worker_of_a_full_pool_goes_on() {
    within_deadline(|| {
        let pool = pool(1);
        let inner = Arc::clone(&pool);
        let sum = pool
            .submit(move || {
                inner
                    .map(0..100u32, |n| n)
                    .into_iter()
                    .map(Result::unwrap)
                    .sum::<u32>()
            })
            .unwrap();
        assert_eq!(sum.wait().unwrap(), 4950);
    });
}

#[test]
fn maps_inside_maps_go_on() {
    within_deadline(|| {
        for workers in [1, 2, 4] {
            let pool = pool(workers);
            let inner = Arc::clone(&pool);
            let sums = pool.map(0..50u32, move |n| {
                inner
                    .map(0..n, move |m| m)
                    .into_iter()
                    .map(Result::unwrap)
                    .sum::<u32>()
            });
            for (n, sum) in (0u32..).zip(sums) {
                assert_eq!(sum.unwrap(), (0..n).sum());
            }
        }
    });
}

#[test]
fn maps_nested_deeper_than_allowed_are_errors() {
    within_deadline(|| {
        let pool = Arc::new(
            ThreadPool::builder()
                .workers(1)
                .max_inline_depth(0)
                .build()
                .unwrap(),
        );
        let inner = Arc::clone(&pool);
        let results = pool
            .submit(move || inner.map(0..3, |n| n))
            .unwrap()
            .wait()
            .unwrap();
        assert_eq!(results.len(), 3);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(JobError::WouldDeadlock)))
        );
    });
}

#[test]
fn a_started_map_can_be_waited_for_on_a_worker() {
    within_deadline(|| {
        let pool = pool(1);
        let inner = Arc::clone(&pool);
        let results = pool
            .submit(move || inner.mapping().start(0..10, |n| n).wait())
            .unwrap()
            .wait()
            .unwrap();
        assert!(results.into_iter().map(Result::unwrap).eq(0..10));
    });
}
