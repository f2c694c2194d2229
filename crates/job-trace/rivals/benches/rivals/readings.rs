//! The readings of a recorder, made plainly: every clock before and after every task.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// The differences over one task.
#[derive(Debug)]
pub(crate) struct Readings {
    _wall: Duration,
    _cpu: Duration,
    _switches: i64,
}

impl Readings {
    pub(crate) fn of(task: impl FnOnce()) -> Readings {
        let (begun, used, switches) = (Instant::now(), cpu(), switches());
        task();
        Readings {
            _switches: self::switches() - switches,
            _cpu: cpu() - used,
            _wall: begun.elapsed(),
        }
    }
}

/// The CPU time of the thread.
pub(crate) fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .expect("Linux has the clock")
        .into()
}

fn switches() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("Linux has the usage of threads");
    usage.voluntary_context_switches()
}
