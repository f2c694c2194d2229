//! `Event`: `set` releases all waiters, and timeouts.

mod support {
    pub(crate) mod in_time;
}

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use effective_locks::Event;
use support::in_time::in_time;

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn set_releases_present_and_later_waiters() {
    in_time(|| {
        let event = Event::new();
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| event.wait());
            }
            thread::sleep(SHORT);
            event.set();
        });
        event.wait();
        assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
    });
}

#[test]
fn wait_times_out_without_a_set() {
    let event = Event::new();
    let start = Instant::now();
    assert!(!event.wait_timeout(SHORT));
    assert!(start.elapsed() >= SHORT);
    assert!(!event.is_set());
    // A waiter that timed out does not affect the next one.
    event.set();
    assert!(event.wait_timeout(SHORT));
}

#[test]
fn clear_resets_the_event() {
    let event = Event::new();
    event.clear();
    event.set();
    event.set();
    event.clear();
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO));
}

#[test]
fn timeout_beyond_the_clock_is_infinite() {
    in_time(|| {
        let event = Arc::new(Event::new());
        let waiter = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait_timeout(Duration::MAX))
        };
        thread::sleep(SHORT);
        event.set();
        assert!(waiter.join().expect("it ends"));
    });
}

/// Two threads that set each other's event, as fast as they can.
#[test]
fn no_set_is_missed_in_20000_rounds() {
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
