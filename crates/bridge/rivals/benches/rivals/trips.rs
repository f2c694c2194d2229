//! There and back, again and again: while both sides were busy a moment ago, and after pauses.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for every thread to fall asleep, and for its core to halt.
const PAUSE: Duration = Duration::from_millis(2);

/// How a contest is timed.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) trips: u64,
    pause: bool,
}

pub(crate) const HOT: Kind = Kind {
    name: "hot",
    trips: 1_000,
    pause: false,
};

pub(crate) const COLD: Kind = Kind {
    name: "cold",
    trips: 50,
    pause: true,
};

/// What is done on the other side.
pub(crate) fn job(n: u64) -> u64 {
    black_box(n) ^ 1
}

/// From a thread. Pauses do not count, nor do the first trips of what is to be hot.
pub(crate) fn from_thread(kind: Kind, mut trip: impl FnMut(u64) -> u64) -> Duration {
    let mut time = Duration::ZERO;
    if kind.pause {
        for n in 0..kind.trips {
            thread::sleep(PAUSE);
            let start = Instant::now();
            assert_eq!(trip(n), n ^ 1);
            time += start.elapsed();
        }
        return time;
    }
    for n in 0..kind.trips / 10 {
        assert_eq!(trip(n), n ^ 1);
    }
    let start = Instant::now();
    for n in 0..kind.trips {
        assert_eq!(trip(n), n ^ 1);
    }
    start.elapsed()
}

/// From a coroutine.
pub(crate) async fn from_coroutine(kind: Kind, mut trip: impl AsyncFnMut(u64) -> u64) -> Duration {
    let mut time = Duration::ZERO;
    if kind.pause {
        for n in 0..kind.trips {
            thread::sleep(PAUSE);
            let start = Instant::now();
            assert_eq!(trip(n).await, n ^ 1);
            time += start.elapsed();
        }
        return time;
    }
    for n in 0..kind.trips / 10 {
        assert_eq!(trip(n).await, n ^ 1);
    }
    let start = Instant::now();
    for n in 0..kind.trips {
        assert_eq!(trip(n).await, n ^ 1);
    }
    start.elapsed()
}
