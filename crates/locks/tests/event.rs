//! What the event promises: a set lets everybody go, and nobody waits for one that has been.

mod common;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::in_time;
use effective_locks::Event;

const A_MOMENT: Duration = Duration::from_millis(20);

#[test]
fn a_set_lets_everybody_go_and_everybody_who_comes_later() {
    in_time(|| {
        let event = Event::new();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| event.wait());
            }
            thread::sleep(A_MOMENT);
            event.set();
        });
        event.wait();
        assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
    });
}

#[test]
fn without_a_set_the_time_is_up() {
    let event = Event::new();
    let begun = Instant::now();
    assert!(!event.wait_timeout(A_MOMENT));
    assert!(begun.elapsed() >= A_MOMENT);
    assert!(!event.is_set());
    // One that gave up is not in the way of the next.
    event.set();
    assert!(event.wait_timeout(A_MOMENT));
}

#[test]
fn a_clear_takes_it_back() {
    let event = Event::new();
    event.clear();
    event.set();
    event.set();
    event.clear();
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO));
}

#[test]
fn a_timeout_too_long_for_any_clock_is_none() {
    in_time(|| {
        let event = Arc::new(Event::new());
        let waiter = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait_timeout(Duration::MAX))
        };
        thread::sleep(A_MOMENT);
        event.set();
        assert!(waiter.join().expect("it ends"));
    });
}

/// Two threads that throw each other a ball, as fast as they can.
#[test]
fn no_set_is_missed_in_many_rounds() {
    in_time(|| {
        let (there, back) = (Event::new(), Event::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    there.wait();
                    there.clear();
                    back.set();
                }
            });
            for _ in 0..20_000 {
                there.set();
                back.wait();
                back.clear();
            }
        });
    });
}
