//! Jobs that wait for jobs of their own pool.

mod support;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use effective_thread_pool::{Handle, JobError, ThreadPool};
use support::{occupy, pool_of_depth, wait_for_all, within_deadline};

fn pool(workers: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPool::new(workers).unwrap())
}

#[test]
fn worker_waiting_for_a_pending_job_runs_it_inline() {
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
fn waiting_worker_runs_no_other_job() {
    within_deadline(|| {
        let pool = pool(1);
        let inner = Arc::clone(&pool);
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&order);
        let lock = Arc::new(Mutex::new(()));
        let outer = pool.submit(move || {
            // Any other job that ran under this lock would deadlock on it.
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
fn worker_blocks_for_a_job_that_runs_elsewhere() {
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
        // Allows time for a wrong result.
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
fn recursion_beyond_the_depth_limit_is_an_error() {
    within_deadline(|| {
        for limit in [0, 1, 10] {
            let pool = pool_of_depth(limit);
            // The worker loop runs the first level, at depth 0.
            assert_eq!(recurse(&pool, limit + 1).unwrap(), limit + 1);
            assert!(matches!(
                recurse(&pool, limit + 2),
                Err(JobError::WouldDeadlock)
            ));
            // The depth is back at 0.
            assert_eq!(recurse(&pool, limit + 1).unwrap(), limit + 1);
        }
    });
}

#[test]
fn default_depth_fits_on_the_default_stack() {
    within_deadline(|| assert_eq!(recurse(&pool(1), 65).unwrap(), 65));
}

#[test]
fn job_too_deep_to_wait_for_still_runs() {
    within_deadline(|| {
        let pool = pool_of_depth(0);
        let (sender, receiver) = mpsc::channel();
        let inner = Arc::clone(&pool);
        let outer = pool
            .submit(move || {
                inner
                    .submit(move || sender.send(5))
                    .unwrap()
                    .wait()
                    .is_err()
            })
            .unwrap();
        assert!(outer.wait().unwrap());
        assert_eq!(receiver.recv().unwrap(), 5);
    });
}

#[test]
fn job_waiting_for_itself_gets_an_error() {
    within_deadline(|| {
        let pool = pool(1);
        let (give, take) = mpsc::channel::<Handle<()>>();
        // The job consumes its own handle, so it sends the result through a channel.
        let (sender, receiver) = mpsc::channel();
        let handle = pool
            .submit(move || sender.send(take.recv().unwrap().wait()).unwrap())
            .unwrap();
        give.send(handle).unwrap();
        assert!(matches!(
            receiver.recv().unwrap(),
            Err(JobError::WouldDeadlock)
        ));
    });
}

#[test]
fn cycle_of_waiting_jobs_is_broken_by_an_error() {
    within_deadline(|| {
        const RING: usize = 3;
        for _ in 0..200 {
            let pool = pool(RING);
            let all_run = Arc::new(std::sync::Barrier::new(RING + 1));
            let (sender, receiver) = mpsc::channel();
            let mut gives = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..RING {
                let (give, take) = mpsc::channel::<Handle<()>>();
                let (all_run, sender) = (Arc::clone(&all_run), sender.clone());
                gives.push(give);
                handles.push(pool.submit(move || {
                    all_run.wait();
                    sender.send(take.recv().unwrap().wait().is_err()).unwrap();
                }));
            }
            all_run.wait();
            handles.rotate_left(1);
            for (give, handle) in gives.iter().zip(handles) {
                give.send(handle.unwrap()).unwrap();
            }
            // One wait fails, which ends its job and so the other waits.
            assert_eq!(
                receiver.iter().take(RING).filter(|&failed| failed).count(),
                1
            );
        }
    });
}

#[test]
fn finished_wait_that_has_not_woken_is_not_part_of_a_cycle() {
    within_deadline(|| {
        // Fewer rounds on a busy machine, since each takes several hand-overs between threads.
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
            // The worker of the first job takes this next, most likely before the second job's
            // worker has woken.
            let third = pool.submit(move || second.wait()).unwrap();
            thread::yield_now();
            gate.open();
            third.wait().unwrap().unwrap().unwrap();
        }
    });
}

#[test]
fn waiting_back_and_forth_is_not_a_cycle() {
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
        wait_for_all(workers);
    });
}

#[test]
fn map_on_a_full_worker_makes_progress() {
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
fn nested_maps_make_progress() {
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
fn maps_nested_too_deep_are_errors() {
    within_deadline(|| {
        let pool = pool_of_depth(0);
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
fn started_map_can_be_waited_for_on_a_worker() {
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
