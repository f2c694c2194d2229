//! The reasons why the watchdog wakes late (nothing ran at all, or it waited for a CPU), and the
//! CPU use of other threads.

use std::fs;

/// The watchdog's own wait for a CPU, from the kernel's scheduler statistics.
pub(crate) struct Lateness {
    #[cfg(target_os = "linux")]
    statistics: Option<fs::File>,
    waited: Option<u64>,
}

/// How late a check is, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    /// The process or the machine was stopped.
    pub(crate) stopped: u64,
    /// The watchdog was runnable but got no CPU. Other threads may have run in this time.
    pub(crate) queued: u64,
}

impl Lateness {
    /// Measures the current thread.
    pub(crate) fn new() -> Self {
        let mut lateness = Self {
            #[cfg(target_os = "linux")]
            statistics: fs::File::open("/proc/thread-self/schedstat").ok(),
            waited: None,
        };
        lateness.mark();
        lateness
    }

    /// Starts the interval of the next [`split`](Self::split).
    pub(crate) fn mark(&mut self) {
        self.waited = self.read();
    }

    /// Splits the time by which the current thread woke late.
    pub(crate) fn split(&mut self, late: u64) -> Late {
        let before = self.waited;
        self.mark();
        let queued = match (before, self.waited) {
            (Some(before), Some(now)) => now.saturating_sub(before).min(late),
            // Unknown: then none of it counts.
            _ => 0,
        };
        Late {
            stopped: late - queued,
            queued,
        }
    }

    #[cfg(target_os = "linux")]
    fn read(&self) -> Option<u64> {
        use std::os::unix::fs::FileExt as _;

        let mut text = [0; 80];
        let length = self.statistics.as_ref()?.read_at(&mut text, 0).ok()?;
        let (_, waited) = figures(std::str::from_utf8(&text[..length]).ok()?)?;
        Some(waited)
    }

    #[cfg(not(target_os = "linux"))]
    fn read(&self) -> Option<u64> {
        None
    }
}

/// The kernel's statistics of a thread, in nanoseconds since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// On a CPU, up to a timer tick ago.
    pub(crate) ran: u64,
    /// Runnable without a CPU, also because a quota was used up. Excludes a wait in progress.
    pub(crate) waited: u64,
    /// Whether it is running or runnable.
    pub(crate) is_runnable: bool,
    /// How often it has given up a CPU to wait for something else.
    pub(crate) slept: u64,
}

impl Usage {
    /// Reads the statistics of a thread of this process.
    pub(crate) fn of(thread: Option<u32>) -> Option<Self> {
        let folder = format!("/proc/self/task/{}", thread?);
        let read = |file: &str| fs::read_to_string(format!("{folder}/{file}")).ok();
        let (ran, waited) = figures(&read("schedstat")?)?;
        Some(Self {
            ran,
            waited,
            is_runnable: is_runnable(&read("stat")?),
            slept: sleeps(&read("status")?)?,
        })
    }

    /// How long the thread has waited for a CPU in the `interval` since `last`.
    ///
    /// A thread that was runnable all the time waited whenever it did not run. This includes waits
    /// that the kernel counts late, when they end, or in some versions never, if they are for the
    /// quota. For other threads only the kernel's count is known.
    ///
    /// Negative if `ran` has caught up with time before the interval: only the sum over several
    /// intervals is exact, up to a timer tick.
    pub(crate) fn waited_since(self, last: Self, interval: u64) -> i64 {
        let ran = self.ran.saturating_sub(last.ran);
        let counted = self.waited.saturating_sub(last.waited);
        match last.is_runnable && self.is_runnable && last.slept == self.slept {
            true => interval.cast_signed() - ran.cast_signed(),
            false => counted.min(interval).cast_signed(),
        }
    }
}

/// The number of voluntary context switches in `/proc/…/status`.
fn sleeps(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count?.trim().parse().ok()
}

/// The first two of three values: time on a CPU, time in a run queue, time slices. All are zero if
/// the kernel does not keep them.
fn figures(schedstat: &str) -> Option<(u64, u64)> {
    let mut figures = schedstat.split_ascii_whitespace();
    let ran: u64 = figures.next()?.parse().ok()?;
    let waited = figures.next()?.parse().ok()?;
    (ran > 0).then_some((ran, waited))
}

/// The state follows the name, which may contain spaces and parentheses.
fn is_runnable(stat: &str) -> bool {
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| state.starts_with('R'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_where_the_kernel_keeps_them() {
        assert_eq!(figures("70094 51887 2\n"), Some((70_094, 51_887)));
        assert_eq!(figures("0 0 0\n"), None);
        assert_eq!(figures(""), None);
        assert_eq!(figures("1 x 2"), None);
        assert_eq!(
            sleeps("Name:\tx\nvoluntary_ctxt_switches:\t7\nnon\n"),
            Some(7)
        );
        assert_eq!(sleeps("nonvoluntary_ctxt_switches:\t7\n"), None);
        assert_eq!(Usage::of(None), None);
        assert_eq!(Usage::of(Some(u32::MAX)), None);
        assert!(is_runnable("7 (a) S (b) R 1 7"));
        assert!(!is_runnable("7 (R) R) S 1 7") && !is_runnable(""));
    }

    #[test]
    fn waits_that_the_kernel_does_not_count_are_found() {
        let usage = |ran, waited, is_runnable, slept| Usage {
            ran,
            waited,
            is_runnable,
            slept,
        };
        let first = usage(1_000, 500, true, 3);
        // It ran for 5 of 20, then its quota was used up.
        let second = usage(1_005, 500, true, 3);
        assert_eq!(second.waited_since(first, 20), 15);
        // It runs again, after 60.
        let third = usage(1_015, 560, true, 3);
        assert_eq!(third.waited_since(second, 70), 60);
        // It slept in between, and waited for 30 after that.
        let fourth = usage(1_020, 590, true, 4);
        assert_eq!(fourth.waited_since(third, 100), 30);
        // It sleeps.
        let fifth = usage(1_025, 590, false, 5);
        assert_eq!(fifth.waited_since(fourth, 20), 0);
        assert_eq!(usage(1_025, 590, false, 5).waited_since(fifth, 20), 0);
    }

    #[test]
    fn lateness_is_split_without_loss() {
        let mut lateness = Lateness::new();
        for late in [0, 1, 1_000_000_000_000] {
            let split = lateness.split(late);
            assert_eq!(split.stopped + split.queued, late);
        }
    }
}
