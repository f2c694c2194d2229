//! The bound on pending jobs.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{BuildError, Refusal, ThreadPool};
use support::{occupy, within_deadline};

fn bounded(workers: usize, jobs: usize) -> ThreadPool {
    ThreadPool::builder()
        .workers(workers)
        .max_pending(jobs)
        .build()
        .unwrap()
}

#[test]
fn submit_blocks_until_a_pending_job_starts() {
    within_deadline(|| {
        let pool = bounded(1, 2);
        let (gate, _) = occupy(&pool);
        let _pending = [pool.submit(|| ()).unwrap(), pool.submit(|| ()).unwrap()];
        let (sender, receiver) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(|| {
                let late = pool.submit(|| 3).unwrap();
                sender.send(late).unwrap();
            });
            // Time to do it wrong.
            assert!(receiver.recv_timeout(Duration::from_millis(20)).is_err());
            gate.open();
            assert_eq!(receiver.recv().unwrap().wait().unwrap(), 3);
        });
    });
}

#[test]
fn cancelling_a_pending_job_makes_room() {
    within_deadline(|| {
        let pool = bounded(1, 1);
        let (gate, _) = occupy(&pool);
        let pending = pool.submit(|| ()).unwrap();
        let refused = pool.try_submit(|| ()).unwrap_err();
        assert!(pending.cancel());
        let next = pool.try_submit(refused.into_job()).unwrap();
        let refused = pool.try_submit(|| 4).unwrap_err();
        thread::scope(|threads| {
            let late = threads.spawn(|| pool.submit(refused.into_job()).unwrap());
            thread::sleep(Duration::from_millis(5));
            assert!(next.cancel());
            let late = late.join().unwrap();
            gate.open();
            assert_eq!(late.wait().unwrap(), 4);
        });
    });
}

#[test]
fn close_returns_the_jobs_of_blocked_submitters() {
    within_deadline(|| {
        for round in 0..50 {
            let pool = bounded(1, 1);
            let (gate, _) = occupy(&pool);
            drop(pool.submit(|| ()).unwrap());
            thread::scope(|threads| {
                let waiting = [(); 3].map(|()| threads.spawn(|| pool.submit(|| 6)));
                thread::sleep(Duration::from_micros(20 * round));
                pool.close();
                for thread in waiting {
                    let refused = thread.join().unwrap().unwrap_err();
                    assert!(matches!(refused.refusal(), Refusal::Closed));
                    assert_eq!(refused.into_job()(), 6);
                }
            });
            gate.open();
        }
    });
}

#[test]
fn job_submitting_to_its_own_full_pool_exceeds_the_bound() {
    within_deadline(|| {
        let pool = Arc::new(bounded(1, 2));
        let inner = Arc::clone(&pool);
        let outer = pool.submit(move || {
            let children: Vec<_> = (0..10).map(|n| inner.submit(move || n).unwrap()).collect();
            // `try_submit` and `submit_timeout` respect the bound here too.
            assert!(inner.try_submit(|| ()).is_err());
            assert!(
                inner
                    .submit_timeout(|| (), Duration::from_millis(2))
                    .is_err()
            );
            children
                .into_iter()
                .map(|child| child.wait().unwrap())
                .sum::<usize>()
        });
        assert_eq!(outer.unwrap().wait().unwrap(), 45);
        // All permits have been returned.
        let (gate, _) = occupy(&pool);
        let _two = [
            pool.try_submit(|| ()).unwrap(),
            pool.try_submit(|| ()).unwrap(),
        ];
        assert!(pool.try_submit(|| ()).is_err());
        gate.open();
    });
}

#[test]
fn maps_exceed_the_bound_and_scopes_respect_it() {
    within_deadline(|| {
        let pool = bounded(2, 1);
        assert_eq!(pool.map(0..1_000, |n| n).len(), 1_000);
        assert_eq!(pool.mapping().stream(0..1_000, |n| n).count(), 1_000);
        // A new pool: the queue of the other one may still have entries of workers that never
        // joined a map.
        let pool = bounded(2, 1);
        let count = AtomicUsize::new(0);
        pool.scope(|scope| {
            for _ in 0..1_000 {
                drop(
                    scope
                        .submit(|| count.fetch_add(1, Ordering::SeqCst))
                        .unwrap(),
                );
                assert!(pool.queued() <= 1);
            }
        })
        .unwrap();
        assert_eq!(count.into_inner(), 1_000);
    });
}

#[test]
fn many_submitters_with_a_small_bound_lose_no_job() {
    within_deadline(|| {
        let pool = bounded(2, 3);
        let ran = AtomicUsize::new(0);
        let ran = Arc::new(ran);
        thread::scope(|threads| {
            for patience in [None, Some(Duration::from_micros(50)), Some(Duration::ZERO)] {
                let (pool, ran) = (&pool, &ran);
                threads.spawn(move || {
                    for _ in 0..5_000 {
                        let counts = Arc::clone(ran);
                        let mut job: Box<dyn FnOnce() + Send> = Box::new(move || {
                            counts.fetch_add(1, Ordering::SeqCst);
                        });
                        loop {
                            let submitted = match patience {
                                None => pool.submit(job),
                                Some(time) => pool.submit_timeout(job, time),
                            };
                            match submitted {
                                Ok(_) => break,
                                Err(refused) => job = refused.into_job(),
                            }
                            thread::yield_now();
                        }
                    }
                });
            }
        });
        pool.shutdown();
        assert_eq!(ran.load(Ordering::SeqCst), 15_000);
    });
}

#[test]
fn max_pending_of_zero_is_a_typed_error() {
    let refused = ThreadPool::builder().max_pending(0).build().unwrap_err();
    assert!(matches!(refused, BuildError::NoBacklog));
    assert!(refused.to_string().contains("at least 1"), "{refused}");
}
