//! The clocks of a thread: CPU time, context switches, and time in the run queue.
//!
//! The system calls for CPU time and switches cost more than the rest of a recording, so they are
//! left out where their answer is known:
//!
//! - A thread that has not been switched out since the last reading was on a processor all along,
//!   so its CPU time has grown by the time that has passed. Only the switches are asked for then.
//! - An interval shorter than [`SHORTEST_WAIT`] counts as CPU time without a look: a switch away
//!   and back takes about as long, and such waits are too short for any model to use them.

use std::time::{Duration, Instant};

/// Longer than a reading of all clocks takes, so that a task that follows another one at once needs
/// no second reading.
const SHORTEST_WAIT: Duration = Duration::from_micros(3);

/// The clocks of a thread at one time. Only differences mean something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    pub(crate) cpu_ns: u64,
    /// Time in which the thread could run and had no processor; 0 where the kernel does not say.
    pub(crate) queued_ns: u64,
    /// Voluntary context switches: the thread waited for something.
    pub(crate) waits: u64,
    /// Involuntary context switches: the thread was preempted.
    preemptions: u64,
}

/// The clocks of the current thread.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    last: Option<Reading>,
    queue: system::Queue,
}

impl Clocks {
    pub(crate) fn read(&mut self) -> Reading {
        let at = Instant::now();
        let reading = match self.last {
            Some(last) => self.since(last, at),
            None => self.ask(at, system::switches()),
        };
        self.last = Some(reading);
        reading
    }

    fn since(&mut self, last: Reading, at: Instant) -> Reading {
        let passed = at.duration_since(last.at);
        if passed >= SHORTEST_WAIT {
            let switches = system::switches();
            if switches != (last.waits, last.preemptions) {
                return self.ask(at, switches);
            }
        }
        Reading {
            at,
            cpu_ns: last.cpu_ns.saturating_add(ns(passed)),
            ..last
        }
    }

    fn ask(&mut self, at: Instant, (waits, preemptions): (u64, u64)) -> Reading {
        Reading {
            at,
            cpu_ns: system::cpu_ns(),
            queued_ns: self.queue.ns(),
            waits,
            preemptions,
        }
    }
}

/// Whole nanoseconds; 584 years fit.
pub(crate) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::time::{ClockId, clock_gettime};

    use super::ns;

    pub(crate) const CAN_RECORD: bool = true;

    pub(super) fn cpu_ns() -> u64 {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| ns(time.into()))
    }

    /// Voluntary and involuntary ones.
    pub(super) fn switches() -> (u64, u64) {
        getrusage(UsageWho::RUSAGE_THREAD).map_or((0, 0), |usage| {
            let voluntary = usage.voluntary_context_switches();
            let involuntary = usage.involuntary_context_switches();
            // Never negative.
            (
                voluntary.try_into().unwrap_or(0),
                involuntary.try_into().unwrap_or(0),
            )
        })
    }

    /// The time in the run queue, from a file that stays open, since opening costs more than
    /// reading.
    #[derive(Debug, Default)]
    pub(super) enum Queue {
        #[default]
        Unopened,
        Open(File),
        /// The kernel was built without it, or `/proc` is not mounted.
        Missing,
    }

    impl Queue {
        pub(super) fn ns(&mut self) -> u64 {
            if let Queue::Unopened = self {
                *self =
                    File::open("/proc/thread-self/schedstat").map_or(Queue::Missing, Queue::Open);
            }
            let Queue::Open(file) = self else {
                return 0;
            };
            // Three numbers: nanoseconds on a processor, nanoseconds in the queue, time slices.
            let mut text = [0; 64];
            let length = file.read_at(&mut text, 0).unwrap_or(0);
            std::str::from_utf8(&text[..length])
                .ok()
                .and_then(|text| text.split(' ').nth(1)?.parse().ok())
                .unwrap_or(0)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(crate) const CAN_RECORD: bool = false;

    pub(super) fn cpu_ns() -> u64 {
        0
    }

    pub(super) fn switches() -> (u64, u64) {
        (0, 0)
    }

    #[derive(Debug, Default)]
    pub(super) struct Queue;

    impl Queue {
        pub(super) fn ns(&mut self) -> u64 {
            0
        }
    }
}

pub(crate) use system::CAN_RECORD;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_of_a_busy_thread_agrees_with_the_kernel() {
        let mut clocks = Clocks::default();
        let (first, kernel) = (clocks.read(), system::cpu_ns());
        let mut value = 0_u64;
        while system::cpu_ns() - kernel < 20_000_000 {
            value = std::hint::black_box(value.wrapping_mul(3) + 1);
            clocks.read();
        }
        let last = clocks.read();
        let (found, passed) = (last.cpu_ns - first.cpu_ns, system::cpu_ns() - kernel);
        // Interrupts between two switches count as CPU time of the thread.
        assert!(
            found.abs_diff(passed) < passed / 2,
            "{found} ns, kernel: {passed} ns"
        );
    }

    #[test]
    fn sleep_is_a_voluntary_switch_without_cpu_time() {
        let mut clocks = Clocks::default();
        let first = clocks.read();
        std::thread::sleep(Duration::from_millis(30));
        let last = clocks.read();
        assert!(last.waits > first.waits, "{first:?} {last:?}");
        assert!(
            last.cpu_ns - first.cpu_ns < 20_000_000,
            "{first:?} {last:?}"
        );
    }
}
