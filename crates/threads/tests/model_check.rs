//! The permits and the token under loom, in every interleaving of up to three preemptions.
//!
//! In a separate target folder: `RUSTFLAGS="--cfg model_check" cargo test --release -p
//! effective-threads --test model_check`.
#![cfg(model_check)]

use std::time::Duration;

use effective_threads::Stop;
use effective_threads::internals::{Denied, Permits, child};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

const NEVER: fn() -> bool = || false;

/// Runs all interleavings of `model`. loom reports one that hangs as a deadlock.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn released_permit_reaches_every_waiter() {
    check(|| {
        let (permits, live) = (Arc::new(Permits::new(1)), Arc::new(AtomicUsize::new(0)));
        let work = move |permits: &Permits, live: &AtomicUsize| {
            let permit = permits
                .acquire(false, None, NEVER)
                .ok()
                .expect("no deadlock");
            assert_eq!(live.fetch_add(1, Ordering::SeqCst), 0);
            live.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (permits, live) = (Arc::clone(&permits), Arc::clone(&live));
                thread::spawn(move || work(&permits, &live))
            })
            .collect();
        work(&permits, &live);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn wake_all_after_the_flag_ends_a_wait() {
    check(|| {
        let (permits, cancelled) = (Arc::new(Permits::new(1)), Arc::new(AtomicBool::new(false)));
        let held = permits.try_acquire();
        let waiter = {
            let (permits, cancelled) = (Arc::clone(&permits), Arc::clone(&cancelled));
            thread::spawn(move || {
                permits
                    .acquire(false, None, || cancelled.load(Ordering::Acquire))
                    .err()
            })
        };
        cancelled.store(true, Ordering::Release);
        permits.wake_all();
        assert_eq!(waiter.join().unwrap(), Some(Denied::Cancelled));
        drop(held);
    });
}

#[test]
fn one_of_two_waiting_holders_is_refused() {
    check(|| {
        let (permits, refused) = (Arc::new(Permits::new(2)), Arc::new(AtomicUsize::new(0)));
        let nested = move |permits: &Permits, refused: &AtomicUsize| {
            let own = permits
                .acquire(false, None, NEVER)
                .ok()
                .expect("two can have one");
            match permits.acquire(true, None, NEVER) {
                Ok(permit) => drop(permit),
                Err(denied) => {
                    assert_eq!(denied, Denied::Deadlock);
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            }
            drop(own);
        };
        let other = {
            let (permits, refused) = (Arc::clone(&permits), Arc::clone(&refused));
            thread::spawn(move || nested(&permits, &refused))
        };
        nested(&permits, &refused);
        other.join().unwrap();
        assert!(refused.load(Ordering::SeqCst) <= 1);
    });
}

#[test]
fn holder_is_refused_if_its_parent_is_blocked() {
    check(|| {
        let permits = Arc::new(Permits::new(2));
        let (parent, child) = (permits.try_acquire(), permits.try_acquire());
        assert!(parent.is_some() && child.is_some());
        let nested = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.acquire(true, None, NEVER).err())
        };
        let blocked = permits.block();
        assert_eq!(nested.join().unwrap(), Some(Denied::Deadlock));
        drop(blocked);
        drop((parent, child));
    });
}

#[test]
fn sleeper_on_a_child_misses_no_stop_of_its_parent() {
    check(|| {
        let stop = Stop::new();
        let child = child(&stop);
        let sleeper = {
            let child = child.clone();
            thread::spawn(move || child.wait_timeout(Duration::MAX))
        };
        stop.stop();
        assert!(sleeper.join().unwrap());
        assert!(child.is_stopped());
    });
}

#[test]
fn stop_of_a_child_does_not_stop_its_parent() {
    check(|| {
        let stop = Stop::new();
        let child = child(&stop);
        let sleeper = {
            let child = child.clone();
            thread::spawn(move || child.wait_timeout(Duration::MAX))
        };
        child.stop();
        assert!(sleeper.join().unwrap());
        assert!(!stop.is_stopped());
    });
}
