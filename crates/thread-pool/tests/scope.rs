//! Jobs that borrow.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{Gate, occupy, within_deadline};
use effective_thread_pool::{JobError, Refusal, ThreadPool};

#[test]
fn jobs_borrow_and_have_ended_when_the_scope_has() {
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
fn handles_give_results_that_borrow() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let words = [String::from("one"), String::from("two")];
        let joined = pool
            .scope(|scope| {
                let first = scope.submit(|| words[0].as_str()).unwrap();
                let second = scope.submit(|| &words[1]).unwrap();
                // The results borrow from outside, so they may leave.
                (first.wait().unwrap(), second.wait().unwrap())
            })
            .unwrap();
        assert_eq!(joined, ("one", &words[1]));
    });
}

#[test]
fn jobs_of_a_scope_submit_more() {
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
fn a_scope_that_panics_waits_all_the_same() {
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
fn a_panic_is_told_by_the_handle_or_else_by_the_scope() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let told = pool.scope(|scope| {
            let bad = scope.submit(|| -> u8 { panic!("waited for") }).unwrap();
            assert!(matches!(bad.wait(), Err(JobError::Panicked(_))));
        });
        told.unwrap();
        let ended = AtomicUsize::new(0);
        let told = pool.scope(|scope| {
            drop(scope.submit(|| panic!("detached")));
            for _ in 0..200 {
                drop(scope.submit(|| ended.fetch_add(1, Ordering::SeqCst)));
            }
        });
        assert!(matches!(told, Err(JobError::Panicked(panic)) if panic.message() == "detached"));
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
fn what_borrows_is_dropped_before_the_scope_ends_though_it_panics() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..50 {
            let dropped = AtomicUsize::new(0);
            let told = pool.scope(|scope| {
                let gate = Gate::new();
                let inside = gate.clone();
                let waits = scope.submit(move || inside.pass()).unwrap();
                // Captured and dropped unused, as the job is cancelled.
                let bomb = Bomb(&dropped);
                let cancelled = scope.submit(move || drop(bomb)).unwrap();
                assert!(cancelled.cancel());
                // Captured and dropped by the job.
                let bomb = Bomb(&dropped);
                drop(scope.submit(move || drop(bomb)).unwrap());
                // A result that nobody takes.
                drop(scope.submit(|| Bomb(&dropped)).unwrap());
                gate.open();
                waits.wait().unwrap();
            });
            assert_eq!(dropped.load(Ordering::SeqCst), 3);
            assert!(matches!(told, Err(JobError::Panicked(_))), "{told:?}");
        }
    });
}

#[test]
fn a_handle_that_is_forgotten_does_not_let_the_scope_go() {
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
fn a_scope_on_a_worker_of_a_full_pool_runs_its_own_jobs_and_no_others() {
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
fn a_job_that_is_submitted_while_the_scope_ends_is_run_by_who_waits_for_the_end() {
    within_deadline(|| {
        for round in 0..100 {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let inner = Arc::clone(&pool);
            let outer = pool.submit(move || {
                let (started, has_started) = mpsc::channel();
                inner.scope(|scope| {
                    // Runs on the other worker, and needs the one that waits at the end of the scope.
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
fn scopes_inside_scopes_go_on_and_too_deep_ones_are_errors() {
    fn nest(pool: &ThreadPool, levels: usize) -> Result<usize, JobError> {
        if levels == 0 {
            return Ok(0);
        }
        pool.scope(|scope| scope.submit(|| nest(pool, levels - 1)).unwrap().wait())??
            .map(|below| below + 1)
    }
    within_deadline(|| {
        let pool = ThreadPool::builder()
            .workers(1)
            .max_inline_depth(5)
            .build()
            .unwrap();
        assert_eq!(nest(&pool, 6).unwrap(), 6);
        assert!(matches!(nest(&pool, 8), Err(JobError::WouldDeadlock)));
    });
}

#[test]
fn a_scope_on_a_closed_pool_hands_its_jobs_back() {
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
fn a_scoped_handle_waits_for_a_time_cancels_and_says_whether_it_is_finished() {
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
fn a_scoped_map_borrows_inputs_and_function() {
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
            // And on a worker.
            let inner = Arc::clone(&pool);
            pool.submit(move || run(&inner)).unwrap().wait().unwrap();
            pool.close();
            let results = pool.scope(|scope| scope.map([1, 2], |n| n)).unwrap();
            assert!(
                results
                    .iter()
                    .all(|result| matches!(result, Err(JobError::Cancelled)))
            );
            let none = pool
                .scope(|scope| scope.map(Vec::<u8>::new(), |n| n))
                .unwrap();
            assert!(none.is_empty());
        }
    });
}

#[test]
fn a_long_scope_does_not_keep_what_has_ended() {
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
