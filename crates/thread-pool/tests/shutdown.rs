//! Every way to shut a pool down.

mod support;

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use effective_thread_pool::{JobError, ThreadPool};
use support::{Gate, all_cancelled, occupy, within_deadline};

#[test]
fn shutdown_runs_all_accepted_jobs() {
    within_deadline(|| {
        for workers in [1, 2, 5] {
            let pool = ThreadPool::new(workers).unwrap();
            let ran = Arc::new(AtomicUsize::new(0));
            for _ in 0..1_000 {
                let ran = Arc::clone(&ran);
                drop(
                    pool.submit(move || ran.fetch_add(1, Ordering::SeqCst))
                        .unwrap(),
                );
            }
            pool.shutdown();
            assert_eq!(ran.load(Ordering::SeqCst), 1_000);
        }
    });
}

#[test]
fn jobs_submitted_during_close_run_or_come_back() {
    within_deadline(|| {
        for round in 0..300 {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let ran = Arc::new(AtomicUsize::new(0));
            let submitters: Vec<_> = (0..2)
                .map(|_| {
                    let (pool, ran) = (Arc::clone(&pool), Arc::clone(&ran));
                    std::thread::spawn(move || {
                        let mut accepted = 0;
                        loop {
                            let ran = Arc::clone(&ran);
                            match pool.submit(move || ran.fetch_add(1, Ordering::SeqCst)) {
                                Ok(_) => accepted += 1,
                                Err(_) => return accepted,
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_micros(round));
            pool.close();
            let accepted: usize = submitters
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum();
            drop(pool);
            assert_eq!(ran.load(Ordering::SeqCst), accepted);
        }
    });
}

#[test]
fn jobs_that_need_each_other_run_in_a_draining_pool() {
    within_deadline(|| {
        for _ in 0..300 {
            let pool = ThreadPool::new(2).unwrap();
            let meet = Arc::new(std::sync::Barrier::new(2));
            for _ in 0..2 {
                let meet = Arc::clone(&meet);
                drop(
                    pool.submit(move || {
                        meet.wait();
                    })
                    .unwrap(),
                );
            }
            pool.shutdown();
        }
    });
}

#[test]
fn shutdown_timeout_reports_running_and_queued() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (gate, _) = occupy(&pool);
        let (second, _) = occupy(&pool);
        let queued = pool.submit(|| 9).unwrap();
        let error = pool.shutdown_timeout(Duration::from_millis(5)).unwrap_err();
        assert_eq!((error.workers(), error.queued()), (2, 1));
        gate.open();
        // Detached workers still finish the queued jobs.
        assert_eq!(queued.wait().unwrap(), 9);
        second.open();
    });
}

#[test]
fn shutdown_timeout_in_time_is_a_shutdown() {
    let pool = ThreadPool::new(2).unwrap();
    let handle = pool.submit(|| 9).unwrap();
    assert_eq!(pool.shutdown_timeout(Duration::from_secs(60)), Ok(()));
    assert!(handle.is_finished());
}

#[test]
fn shutdown_now_cancels_pending_and_awaits_running_jobs() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, running) = occupy(&pool);
        let pending: Vec<_> = (0..100).map(|_| pool.submit(|| ()).unwrap()).collect();
        // The pending jobs are cancelled before the running one has ended.
        let opener = std::thread::spawn(move || {
            for handle in pending {
                assert!(matches!(handle.wait(), Err(JobError::Cancelled)));
            }
            gate.open();
        });
        assert_eq!(pool.shutdown_now(), 100);
        assert!(running.is_finished());
        running.wait().unwrap();
        opener.join().unwrap();
    });
}

#[test]
fn shutdown_now_timeout_honours_its_timeout() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let pending = pool.submit(|| ()).unwrap();
        let error = pool
            .shutdown_now_timeout(Duration::from_millis(5))
            .unwrap_err();
        assert_eq!((error.workers(), error.queued()), (1, 0));
        assert!(matches!(pending.wait(), Err(JobError::Cancelled)));
        gate.open();
    });
}

#[test]
fn shutdown_now_on_busy_workers_runs_or_cancels_each_job() {
    within_deadline(|| {
        for _ in 0..200 {
            let pool = ThreadPool::new(2).unwrap();
            let handles: Vec<_> = (0..500).map(|n| pool.submit(move || n).unwrap()).collect();
            let cancelled = pool.shutdown_now();
            let mut seen = 0;
            for (n, handle) in (0..).zip(handles) {
                assert!(handle.is_finished());
                match handle.wait() {
                    Ok(value) => assert_eq!(value, n),
                    Err(JobError::Cancelled) => seen += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(seen, cancelled);
        }
    });
}

#[test]
fn shutdown_now_cancels_the_rest_of_a_map() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let gate = Gate::new();
        let inside = gate.clone();
        let (started, has_started) = mpsc::channel();
        let map = pool.mapping().start(0..100, move |n| {
            started.send(()).unwrap();
            inside.pass();
            n
        });
        has_started.recv().unwrap();
        assert!(pool.shutdown_now_timeout(Duration::ZERO).is_err());
        gate.open();
        let results = map.wait();
        assert!(matches!(results[0], Ok(0)));
        assert!(all_cancelled(&results[1..]));
        assert_eq!(results.len(), 100);
    });
}

#[test]
fn every_shutdown_called_by_a_job_of_the_pool_returns() {
    within_deadline(|| {
        let ends: [fn(ThreadPool); 4] = [
            ThreadPool::shutdown,
            |pool| assert_eq!(pool.shutdown_now(), 0),
            |pool| assert!(pool.shutdown_timeout(Duration::MAX).is_err()),
            |pool| assert!(pool.shutdown_now_timeout(Duration::MAX).is_err()),
        ];
        for end in ends {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let gate = Gate::new();
            let (mine, inside) = (Arc::clone(&pool), gate.clone());
            let job = pool
                .submit(move || {
                    inside.pass();
                    end(Arc::into_inner(mine).unwrap());
                })
                .unwrap();
            drop(pool);
            gate.open();
            job.wait().unwrap();
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn drop_leaves_no_thread() {
    within_deadline(|| {
        for round in 0..300 {
            let pool = ThreadPool::builder()
                .workers(4)
                .name_prefix("left")
                .build()
                .unwrap();
            match round % 3 {
                0 => {}
                1 => drop(pool.submit(|| ()).unwrap()),
                _ => assert_eq!(pool.map(0..100, |n| n).len(), 100),
            }
            drop(pool);
            // The system may list a joined thread for a moment longer.
            support::eventually(|| support::threads_named("left-") == 0);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn drop_on_an_own_worker_leaves_no_thread() {
    within_deadline(|| {
        for _ in 0..50 {
            let pool = Arc::new(
                ThreadPool::builder()
                    .workers(3)
                    .name_prefix("own")
                    .build()
                    .unwrap(),
            );
            let mine = Arc::clone(&pool);
            let job = pool
                .submit(move || {
                    std::thread::sleep(Duration::from_micros(100));
                    drop(mine);
                })
                .unwrap();
            drop(pool);
            job.wait().unwrap();
        }
        support::eventually(|| support::threads_named("own-") == 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn idle_workers_exit_while_another_one_runs_its_job() {
    within_deadline(|| {
        let pool = ThreadPool::builder()
            .workers(4)
            .name_prefix("idle")
            .build()
            .unwrap();
        let (gate, _) = occupy(&pool);
        pool.close();
        support::eventually(|| support::threads_named("idle-") == 1);
        gate.open();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn pool_owned_by_a_workers_thread_local_does_not_self_join() {
    thread_local!(static MINE: OnceCell<Arc<ThreadPool>> = const { OnceCell::new() });
    within_deadline(|| {
        let pool = Arc::new(
            ThreadPool::builder()
                .workers(2)
                .name_prefix("local")
                .build()
                .unwrap(),
        );
        let mine = Arc::clone(&pool);
        pool.submit(move || MINE.with(|held| held.set(mine).is_ok()))
            .unwrap()
            .wait()
            .unwrap();
        let alive = Arc::downgrade(&pool);
        pool.close();
        drop(pool);
        // A panic in the destructor of a thread-local would abort the process.
        support::eventually(|| alive.strong_count() == 0 && support::threads_named("local-") == 0);
    });
}

#[test]
fn slow_thread_local_does_not_delay_a_shutdown_timeout() {
    struct Slow(Gate);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.pass();
        }
    }
    thread_local!(static SLOW: OnceCell<Slow> = const { OnceCell::new() });
    within_deadline(|| {
        for now in [true, false] {
            let pool = ThreadPool::new(1).unwrap();
            let gate = Gate::new();
            let slow = Slow(gate.clone());
            pool.submit(move || SLOW.with(|held| held.set(slow).is_ok()))
                .unwrap()
                .wait()
                .unwrap();
            let late = if now {
                pool.shutdown_now_timeout(Duration::from_millis(20))
                    .unwrap_err()
            } else {
                pool.shutdown_timeout(Duration::from_millis(20))
                    .unwrap_err()
            };
            assert_eq!((late.workers(), late.queued()), (1, 0));
            gate.open();
        }
    });
}

#[test]
fn shutdown_ends_every_kind_of_wait() {
    within_deadline(|| {
        for cancels in [true, false] {
            let pool = ThreadPool::builder()
                .workers(1)
                .max_pending(8)
                .build()
                .unwrap();
            let (gate, _) = occupy(&pool);
            let called = Arc::new(AtomicUsize::new(0));
            let mut handles: Vec<_> = (0..8).map(|_| pool.submit(|| ()).unwrap()).collect();
            let calls = Arc::clone(&called);
            handles[0].on_complete(move |_| {
                calls.fetch_add(1, Ordering::SeqCst);
            });
            let awaited = handles.pop().unwrap();
            let results = effective_thread_pool::as_completed(handles);
            let rest = std::thread::spawn(move || {
                (
                    results.collect::<Vec<_>>(),
                    futures::executor::block_on(awaited),
                )
            });
            let late = if cancels {
                pool.shutdown_now_timeout(Duration::from_millis(5))
                    .unwrap_err()
            } else {
                pool.shutdown_timeout(Duration::from_millis(5)).unwrap_err()
            };
            assert_eq!(late.workers(), 1);
            gate.open();
            let (results, last) = rest.join().unwrap();
            assert_eq!(results.len(), 7);
            for result in results.into_iter().map(|(_, result)| result).chain([last]) {
                assert_eq!(cancels, matches!(result, Err(JobError::Cancelled)));
                assert_eq!(cancels, result.is_err());
            }
            assert_eq!(called.load(Ordering::SeqCst), 1);
        }
    });
}
