//! The faults that a pool must survive, each by its number in the list of faults; more on each stands in the file of its
//! feature.

mod common;

use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{Gate, eventually, occupy, within_deadline};
use effective_thread_pool::{JobError, Refusal, ThreadPool};

#[test]
fn fault_01_a_job_panics_and_its_own_handle_gets_the_payload() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let handles: Vec<_> = (0..100u32)
            .map(|n| {
                pool.submit(move || if n % 10 == 3 { panic_any(n) } else { n })
                    .unwrap()
            })
            .collect();
        for (n, handle) in (0..).zip(handles) {
            match handle.wait() {
                Ok(value) => assert_eq!(value, n),
                Err(JobError::Panicked(panic)) => {
                    assert_eq!(*panic.into_payload().downcast::<u32>().unwrap(), n);
                    assert_eq!(n % 10, 3);
                }
                Err(other) => panic!("{other}"),
            }
        }
    });
}

/// Panics when dropped, `0` more times.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(more) = self.0.checked_sub(1) {
            panic_any(Bomb(more));
        }
    }
}

#[test]
fn fault_02_a_panic_payload_that_panics_when_dropped_is_contained() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for depth in [1, 3] {
            // Dropped by the waiter, by the worker, by an iterator, by a scope, by a stream.
            drop(pool.submit(move || panic_any(Bomb(depth))).unwrap().wait());
            drop(pool.submit(move || panic_any(Bomb(depth))).unwrap());
            let bad = pool.submit(move || panic_any(Bomb(depth))).unwrap();
            effective_thread_pool::as_completed([bad]).for_each(drop);
            let told = pool.scope(|scope| drop(scope.submit(|| panic_any(Bomb(depth)))));
            drop(told.unwrap_err());
            let results = pool.mapping().stream(0..3, move |_| panic_any(Bomb(depth)));
            results.for_each(|result: Result<(), _>| drop(result));
            // And by the pool, as the panic of a callback.
            let mut good = pool.submit(|| ()).unwrap();
            good.on_complete(move |_| panic_any(Bomb(depth)));
            good.wait().unwrap();
        }
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn fault_03_a_submit_after_shutdown_hands_the_job_back() {
    within_deadline(|| {
        for bound in [None, Some(1)] {
            let mut builder = ThreadPool::builder().workers(1);
            if let Some(jobs) = bound {
                builder = builder.max_pending(jobs);
            }
            let pool = builder.build().unwrap();
            pool.close();
            let job = || 42;
            let refusals = [
                pool.submit(job).unwrap_err(),
                pool.try_submit(job).unwrap_err(),
                pool.submit_timeout(job, Duration::MAX).unwrap_err(),
            ]
            .map(|refused| {
                (
                    refused.refusal().clone(),
                    refused.to_string(),
                    refused.into_job()(),
                )
            });
            for (refusal, said, back) in refusals {
                assert!(matches!(refusal, Refusal::Closed));
                assert!(said.contains("into_job"), "{said}");
                assert_eq!(back, 42);
            }
        }
    });
}

#[test]
fn fault_04_cancelling_stops_a_pending_job_and_is_refused_for_a_running_one() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, running) = occupy(&pool);
        let ran = Arc::new(AtomicBool::new(false));
        let sets = Arc::clone(&ran);
        let pending = pool
            .submit(move || sets.store(true, Ordering::SeqCst))
            .unwrap();
        assert!(pending.cancel());
        assert!(!running.cancel());
        assert!(matches!(pending.wait(), Err(JobError::Cancelled)));
        gate.open();
        running.wait().unwrap();
        pool.shutdown();
        assert!(!ran.load(Ordering::SeqCst));
    });
}

#[test]
fn fault_05_a_job_that_submits_to_its_own_full_pool_and_waits_makes_progress() {
    fn recurse(pool: &Arc<ThreadPool>, levels: usize) -> Result<usize, JobError> {
        if levels == 0 {
            return Ok(0);
        }
        let inner = Arc::clone(pool);
        let child = pool.submit(move || recurse(&inner, levels - 1)).unwrap();
        child.wait()?.map(|below| below + 1)
    }
    within_deadline(|| {
        let pool = ThreadPool::builder().workers(2).max_inline_depth(10);
        let pool = Arc::new(pool.build().unwrap());
        // Every worker's job waits for another one, and so on down.
        let all: Vec<_> = (0..8)
            .map(|_| {
                let inner = Arc::clone(&pool);
                pool.submit(move || recurse(&inner, 10)).unwrap()
            })
            .collect();
        for handle in all {
            assert_eq!(handle.wait().unwrap().unwrap(), 10);
        }
        let single = ThreadPool::builder().workers(1).max_inline_depth(10);
        let single = Arc::new(single.build().unwrap());
        assert!(matches!(recurse(&single, 12), Err(JobError::WouldDeadlock)));
    });
}

#[test]
fn fault_06_a_pool_dropped_on_one_of_its_own_workers_does_not_join_itself() {
    within_deadline(|| {
        for _ in 0..100 {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let (mine, gate) = (Arc::clone(&pool), Gate::new());
            let inside = gate.clone();
            let dropping = pool
                .submit(move || {
                    inside.pass();
                    drop(mine);
                })
                .unwrap();
            drop(pool);
            gate.open();
            dropping.wait().unwrap();
        }
    });
}

// Fault 7, the system refuses a thread, needs a process of its own: see `refused.rs`.

#[test]
fn fault_08_a_wait_that_times_out_can_be_followed_by_one_that_gets_the_result() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let handle = pool.submit(|| "late").unwrap();
        let handle = handle.wait_timeout(Duration::from_millis(2)).unwrap_err();
        let mut results = effective_thread_pool::as_completed([handle]);
        assert!(results.next_timeout(Duration::from_millis(2)).is_err());
        let (_, handle) = results.into_rest().pop().unwrap();
        gate.open();
        assert_eq!(handle.wait().unwrap(), "late");
    });
}

#[test]
fn fault_09_when_the_initializer_fails_pending_and_later_submits_fail_with_that_cause() {
    within_deadline(|| {
        let gate = Gate::new();
        let inside = gate.clone();
        let pool = ThreadPool::builder()
            .workers(2)
            .initializer(move |_| {
                inside.pass();
                Err("no database")
            })
            .build()
            .unwrap();
        let pending: Vec<_> = (0..100).map(|_| pool.submit(|| ()).unwrap()).collect();
        gate.open();
        for handle in pending {
            let error = handle.wait().unwrap_err();
            assert!(matches!(error, JobError::Initializer(_)), "{error:?}");
            assert!(error.to_string().contains("no database"), "{error}");
        }
        let refused = pool.submit(|| ()).unwrap_err();
        assert!(matches!(refused.refusal(), Refusal::Initializer(_)));
        assert!(refused.to_string().contains("no database"), "{refused}");
    });
}

#[test]
fn fault_10_while_the_backlog_is_full_submit_waits_and_memory_stays_flat() {
    within_deadline(|| {
        let pool = ThreadPool::builder()
            .workers(1)
            .max_pending(4)
            .build()
            .unwrap();
        // Each job holds one of these as long as it is pending or runs.
        let held = Arc::new(());
        for n in 0..2_000 {
            let holds = Arc::clone(&held);
            drop(pool.submit(move || {
                thread::sleep(Duration::from_micros(10));
                drop(holds);
            }));
            let alive = Arc::strong_count(&held) - 1;
            assert!(alive <= 4 + 1, "{alive} after {n}");
        }
        let (gate, _) = occupy(&pool);
        for _ in 0..4 {
            drop(pool.try_submit(|| ()).unwrap());
        }
        let full = pool
            .submit_timeout(|| 9, Duration::from_millis(5))
            .unwrap_err();
        assert!(matches!(full.refusal(), Refusal::Full));
        assert!(full.to_string().contains("max_pending"), "{full}");
        gate.open();
        assert_eq!(pool.submit(full.into_job()).unwrap().wait().unwrap(), 9);
    });
}

#[test]
fn fault_11_a_map_that_is_dropped_half_way_starts_no_more_and_drops_all() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (held, calls) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
        let (gate, tell, told) = {
            let (tell, told) = mpsc::channel();
            (Gate::new(), tell, told)
        };
        let inputs = || {
            let held = Arc::clone(&held);
            (0..1_000).map(move |_| Arc::clone(&held))
        };
        let f = || {
            let (calls, gate, tell) = (Arc::clone(&calls), gate.clone(), tell.clone());
            move |input| {
                calls.fetch_add(1, Ordering::SeqCst);
                tell.send(()).unwrap();
                gate.pass();
                input
            }
        };
        let eager = pool.mapping().start(inputs(), f());
        told.iter().take(2).for_each(drop);
        drop(eager);
        gate.open();
        // Both workers end what they had claimed.
        eventually(|| Arc::strong_count(&held) == 1);
        assert_eq!(calls.load(Ordering::SeqCst), 2);

        let four = std::num::NonZeroUsize::new(4).unwrap();
        let mut lazy = pool.mapping().look_ahead(four).stream(inputs(), f());
        assert!(lazy.next().unwrap().is_ok());
        drop(lazy);
        // One was taken, and four at most were under way.
        eventually(|| Arc::strong_count(&held) == 1);
        let calls = calls.load(Ordering::SeqCst);
        assert!((3..=2 + 1 + 4).contains(&calls), "{calls}");
    });
}

#[test]
fn fault_12_a_completion_callback_that_panics_is_reported_and_the_others_run() {
    within_deadline(|| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let pool = ThreadPool::builder()
            .workers(1)
            .callback_panic_handler(move |panic| {
                hears.lock().unwrap().push(panic.message().to_owned());
            })
            .build()
            .unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let others = |job: &mut effective_thread_pool::Handle<u8>| {
            let ran = Arc::clone(&ran);
            job.on_complete(move |_| {
                ran.fetch_add(1, Ordering::SeqCst);
            });
        };
        let (gate, _) = occupy(&pool);
        // By a worker, by who cancels, and at once.
        let mut runs = pool.submit(|| 1).unwrap();
        let mut cancelled = pool.submit(|| 1).unwrap();
        for (job, name) in [(&mut runs, "a worker"), (&mut cancelled, "who cancels")] {
            others(job);
            job.on_complete(move |_| panic!("{name}"));
            others(job);
        }
        assert!(cancelled.cancel());
        gate.open();
        eventually(|| runs.is_finished());
        runs.on_complete(|_| panic!("at once"));
        assert_eq!(runs.wait().unwrap(), 1);
        assert_eq!(ran.load(Ordering::SeqCst), 4);
        assert_eq!(
            *heard.lock().unwrap(),
            ["who cancels", "a worker", "at once"]
        );
        assert_eq!(pool.callback_panics(), 3);
    });
}
