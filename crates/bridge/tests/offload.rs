//! Blocking jobs submitted from coroutines.

mod support;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use effective_bridge::{Offload, OffloadError, Refusal};
use futures::executor::block_on;
use futures::future::join_all;

use support::{
    Bomb, Counter, Gate, Gauge, eventually, occupy, one_thread, one_thread_and_room, poll_pending,
    quiet_panics, within_deadline,
};

#[test]
fn job_runs_on_a_named_thread() {
    within_deadline(|| {
        let offload = Offload::builder().name_prefix("disk").build().unwrap();
        let name = || thread::current().name().map(str::to_owned);
        let name = block_on(offload.run(name)).unwrap().unwrap();
        assert!(name.starts_with("disk-"), "{name}");
    });
}

#[test]
fn panicking_waker_harms_no_other_job() {
    struct Bad;
    impl std::task::Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("meant");
        }
    }
    quiet_panics();
    within_deadline(|| {
        let offload = one_thread();
        let (gate, job) = occupy(&offload);
        let mut call = std::pin::pin!(offload.run(|| 1));
        let waker = Waker::from(Arc::new(Bad));
        let mut context = Context::from_waker(&waker);
        assert!(call.as_mut().poll(&mut context).is_pending());
        gate.open();
        block_on(job).unwrap();
        assert_eq!(block_on(call).unwrap(), 1);
        assert_eq!(block_on(offload.run(|| 2)).unwrap(), 2);
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn nothing_happens_before_the_first_poll() {
    let offload = Offload::new();
    let ran = Counter::default();
    let inside = ran.clone();
    drop(offload.run(move || inside.add()));
    assert_eq!((offload.threads(), ran.get()), (0, 0));
}

#[test]
fn many_jobs_return_their_results_in_order() {
    within_deadline(|| {
        // Less room than jobs: most of them wait for it.
        let offload = Offload::builder()
            .max_threads(3)
            .max_pending(5)
            .build()
            .unwrap();
        let calls = (0..1_000).map(|n| offload.run(move || n * 2));
        let values = block_on(join_all(calls));
        for (n, value) in values.into_iter().enumerate() {
            assert_eq!(value.unwrap(), n * 2);
        }
        assert!(offload.threads() <= 3);
    });
}

#[test]
fn at_most_max_threads_jobs_run_at_once() {
    within_deadline(|| {
        let offload = Offload::builder().max_threads(4).build().unwrap();
        let gauge = Arc::new(Gauge::default());
        let calls = (0..100).map(|_| {
            let gauge = Arc::clone(&gauge);
            offload.run(move || gauge.during(|| thread::sleep(Duration::from_micros(200))))
        });
        block_on(join_all(calls));
        let most = gauge.peak();
        assert!((2..=4).contains(&most), "{most}");
    });
}

#[test]
fn panic_is_the_error_of_its_own_call() {
    quiet_panics();
    within_deadline(|| {
        let offload = one_thread();
        let bad = block_on(offload.run(|| panic!("meant: {}", 7)));
        assert!(
            matches!(&bad, Err(OffloadError::Panicked(panic)) if panic.message() == "meant: 7")
        );
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
        assert_eq!(offload.threads(), 1);
    });
}

#[test]
fn panicking_destructors_are_contained() {
    quiet_panics();
    within_deadline(|| {
        let offload = one_thread();
        // As a panic payload, as a result that is never taken, as a capture of a cancelled job.
        drop(block_on(offload.run(|| std::panic::panic_any(Bomb))));
        offload.try_run(|| Bomb).unwrap().detach();
        let (gate, job) = occupy(&offload);
        let bomb = Bomb;
        drop(offload.try_run(move || drop(bomb)).unwrap());
        let bomb = Bomb;
        let pending = offload.try_run(move || drop(bomb)).unwrap();
        assert_eq!(offload.close_now(), 1);
        assert!(matches!(block_on(pending), Err(OffloadError::Closed)));
        gate.open();
        block_on(job).unwrap();
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn dropped_pending_job_never_runs() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, job) = occupy(&offload);
        let (ran, dropped) = (Counter::default(), Counter::default());
        let (inside, captured) = (ran.clone(), dropped.on_drop());
        let mut call = Box::pin(offload.run(move || {
            let _captured = captured;
            inside.add();
        }));
        poll_pending(&mut call);
        assert_eq!(offload.pending(), 1);
        drop(call);
        assert_eq!((offload.pending(), dropped.get()), (0, 1));
        gate.open();
        block_on(job).unwrap();
        block_on(offload.run(|| ())).unwrap();
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn dropped_running_job_keeps_running() {
    within_deadline(|| {
        let offload = one_thread();
        let gate = Gate::new();
        let (inside, started, dropped) = (gate.clone(), Counter::default(), Counter::default());
        let (tell, value) = (started.clone(), dropped.on_drop());
        let job = offload.try_run(move || {
            tell.add();
            inside.pass();
            value
        });
        let job = job.unwrap();
        eventually(|| started.get() == 1);
        assert!(!job.cancel(), "it is running");
        assert_eq!(dropped.get(), 0);
        gate.open();
        eventually(|| dropped.get() == 1);
    });
}

#[test]
fn try_run_returns_the_job_when_full() {
    within_deadline(|| {
        let offload = one_thread_and_room(2);
        let (gate, _job) = occupy(&offload);
        let kept: Vec<_> = (0..2)
            .map(|n| offload.try_run(move || n).unwrap())
            .collect();
        let refused = offload.try_run(|| 42).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::Full);
        assert_eq!(refused.into_job()(), 42);
        gate.open();
        for (n, job) in kept.into_iter().enumerate() {
            assert_eq!(block_on(job).unwrap(), n);
        }
    });
}

#[test]
fn run_waits_for_room_in_order() {
    within_deadline(|| {
        let offload = one_thread_and_room(1);
        let (gate, _job) = occupy(&offload);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls: Vec<_> = (0..6)
            .map(|n| {
                let order = Arc::clone(&order);
                Box::pin(offload.run(move || order.lock().unwrap().push(n)))
            })
            .collect();
        calls.iter_mut().for_each(poll_pending);
        assert_eq!((offload.pending(), offload.waiting()), (1, 5));
        // A waiting job is withdrawn, then the queued one, whose room goes to the next.
        drop(calls.remove(3));
        drop(calls.remove(0));
        assert_eq!((offload.pending(), offload.waiting()), (1, 3));
        gate.open();
        block_on(join_all(calls));
        assert_eq!(*order.lock().unwrap(), [1, 2, 4, 5]);
    });
}

#[test]
fn withdrawn_jobs_leave_nothing_behind() {
    within_deadline(|| {
        let offload = one_thread_and_room(8);
        let (gate, _job) = occupy(&offload);
        for _ in 0..100_000 {
            poll_pending(Box::pin(offload.run(|| ())));
        }
        // Many at once, withdrawn from the back.
        let mut calls: Vec<_> = (0..10_000).map(|_| Box::pin(offload.run(|| ()))).collect();
        calls.iter_mut().for_each(poll_pending);
        while calls.pop().is_some() {}
        assert_eq!((offload.pending(), offload.waiting()), (0, 0));
        gate.open();
        block_on(offload.run(|| ())).unwrap();
    });
}

#[test]
fn run_timeout_ends_waiting_and_running_jobs() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, _job) = occupy(&offload);
        let ran = Counter::default();
        let inside = ran.clone();
        let late = offload.run_timeout(move || inside.add(), Duration::from_millis(10));
        let error = block_on(late).unwrap_err();
        assert!(
            matches!(error, OffloadError::TimedOut { started: false, .. }),
            "{error}"
        );
        assert_eq!(offload.pending(), 0);
        gate.open();
        let inner = Gate::new();
        let inside = inner.clone();
        let slow = offload.run_timeout(move || inside.pass(), Duration::from_millis(500));
        let error = block_on(slow).unwrap_err();
        assert!(
            matches!(error, OffloadError::TimedOut { started: true, .. }),
            "{error}"
        );
        inner.open();
        let in_time = offload.run_timeout(|| 5, Duration::from_secs(60));
        assert_eq!(block_on(in_time).unwrap(), 5);
        let unlimited = offload.run_timeout(|| 6, Duration::MAX);
        assert_eq!(block_on(unlimited).unwrap(), 6);
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn many_timeouts_expire() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, _job) = occupy(&offload);
        let calls = (0..200_u64).map(|n| {
            let time = Duration::from_millis(1 + (n * 7) % 40);
            offload.run_timeout(|| (), time)
        });
        for result in block_on(join_all(calls)) {
            assert!(matches!(
                result,
                Err(OffloadError::TimedOut { started: false, .. })
            ));
        }
        gate.open();
    });
}

#[test]
fn job_that_waits_for_jobs_is_replaced() {
    within_deadline(|| {
        let offload = one_thread();
        let inner = offload.clone();
        let call = offload.run(move || {
            let one = block_on(inner.run(|| 1)).unwrap();
            // A job that was accepted before it was awaited, and several at once.
            let two = block_on(inner.try_run(|| 2).unwrap()).unwrap();
            let many = block_on(join_all((0..50).map(|n| inner.run(move || n))));
            one + two + many.into_iter().map(Result::unwrap).sum::<i32>()
        });
        assert_eq!(block_on(call).unwrap(), 3 + 49 * 25);
        // At most one more: the replacement.
        assert!(offload.threads() <= 2);
    });
}

#[test]
fn jobs_nested_too_deep_fail_instead_of_deadlocking() {
    fn nest(offload: &Offload, depth: usize) -> usize {
        let inner = offload.clone();
        match block_on(offload.run(move || nest(&inner, depth + 1))) {
            Ok(deepest) => deepest,
            Err(OffloadError::WouldDeadlock) => depth,
            Err(other) => panic!("{other}"),
        }
    }
    within_deadline(|| {
        let offload = Offload::builder().max_threads(3).build().unwrap();
        for _ in 0..100 {
            // Three that are replaced, and at most three that found an idle thread.
            let depth = nest(&offload, 0);
            assert!((4..=6).contains(&depth), "{depth}");
            assert!(offload.threads() <= 6);
        }
    });
}

#[test]
fn replaced_worker_yields_after_its_wait() {
    within_deadline(|| {
        let offload = one_thread();
        let inner = offload.clone();
        // This leaves two threads.
        let call = offload.run(move || block_on(inner.run(|| 1)).unwrap());
        assert_eq!(block_on(call).unwrap(), 1);
        assert_eq!(offload.threads(), 2);
        let gauge = Arc::new(Gauge::default());
        let calls = (0..50).map(|_| {
            let gauge = Arc::clone(&gauge);
            offload.run(move || gauge.during(|| thread::sleep(Duration::from_micros(100))))
        });
        block_on(join_all(calls))
            .into_iter()
            .for_each(|result| result.unwrap());
        assert_eq!(gauge.peak(), 1, "two at once");
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(offload.threads(), 0);
    });
}

/// A future that was polled inside a job and outlives it.
#[test]
fn future_given_away_does_not_block_its_worker() {
    within_deadline(|| {
        for _ in 0..2 {
            let offload = one_thread();
            let portal = support::portal();
            let inside = portal.clone();
            let call = offload.run(move || {
                let mut call = inside.call(std::future::pending::<()>);
                poll_pending(&mut call);
                call
            });
            let kept = block_on(call).unwrap();
            // The worker is idle, then busy; neither is a wait for the future that was given away.
            thread::sleep(Duration::from_millis(5));
            assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
            let gauge = Arc::new(Gauge::default());
            let calls = (0..8).map(|_| {
                let gauge = Arc::clone(&gauge);
                offload.run(move || gauge.during(|| thread::sleep(Duration::from_millis(1))))
            });
            block_on(join_all(calls));
            assert_eq!(gauge.peak(), 1, "too many jobs run at once");
            drop(kept);
            assert_eq!(block_on(offload.run(|| 2)).unwrap(), 2);
            offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
        }
    });
}

#[test]
fn job_awaiting_a_polled_call_is_replaced() {
    within_deadline(|| {
        let offload = one_thread();
        let portal = support::portal();
        let needs = offload.clone();
        let polled = offload.run(move || {
            let (go, may_go) = futures::channel::oneshot::channel::<()>();
            let mut call = portal.call(move || async move {
                may_go.await.unwrap();
                needs.run(|| 7).await.unwrap()
            });
            poll_pending(&mut call);
            (go, call)
        });
        let (go, call) = block_on(polled).unwrap();
        let awaits = offload.run(move || {
            block_on(async {
                go.send(()).unwrap();
                call.await.unwrap()
            })
        });
        assert_eq!(block_on(awaits).unwrap(), 7);
    });
}
