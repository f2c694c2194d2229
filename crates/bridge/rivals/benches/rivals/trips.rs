//! Round trips, hot (one right after another) and cold (after pauses).

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for every thread to park and for its core to go idle.
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

/// The work on the other side.
pub(crate) fn job(n: u64) -> u64 {
    black_box(n) ^ 1
}

/// Times trips from a thread, without pauses and without the warm-up of hot trips.
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

/// Times trips from a coroutine.
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
