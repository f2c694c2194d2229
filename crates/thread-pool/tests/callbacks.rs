//! Completion callbacks.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use effective_thread_pool::{JobError, ThreadPool};
use support::{occupy, within_deadline};

#[test]
fn callbacks_run_in_order_on_the_worker_before_the_result() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        let worker = Arc::new(Mutex::new(None));
        let (gate, _) = occupy(&pool);
        let (inside, on) = (gate.clone(), Arc::clone(&worker));
        let mut job = pool
            .submit(move || {
                inside.pass();
                *on.lock().unwrap() = Some(thread::current().id());
                5
            })
            .unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in 0..10 {
            let (seen, worker) = (Arc::clone(&seen), Arc::clone(&worker));
            job.on_complete(move |result| {
                assert_eq!(Some(thread::current().id()), *worker.lock().unwrap());
                seen.lock().unwrap().push(n + result.as_ref().unwrap());
            });
        }
        gate.open();
        assert_eq!(job.wait().unwrap(), 5);
        assert!(seen.lock().unwrap().iter().copied().eq(5..15));
    });
}

#[test]
fn callback_of_a_finished_job_runs_at_once_on_the_caller() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let mut job = pool.submit(|| String::from("here")).unwrap();
        support::eventually(|| job.is_finished());
        let (sender, receiver) = mpsc::channel();
        job.on_complete(move |result| {
            let text = result.as_ref().unwrap().clone();
            sender.send((thread::current().id(), text)).unwrap();
        });
        let here = (thread::current().id(), String::from("here"));
        assert_eq!(receiver.try_recv().unwrap(), here);
        // The callback only borrowed the result.
        assert_eq!(job.wait().unwrap(), "here");
    });
}

#[test]
fn callbacks_see_panics_and_cancellation() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let (sender, receiver) = mpsc::channel();
        let mut bad = pool.submit(|| -> u8 { panic!("bad") }).unwrap();
        let mut unwanted = pool.submit(|| 1u8).unwrap();
        for job in [&mut bad, &mut unwanted] {
            let sender = sender.clone();
            job.on_complete(move |result| {
                let text = result.as_ref().unwrap_err().to_string();
                sender.send((thread::current().id(), text)).unwrap();
            });
        }
        assert!(unwanted.cancel());
        let (on, text) = receiver.try_recv().expect("run by the canceller");
        assert_eq!(on, thread::current().id());
        assert!(text.contains("cancelled"), "{text}");
        gate.open();
        assert!(receiver.recv().unwrap().1.contains("bad"));
    });
}

#[test]
fn callback_outlives_the_handle_and_may_submit() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(1).unwrap());
        let (gate, _) = occupy(&pool);
        let (sender, receiver) = mpsc::channel();
        let mut job = pool.submit(|| 20).unwrap();
        let inner = Arc::clone(&pool);
        job.on_complete(move |result| {
            let twenty = *result.as_ref().unwrap();
            drop(inner.submit(move || sender.send(twenty + 1)));
        });
        drop(job);
        gate.open();
        assert_eq!(receiver.recv().unwrap(), 21);
    });
}

#[test]
fn callbacks_run_for_jobs_that_a_shutdown_cancels() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let called = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let mut job = pool.submit(|| ()).unwrap();
            let called = Arc::clone(&called);
            job.on_complete(move |result| {
                assert!(matches!(result, Err(JobError::Cancelled)));
                called.fetch_add(1, Ordering::SeqCst);
            });
        }
        gate.open();
        let cancelled = pool.shutdown_now();
        assert!(called.load(Ordering::SeqCst) >= cancelled);
    });
}

#[test]
fn callback_waiting_for_its_own_job_gets_an_error() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        let (gate, _) = occupy(&pool);
        let (give, take) = mpsc::channel::<effective_thread_pool::Handle<u8>>();
        let (sender, receiver) = mpsc::channel();
        let mut job = pool.submit(|| 1).unwrap();
        job.on_complete(move |_| sender.send(take.recv().unwrap().wait()).unwrap());
        give.send(job).unwrap();
        gate.open();
        assert!(matches!(
            receiver.recv().unwrap(),
            Err(JobError::WouldDeadlock)
        ));
    });
}

#[test]
fn callbacks_added_while_jobs_finish_run_once() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for _ in 0..5_000 {
            let called = Arc::new(AtomicUsize::new(0));
            let mut job = pool.submit(|| ()).unwrap();
            for _ in 0..3 {
                let called = Arc::clone(&called);
                job.on_complete(move |_| {
                    called.fetch_add(1, Ordering::SeqCst);
                });
            }
            job.wait().unwrap();
            assert_eq!(called.load(Ordering::SeqCst), 3);
        }
    });
}
