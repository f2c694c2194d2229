//! The crate's own protocols, every interleaving of them up to three preemptions:
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p threads --test model_check`, in a target folder of its own.
#![cfg(model_check)]
#![allow(dead_code, reason = "a model uses its part of the file it includes")]

#[path = "../src/gate.rs"]
mod gate;
#[path = "../src/stop.rs"]
mod stop;
#[path = "../src/sync.rs"]
mod sync;

/// Stands in for the gate of the process, which outlives a model.
mod ceiling {
    pub(crate) fn ring() {}
}

use std::time::Duration;

use gate::{Denied, Gate};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use stop::Stop;

const NEVER: fn() -> bool = || false;

/// A model that hangs in some interleaving fails: loom reports a deadlock.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn a_permit_given_back_is_seen_by_every_wait_and_the_most_is_kept() {
    check(|| {
        let (gate, live) = (Arc::new(Gate::new(1)), Arc::new(AtomicUsize::new(0)));
        let work = move |gate: &Gate, live: &AtomicUsize| {
            let permit = gate.take(false, None, NEVER).ok().expect("nobody is stuck");
            assert_eq!(live.fetch_add(1, Ordering::SeqCst), 0);
            live.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (gate, live) = (Arc::clone(&gate), Arc::clone(&live));
                thread::spawn(move || work(&gate, &live))
            })
            .collect();
        work(&gate, &live);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_ring_after_the_flag_ends_a_wait() {
    check(|| {
        let (gate, over) = (Arc::new(Gate::new(1)), Arc::new(AtomicBool::new(false)));
        let held = gate.try_take();
        let waiter = {
            let (gate, over) = (Arc::clone(&gate), Arc::clone(&over));
            thread::spawn(move || {
                gate.take(false, None, || over.load(Ordering::Acquire))
                    .err()
            })
        };
        over.store(true, Ordering::Release);
        gate.ring();
        assert_eq!(waiter.join().unwrap(), Some(Denied::Over));
        drop(held);
    });
}

#[test]
fn of_holders_who_all_wait_one_is_sent_away_and_the_others_go_on() {
    check(|| {
        let (gate, away) = (Arc::new(Gate::new(2)), Arc::new(AtomicUsize::new(0)));
        let nested = move |gate: &Gate, away: &AtomicUsize| {
            let own = gate
                .take(false, None, NEVER)
                .ok()
                .expect("two can have one");
            match gate.take(true, None, NEVER) {
                Ok(permit) => drop(permit),
                Err(denied) => {
                    assert_eq!(denied, Denied::Deadlock);
                    away.fetch_add(1, Ordering::SeqCst);
                }
            }
            drop(own);
        };
        let other = {
            let (gate, away) = (Arc::clone(&gate), Arc::clone(&away));
            thread::spawn(move || nested(&gate, &away))
        };
        nested(&gate, &away);
        other.join().unwrap();
        assert!(away.load(Ordering::SeqCst) <= 1);
    });
}

#[test]
fn a_thread_is_sent_away_when_the_one_that_waits_for_it_is_stuck() {
    check(|| {
        let gate = Arc::new(Gate::new(2));
        let (parent, child) = (gate.try_take(), gate.try_take());
        assert!(parent.is_some() && child.is_some());
        let nested = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || gate.take(true, None, NEVER).err())
        };
        let stuck = gate.stuck();
        assert_eq!(nested.join().unwrap(), Some(Denied::Deadlock));
        drop(stuck);
        drop((parent, child));
    });
}

#[test]
fn a_stop_is_missed_by_no_sleeper_above_or_below() {
    check(|| {
        let stop = Stop::new();
        let below = stop.below(None);
        let sleeper = {
            let below = below.clone();
            thread::spawn(move || below.wait_timeout(Duration::MAX))
        };
        stop.stop();
        assert!(sleeper.join().unwrap());
        assert!(below.is_stopped());
    });
}

#[test]
fn a_token_below_stops_its_own_sleepers_and_not_the_one_above() {
    check(|| {
        let stop = Stop::new();
        let below = stop.below(None);
        let sleeper = {
            let below = below.clone();
            thread::spawn(move || below.wait_timeout(Duration::MAX))
        };
        below.stop();
        assert!(sleeper.join().unwrap());
        assert!(!stop.is_stopped());
    });
}
