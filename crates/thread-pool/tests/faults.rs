//! The faults of the catalogue, by number. The test file of each feature has more.

mod support;

use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use effective_thread_pool::{JobError, Refusal, ThreadPool};
use support::bomb::Bomb;
use support::{Gate, eventually, occupy, pool_of_depth, within_deadline};

#[test]
fn fault_1_panic_payload_reaches_the_handle_of_its_job() {
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

#[test]
fn fault_2_panic_of_a_payload_destructor_is_contained() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        // Dropped by the waiter, the worker, an iterator, a scope and a stream.
        drop(pool.submit(|| panic_any(Bomb)).unwrap().wait());
        drop(pool.submit(|| panic_any(Bomb)).unwrap());
        let bad = pool.submit(|| panic_any(Bomb)).unwrap();
        effective_thread_pool::as_completed([bad]).for_each(drop);
        let result = pool.scope(|scope| drop(scope.submit(|| panic_any(Bomb))));
        drop(result.unwrap_err());
        let results = pool.mapping().stream(0..3, |_| panic_any(Bomb));
        results.for_each(|result: Result<(), _>| drop(result));
        // Dropped by the pool, as the panic of a callback.
        let mut good = pool.submit(|| ()).unwrap();
        good.on_complete(|_| panic_any(Bomb));
        good.wait().unwrap();
        assert_eq!(pool.submit(|| 1).unwrap().wait().unwrap(), 1);
    });
}

#[test]
fn fault_3_submit_after_close_returns_the_job() {
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
fn fault_4_cancel_stops_pending_jobs_and_refuses_running_ones() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, running) = occupy(&pool);
        let ran = Arc::new(AtomicBool::new(false));
        let sets = Arc::clone(&ran);
        let pending = pool
            .submit(move || sets.store(true, Ordering::SeqCst))
            .unwrap();
        assert!(pending.cancel());
        assert_eq!(Arc::strong_count(&ran), 1, "the closure is dropped");
        assert!(pending.is_finished() && !pending.cancel());
        assert!(!running.cancel());
        assert!(matches!(pending.wait(), Err(JobError::Cancelled)));
        gate.open();
        running.wait().unwrap();
        pool.shutdown();
        assert!(!ran.load(Ordering::SeqCst));
    });
}

#[test]
fn fault_5_job_waiting_for_a_job_of_its_full_pool_progresses() {
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
        // The job of each worker waits for another one, recursively.
        let all: Vec<_> = (0..8)
            .map(|_| {
                let inner = Arc::clone(&pool);
                pool.submit(move || recurse(&inner, 10)).unwrap()
            })
            .collect();
        for handle in all {
            assert_eq!(handle.wait().unwrap().unwrap(), 10);
        }
        let single = pool_of_depth(10);
        assert!(matches!(recurse(&single, 12), Err(JobError::WouldDeadlock)));
    });
}

#[test]
fn fault_6_pool_dropped_on_its_own_worker_does_not_self_join() {
    within_deadline(|| {
        for _ in 0..100 {
            let pool = Arc::new(ThreadPool::new(2).unwrap());
            let gate = Gate::new();
            let (sender, receiver) = mpsc::channel();
            let (mine, inside, after) = (Arc::clone(&pool), gate.clone(), sender.clone());
            let dropping = pool
                .submit(move || {
                    inside.pass();
                    // Accepted before the end, so it runs.
                    drop(mine.submit(move || after.send("after")).unwrap());
                    drop(mine);
                    sender.send("dropped").unwrap();
                })
                .unwrap();
            drop(pool);
            gate.open();
            dropping.wait().unwrap();
            let mut messages: Vec<_> = receiver.iter().collect();
            messages.sort_unstable();
            assert_eq!(messages, ["after", "dropped"]);
        }
    });
}

// Fault 7, a refused thread, needs a process of its own: see `refused.rs`.

#[test]
fn fault_8_wait_after_a_timed_out_wait_gets_the_result() {
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
fn fault_9_failed_initializer_fails_pending_and_later_jobs() {
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
fn fault_10_submit_waits_for_a_full_backlog_in_flat_memory() {
    within_deadline(|| {
        let pool = ThreadPool::builder()
            .workers(1)
            .max_pending(4)
            .build()
            .unwrap();
        // Each job holds one reference while it is pending or runs.
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
fn fault_11_dropped_map_starts_no_more_calls_and_drops_all() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let (held, calls) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
        let (gate, sender, receiver) = {
            let (sender, receiver) = mpsc::channel();
            (Gate::new(), sender, receiver)
        };
        let inputs = || {
            let held = Arc::clone(&held);
            (0..1_000).map(move |_| Arc::clone(&held))
        };
        let f = || {
            let (calls, gate, sender) = (Arc::clone(&calls), gate.clone(), sender.clone());
            move |input| {
                calls.fetch_add(1, Ordering::SeqCst);
                sender.send(()).unwrap();
                gate.pass();
                input
            }
        };
        let eager = pool.mapping().start(inputs(), f());
        receiver.iter().take(2).for_each(drop);
        drop(eager);
        gate.open();
        // Both workers finish their claimed inputs.
        eventually(|| Arc::strong_count(&held) == 1);
        assert_eq!(calls.load(Ordering::SeqCst), 2);

        let four = std::num::NonZeroUsize::new(4).unwrap();
        let mut lazy = pool.mapping().look_ahead(four).stream(inputs(), f());
        assert!(lazy.next().unwrap().is_ok());
        drop(lazy);
        // One result was taken, and at most four inputs were in flight.
        eventually(|| Arc::strong_count(&held) == 1);
        let calls = calls.load(Ordering::SeqCst);
        assert!((3..=2 + 1 + 4).contains(&calls), "{calls}");
    });
}

#[test]
fn fault_12_panicking_callback_is_reported_and_others_run() {
    within_deadline(|| {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reported);
        let pool = ThreadPool::builder()
            .workers(1)
            .callback_panic_handler(move |panic| {
                sink.lock().unwrap().push(panic.message().to_owned());
                panic!("the handler panics as well");
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
        // Called by a worker, by the canceller, and at once.
        let mut runs = pool.submit(|| 1).unwrap();
        let mut cancelled = pool.submit(|| 1).unwrap();
        for (job, name) in [(&mut runs, "a worker"), (&mut cancelled, "the canceller")] {
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
            *reported.lock().unwrap(),
            ["the canceller", "a worker", "at once"]
        );
        assert_eq!(pool.callback_panics(), 3);
    });
}
