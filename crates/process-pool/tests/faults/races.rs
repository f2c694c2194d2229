//! Races between cancels, kills, limits, wakers and callbacks.

use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use effective_process_pool::{Handle, JobError, ProcessPool};

use crate::helpers::all_done;
use crate::jobs::*;
use crate::support::checks::{Resources, alone, deadline, eventually};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn kill_ends_job_behind_uncollected_result() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    let pool = ProcessPool::new(&program, 1).unwrap();
    for _ in 0..5 {
        pool.submit::<pid>(()).unwrap().wait().unwrap();
        let (quick, slow) = (
            pool.submit::<double>(1).unwrap(),
            pool.submit::<nap>(600_000).unwrap(),
        );
        // By now the slow job runs, and the quick one's result is not collected.
        thread::sleep(Duration::from_millis(100));
        assert!(slow.kill());
        assert!(matches!(
            slow.wait(),
            Err(JobError::Killed | JobError::Cancelled)
        ));
        assert_eq!(quick.wait().unwrap(), 2);
    }
    drop(pool);
    before.assert_restored();
}

#[test]
fn ring_of_cancelled_jobs_does_not_block_next_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let before = Resources::settled();
    for _ in 0..5 {
        let pool = ProcessPool::builder(&program)
            .workers(1)
            .initializer::<nap>(200)
            .build()
            .unwrap();
        // The supervisor sleeps by then; the worker is still starting, so none of these starts.
        thread::sleep(Duration::from_millis(50));
        let cancelled: Vec<_> = (0..64)
            .map(|number| pool.submit::<double>(number).unwrap())
            .collect();
        let gone = cancelled.iter().filter(|handle| handle.cancel()).count();
        let next = pool.submit::<double>(21).unwrap();
        match next.wait_timeout(20 * SECOND) {
            Ok(result) => assert_eq!(result.unwrap(), 42),
            Err(_) => panic!("the job behind {gone} cancelled ones never ran"),
        }
    }
    before.assert_restored();
}

#[test]
fn cancelled_jobs_do_not_pile_up_behind_slow_job() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(120), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    let slow = pool.submit::<nap>(600_000).unwrap();
    let waiting: Vec<_> = (0..200)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    for number in 0..2_000 {
        let handle = pool.submit::<double>(number).unwrap();
        assert!(handle.cancel());
        assert!(pool.queued() <= 200, "{} jobs are queued", pool.queued());
    }
    assert!(slow.kill());
    all_done(waiting);
}

struct Holder {
    _held: Mutex<Handle<u64>>,
}

impl Wake for Holder {
    fn wake(self: Arc<Self>) {}
}

fn poll_with(handle: &mut Handle<u64>, waker: &Waker) -> bool {
    matches!(
        Pin::new(handle).poll(&mut Context::from_waker(waker)),
        Poll::Ready(_)
    )
}

#[test]
fn waker_holding_handle_is_dropped_without_lock() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    let slow = pool.submit::<nap>(600_000).unwrap();
    let waiting: Vec<_> = (0..200)
        .map(|number| pool.submit::<double>(number).unwrap())
        .collect();
    let mut last = pool.submit::<double>(200).unwrap();
    let held = pool.submit::<double>(201).unwrap();
    let waker = Waker::from(Arc::new(Holder {
        _held: Mutex::new(held),
    }));
    assert!(!poll_with(&mut last, &waker));
    // From here on only the pool holds the waker, which the waiting thread replaces.
    drop(waker);
    assert!(last.wait_timeout(Duration::from_millis(50)).is_err());
    slow.kill();
    all_done(waiting);
}

struct PanickingDrop;

impl Wake for PanickingDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanickingDrop {
    fn drop(&mut self) {
        panic!("the waker panics when dropped");
    }
}

#[test]
fn waker_that_panics_when_dropped_loses_no_result() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    let mut job = pool.submit::<nap>(100).unwrap();
    let waker = Waker::from(Arc::new(PanickingDrop));
    assert!(!poll_with(&mut job, &waker));
    // From here on only the pool holds the waker, which the next poll replaces.
    drop(waker);
    assert!(!poll_with(&mut job, Waker::noop()));
    assert_eq!(job.wait().unwrap(), 100);
}

#[test]
fn callback_may_wait_for_other_jobs_and_crashes() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let before = Resources::settled();
    let pool = Arc::new(ProcessPool::new(&program, 1).unwrap());
    let (sender, results) = mpsc::channel();
    for round in 0..10 {
        let (inside, sender) = (Arc::clone(&pool), sender.clone());
        pool.submit::<double>(round).unwrap().on_done(move |first| {
            let crash = inside.submit::<exit_with>(3).unwrap().wait();
            let mapped = inside.map::<double>(0..100).len();
            let second = inside.submit::<double>(first.unwrap()).unwrap().wait();
            drop(inside);
            sender
                .send((crash.is_err(), mapped, second.unwrap()))
                .unwrap();
        });
    }
    for round in 0..10 {
        let result = results.recv_timeout(30 * SECOND);
        assert_eq!(
            result.expect("no callback waits for itself"),
            (true, 100, 4 * round)
        );
    }
    drop(pool);
    before.assert_restored();
}

#[test]
fn callbacks_run_on_one_thread_outside_locks() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let pool = ProcessPool::new(&program, 1).unwrap();
    let shared = Arc::new(Mutex::new(Vec::new()));
    for round in 0..2_000 {
        // This thread collects others' results while it holds the lock that their callbacks need.
        let held = shared.lock().unwrap();
        let theirs = Arc::clone(&shared);
        pool.submit::<double>(round)
            .unwrap()
            .on_done(move |_| theirs.lock().unwrap().push(thread::current().id()));
        pool.submit::<double>(round).unwrap().wait().unwrap();
        drop(held);
    }
    pool.shutdown();
    let ran_on = shared.lock().unwrap();
    assert_eq!(ran_on.len(), 2_000);
    assert!(ran_on.iter().all(|&thread| thread == ran_on[0]));
    assert_ne!(ran_on[0], thread::current().id());
}

#[test]
fn callback_may_drop_its_pool() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let before = Resources::settled();
    for how in 0..3 {
        let pool = ProcessPool::new(&program, 1).unwrap();
        let (sender, done) = mpsc::channel();
        let job = pool.submit::<nap>(20).unwrap();
        let after = pool.submit::<nap>(30).unwrap();
        job.on_done(move |_| {
            match how {
                0 => drop(pool),
                1 => pool.shutdown_timeout(10 * SECOND).unwrap(),
                _ => drop(pool.shutdown_now()),
            }
            sender.send(()).unwrap();
        });
        done.recv_timeout(30 * SECOND)
            .expect("it does not wait for itself");
        let _ = after.wait();
    }
    before.assert_restored();
}

#[test]
fn shutdown_waits_for_callbacks() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    for _ in 0..20 {
        let pool = ProcessPool::new(&program, 2).unwrap();
        let count = Arc::new(Mutex::new(0));
        for number in 0..50 {
            let count = Arc::clone(&count);
            pool.submit::<double>(number)
                .unwrap()
                .on_done(move |_| *count.lock().unwrap() += 1);
        }
        pool.shutdown();
        assert_eq!(*count.lock().unwrap(), 50);
    }
}

#[test]
fn holder_of_stderr_lock_can_wait_for_worker() {
    let program = program();
    let (_deadline, _exclusive) = (deadline(60), alone());
    let pool = ProcessPool::builder(&program)
        .workers(1)
        .capture_stderr()
        .build()
        .unwrap();
    let held = std::io::stderr().lock();
    assert_eq!(
        pool.submit::<prints>("?\n".to_owned())
            .unwrap()
            .wait()
            .unwrap(),
        2
    );
    let crashed = pool.submit::<exit_with>(3).unwrap();
    let result = crashed.wait_timeout(20 * SECOND);
    drop(held);
    assert!(matches!(result, Ok(Err(JobError::Crashed(_)))));
    eventually("the pool goes on", || {
        pool.submit::<pid>(()).unwrap().wait().is_ok()
    });
}
