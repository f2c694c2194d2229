//! The lifetime of an offload and its threads.

mod support;

use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use effective_bridge::{Offload, OffloadError, Refusal};
use futures::executor::block_on;

use support::{
    Counter, eventually, occupy, one_thread, one_thread_and_room, poll_pending, quiet_panics,
    within_deadline,
};

#[test]
fn close_finishes_accepted_jobs_and_refuses_others() {
    within_deadline(|| {
        let offload = one_thread_and_room(2);
        let (gate, first) = occupy(&offload);
        let accepted: Vec<_> = (0..2)
            .map(|n| offload.try_run(move || n).unwrap())
            .collect();
        let mut in_line = Box::pin(offload.run(|| 9));
        poll_pending(&mut in_line);
        offload.close();
        assert!(offload.is_closed());
        assert!(matches!(block_on(in_line), Err(OffloadError::Closed)));
        assert_eq!(
            offload.try_run(|| 1).unwrap_err().refusal(),
            Refusal::Closed
        );
        assert!(matches!(
            block_on(offload.run(|| 1)),
            Err(OffloadError::Closed)
        ));
        let late = offload
            .shutdown_timeout(Duration::from_millis(5))
            .unwrap_err();
        assert_eq!((late.threads(), late.pending()), (1, 2));
        gate.open();
        block_on(first).unwrap();
        for (n, job) in accepted.into_iter().enumerate() {
            assert_eq!(block_on(job).unwrap(), n);
        }
        block_on(offload.shutdown()).unwrap();
        assert_eq!(offload.threads(), 0);
    });
}

#[test]
fn close_now_cancels_pending_jobs() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, running) = occupy(&offload);
        let pending: Vec<_> = (0..5)
            .map(|n| offload.try_run(move || n).unwrap())
            .collect();
        assert_eq!(offload.close_now(), 5);
        for job in pending {
            assert!(matches!(block_on(job), Err(OffloadError::Closed)));
        }
        gate.open();
        block_on(running).unwrap();
        block_on(offload.shutdown()).unwrap();
    });
}

#[test]
fn shutdown_on_own_thread_fails_at_once() {
    within_deadline(|| {
        let offload = one_thread();
        let inside = offload.clone();
        let call = offload.run(move || {
            let asynchronous = block_on(inside.shutdown());
            (asynchronous, inside.shutdown_timeout(Duration::MAX))
        });
        let (one, other) = block_on(call).unwrap();
        assert_eq!(one.unwrap_err().threads(), 1);
        assert_eq!(other.unwrap_err().threads(), 1);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn panicking_waker_of_one_shutdown_ends_the_others() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("meant");
        }
    }
    struct Good(Counter);
    impl Wake for Good {
        fn wake(self: Arc<Self>) {
            self.0.add();
        }
    }
    quiet_panics();
    within_deadline(|| {
        let offload = one_thread();
        let (gate, job) = occupy(&offload);
        let woken = Counter::default();
        let wakers = [
            Waker::from(Arc::new(Bad)),
            Waker::from(Arc::new(Good(woken.clone()))),
        ];
        let mut shutdowns = [offload.shutdown(), offload.shutdown()].map(Box::pin);
        for (shutdown, waker) in shutdowns.iter_mut().zip(&wakers) {
            let mut cx = Context::from_waker(waker);
            assert!(shutdown.as_mut().poll(&mut cx).is_pending());
        }
        gate.open();
        block_on(job).unwrap();
        eventually(|| woken.get() == 1);
        for shutdown in shutdowns {
            block_on(shutdown).unwrap();
        }
    });
}

#[test]
fn idle_threads_above_the_minimum_exit() {
    within_deadline(|| {
        let offload = Offload::builder()
            .max_threads(6)
            .min_threads(2)
            .idle_timeout(Duration::from_millis(20))
            .name_prefix("idler")
            .build()
            .unwrap();
        assert_eq!(offload.threads(), 2);
        let busy: Vec<_> = (0..6).map(|_| occupy(&offload)).collect();
        assert_eq!(offload.threads(), 6);
        busy.iter().for_each(|(gate, _)| gate.open());
        eventually(|| support::threads_named("idler") == 2);
        thread::sleep(Duration::from_millis(60));
        assert_eq!(offload.threads(), 2);
        assert_eq!(block_on(offload.run(|| 1)).unwrap(), 1);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn threads_exit_after_last_handle_and_last_job() {
    within_deadline(|| {
        let offload = Offload::builder().name_prefix("handle").build().unwrap();
        let (gate, job) = occupy(&offload);
        let after = offload.clone().try_run(|| 7).unwrap();
        drop(offload);
        assert!(support::threads_named("handle") > 0);
        gate.open();
        block_on(job).unwrap();
        assert_eq!(block_on(after).unwrap(), 7);
        eventually(|| support::threads_named("handle") == 0);
    });
}

#[test]
fn future_keeps_its_offload_open() {
    within_deadline(|| {
        let call = Offload::new().run(|| 1);
        assert_eq!(block_on(call).unwrap(), 1);
    });
}

#[test]
fn offload_may_be_dropped_on_its_own_thread() {
    within_deadline(|| {
        let offload = one_thread();
        let inside = offload.clone();
        let job = offload.try_run(move || drop(inside)).unwrap();
        drop(offload);
        block_on(job).unwrap();
    });
}

#[test]
fn refused_thread_is_the_error_of_the_job() {
    within_deadline(|| {
        // No address space has room for such a stack.
        let offload = Offload::builder().stack_size(1 << 60).build().unwrap();
        let error = block_on(offload.run(|| 1)).unwrap_err();
        assert!(matches!(error, OffloadError::NoThread(_)), "{error}");
        assert_eq!((offload.threads(), offload.pending()), (0, 0));
        offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn detached_job_runs() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, _job) = occupy(&offload);
        let ran = Counter::default();
        let inside = ran.clone();
        offload.try_run(move || inside.add()).unwrap().detach();
        gate.open();
        eventually(|| ran.get() == 1);
    });
}

#[test]
fn shutdown_waits_for_a_starting_thread() {
    within_deadline(|| {
        for _ in 0..5_000 {
            let offload = one_thread();
            let other = offload.clone();
            let both = Arc::new(Barrier::new(2));
            let here = Arc::clone(&both);
            let ran = Counter::default();
            let inside = ran.clone();
            let submitter = thread::spawn(move || {
                here.wait();
                let job = other.try_run(move || inside.add());
                job.map(effective_bridge::Job::detach).is_ok()
            });
            both.wait();
            offload.shutdown_timeout(Duration::from_secs(60)).unwrap();
            let ran = ran.get();
            let accepted = submitter.join().unwrap();
            assert_eq!(ran, usize::from(accepted), "it had been accepted");
        }
    });
}

/// A task that awaits the shutdown beside other things is polled often.
#[test]
fn shutdown_polled_often_keeps_one_waker() {
    struct Nothing;
    impl std::task::Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }

    within_deadline(|| {
        let offload = one_thread();
        let (gate, job) = occupy(&offload);
        let nothing = Arc::new(Nothing);
        let waker = Waker::from(Arc::clone(&nothing));
        let mut shutdown = Box::pin(offload.shutdown());
        for _ in 0..1_000 {
            let mut cx = Context::from_waker(&waker);
            assert!(shutdown.as_mut().poll(&mut cx).is_pending());
        }
        assert!(Arc::strong_count(&nothing) <= 4);
        gate.open();
        block_on(job).unwrap();
        block_on(shutdown).unwrap();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn timer_thread_exits_after_deadline_is_cancelled() {
    within_deadline(|| {
        let offload = one_thread();
        let (gate, job) = occupy(&offload);
        let mut call = Box::pin(offload.run_timeout(|| (), Duration::from_secs(3_600)));
        poll_pending(&mut call);
        eventually(|| support::threads_named("bridge-timer") == 1);
        // By now the timer thread sleeps.
        thread::sleep(Duration::from_millis(50));
        drop(call);
        gate.open();
        block_on(job).unwrap();
        eventually(|| support::threads_named("bridge-timer") == 0);
    });
}
