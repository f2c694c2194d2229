//! Wall time and CPU time of a piece of work.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use workload::usage::{self, Usage};

/// The times of one reading. The CPU time is that of this process and of all its descendants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
}

struct Begun {
    usage: Usage,
    at: Instant,
}

impl Begun {
    fn now() -> Begun {
        let usage = usage::at_begin();
        Begun {
            usage,
            at: Instant::now(),
        }
    }

    fn reading(&self) -> Reading {
        let wall = self.at.elapsed();
        Reading {
            wall_ns: ns(wall),
            cpu_ns: usage::between(self.usage, usage::at_end()).cpu_ns,
        }
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads the times of a call.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> Reading {
    let begun = Begun::now();
    let value = black_box(work());
    let reading = begun.reading();
    drop(value);
    reading
}

/// Reads the times of a future, polled by the task that awaits this one.
pub(crate) async fn of_future<T>(work: impl Future<Output = T>) -> Reading {
    let begun = Begun::now();
    let value = black_box(work.await);
    let reading = begun.reading();
    drop(value);
    reading
}
