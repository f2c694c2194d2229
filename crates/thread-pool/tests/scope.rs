//! Jobs that borrow.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{JobError, Refusal, ThreadPool};
use support::{Gate, all_cancelled, occupy, pool_of_depth, within_deadline};

#[test]
fn jobs_borrow_and_end_before_the_scope() {
    within_deadline(|| {
        let pool = ThreadPool::new(3).unwrap();
        for _ in 0..500 {
            let text = String::from("borrowed");
            let mut lengths = [0; 8];
            let returned = pool.scope(|scope| {
                for length in &mut lengths {
                    drop(scope.submit(|| {
                        *length = text.len();
                    }));
                }
                "returned"
            });
            assert_eq!(returned.unwrap(), "returned");
            assert_eq!(lengths, [8; 8]);
        }
    });
}

#[test]
fn handles_return_results_that_borrow() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let words = [String::from("one"), String::from("two")];
        let joined = pool
            .scope(|scope| {
                let first = scope.submit(|| words[0].as_str()).unwrap();
                let second = scope.submit(|| &words[1]).unwrap();
                // The results borrow from outside the scope, so they may leave it.
                (first.wait().unwrap(), second.wait().unwrap())
            })
            .unwrap();
        assert_eq!(joined, ("one", &words[1]));
    });
}

#[test]
fn jobs_of_a_scope_submit_more_jobs() {
    within_deadline(|| {
        for workers in [1, 3] {
            let pool = ThreadPool::new(workers).unwrap();
            let count = AtomicUsize::new(0);
            pool.scope(|scope| {
                for _ in 0..10 {
                    drop(scope.submit(|| {
                        for _ in 0..10 {
                            drop(scope.submit(|| count.fetch_add(1, Ordering::SeqCst)));
                        }
                    }));
                }
            })
            .unwrap();
            assert_eq!(count.load(Ordering::SeqCst), 100);
        }
    });
}

#[test]
fn panicking_scope_waits_for_its_jobs() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let ended = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _ = pool.scope(|scope| {
                for _ in 0..4 {
                    drop(scope.submit(|| {
                        thread::sleep(Duration::from_millis(5));
                        ended.fetch_add(1, Ordering::SeqCst);
                    }));
                }
                panic_any(17u8);
            });
        }));
        assert_eq!(ended.load(Ordering::SeqCst), 4);
        assert_eq!(*caught.unwrap_err().downcast::<u8>().unwrap(), 17);
    });
}

#[test]
fn panic_is_returned_by_the_handle_or_by_the_scope() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let result = pool.scope(|scope| {
            let bad = scope.submit(|| -> u8 { panic!("waited for") }).unwrap();
            assert!(matches!(bad.wait(), Err(JobError::Panicked(_))));
        });
        result.unwrap();
        let ended = AtomicUsize::new(0);
        let result = pool.scope(|scope| {
            drop(scope.submit(|| panic!("detached")));
            for _ in 0..200 {
                drop(scope.submit(|| ended.fetch_add(1, Ordering::SeqCst)));
            }
        });
        assert!(matches!(result, Err(JobError::Panicked(panic)) if panic.message() == "detached"));
        assert_eq!(ended.load(Ordering::SeqCst), 200);
    });
}

/// Counts its drops, and panics in each.
struct Bomb<'a>(&'a AtomicUsize);

impl Drop for Bomb<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("dropped");
    }
}

#[test]
fn borrows_end_with_the_scope_despite_panicking_drops() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..50 {
            let dropped = AtomicUsize::new(0);
            let result = pool.scope(|scope| {
                let gate = Gate::new();
                let inside = gate.clone();
                let waits = scope.submit(move || inside.pass()).unwrap();
                // Captured, and dropped when the job is cancelled.
                let bomb = Bomb(&dropped);
                let cancelled = scope.submit(move || drop(bomb)).unwrap();
                assert!(cancelled.cancel());
                // Captured and dropped by the job.
                let bomb = Bomb(&dropped);
                drop(scope.submit(move || drop(bomb)).unwrap());
                // A result that is never taken.
                drop(scope.submit(|| Bomb(&dropped)).unwrap());
                gate.open();
                waits.wait().unwrap();
            });
            assert_eq!(dropped.load(Ordering::SeqCst), 3);
            assert!(matches!(result, Err(JobError::Panicked(_))), "{result:?}");
        }
    });
}

#[test]
fn scope_waits_for_a_job_with_a_forgotten_handle() {
    within_deadline(|| {
        for workers in [1, 2] {
            let pool = ThreadPool::new(workers).unwrap();
            let ended = AtomicUsize::new(0);
            pool.scope(|scope| {
                let job = scope.submit(|| {
                    thread::sleep(Duration::from_millis(10));
                    ended.fetch_add(1, Ordering::SeqCst)
                });
                std::mem::forget(job);
            })
            .unwrap();
            assert_eq!(ended.load(Ordering::SeqCst), 1);
        }
    });
}

#[test]
fn scope_on_a_full_worker_runs_only_its_own_jobs() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let inner = Arc::clone(&pool);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let order = Arc::clone(&seen);
        let outer = pool.submit(move || {
            let also = Arc::clone(&order);
            let other = inner.submit(move || also.lock().unwrap().push("other"));
            inner
                .scope(|scope| {
                    drop(scope.submit(|| {
                        drop(scope.submit(|| order.lock().unwrap().push("nested")));
                        order.lock().unwrap().push("first");
                    }));
                    let waited = scope
                        .submit(|| order.lock().unwrap().push("waited"))
                        .unwrap();
                    waited.wait().unwrap();
                })
                .unwrap();
            order.lock().unwrap().push("outer");
            other.unwrap()
        });
        outer.unwrap().wait().unwrap().wait().unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(*seen, ["waited", "first", "nested", "outer", "other"]);
    });
}

#[test]
fn ending_scope_runs_jobs_submitted_meanwhile() {
    within_deadline(|| {
        for round in 0..100 {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let inner = Arc::clone(&pool);
            let outer = pool.submit(move || {
                let (started, has_started) = mpsc::channel();
                inner.scope(|scope| {
                    // Runs on the other worker, and needs the worker that waits at the end of the
                    // scope.
                    drop(scope.submit(move || {
                        started.send(()).unwrap();
                        thread::sleep(Duration::from_micros(round * 10));
                        let gate = Gate::new();
                        let opener = gate.clone();
                        drop(scope.submit(move || opener.open()).unwrap());
                        gate.pass();
                    }));
                    has_started.recv().unwrap();
                })
            });
            outer.unwrap().wait().unwrap().unwrap();
        }
    });
}

#[test]
fn nested_scopes_progress_and_too_deep_ones_are_errors() {
    fn nest(pool: &ThreadPool, levels: usize) -> Result<usize, JobError> {
        if levels == 0 {
            return Ok(0);
        }
        pool.scope(|scope| scope.submit(|| nest(pool, levels - 1)).unwrap().wait())??
            .map(|below| below + 1)
    }
    within_deadline(|| {
        let pool = pool_of_depth(5);
        assert_eq!(nest(&pool, 6).unwrap(), 6);
        assert!(matches!(nest(&pool, 8), Err(JobError::WouldDeadlock)));
    });
}

#[test]
fn scope_on_a_closed_pool_returns_its_jobs() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        pool.close();
        let number = 3;
        let back = pool
            .scope(|scope| {
                let refused = scope.submit(|| number + 1).unwrap_err();
                assert!(matches!(refused.refusal(), Refusal::Closed));
                refused.into_job()()
            })
            .unwrap();
        assert_eq!(back, 4);
    });
}

#[test]
fn scoped_handle_can_time_out_and_cancel() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let number = 5;
        pool.scope(|scope| {
            let pending = scope.submit(|| &number).unwrap();
            let unwanted = scope.submit(|| panic!("never run")).unwrap();
            assert!(!pending.is_finished());
            let pending = pending.wait_timeout(Duration::from_millis(5)).unwrap_err();
            assert!(unwanted.cancel());
            assert!(unwanted.is_finished());
            assert!(matches!(unwanted.wait(), Err(JobError::Cancelled)));
            gate.open();
            assert_eq!(pending.wait_timeout(Duration::MAX).unwrap().unwrap(), &5);
        })
        .unwrap();
    });
}

#[test]
fn scoped_map_borrows_inputs_and_function() {
    within_deadline(|| {
        for workers in [1, 4] {
            let pool = Arc::new(ThreadPool::new(workers).unwrap());
            let run = |pool: &ThreadPool| {
                let words: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
                let calls = AtomicUsize::new(0);
                let results = pool
                    .scope(|scope| {
                        scope.map(&words, |word| {
                            calls.fetch_add(1, Ordering::SeqCst);
                            assert!(word != "500", "five hundred");
                            &word[..1]
                        })
                    })
                    .unwrap();
                for (word, result) in words.iter().zip(results) {
                    match result {
                        Ok(first) => assert_eq!(first, &word[..1]),
                        Err(error) => assert!(error.to_string().contains("five hundred")),
                    }
                }
                assert_eq!(calls.into_inner(), 1_000);
            };
            run(&pool);
            // The same on a worker.
            let inner = Arc::clone(&pool);
            pool.submit(move || run(&inner)).unwrap().wait().unwrap();
            pool.close();
            let results = pool.scope(|scope| scope.map([1, 2], |n| n)).unwrap();
            assert!(all_cancelled(&results));
            let none = pool
                .scope(|scope| scope.map(Vec::<u8>::new(), |n| n))
                .unwrap();
            assert!(none.is_empty());
        }
    });
}

#[test]
fn long_scope_keeps_no_ended_jobs() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let held = Arc::new(());
        pool.scope(|scope| {
            for _ in 0..50_000 {
                let held = Arc::clone(&held);
                let job = scope.submit(move || held).unwrap();
                drop(job.wait().unwrap());
            }
            assert_eq!(Arc::strong_count(&held), 1);
        })
        .unwrap();
    });
}
