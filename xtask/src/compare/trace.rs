//! Peaks of memory, threads and processes, looked at from outside.
//!
//! Done during one untimed sample, so that no timed one is ever looked at. The kernel keeps the
//! peak of the runner's own memory exactly; threads, and whatever its child processes use, are
//! polled, and a peak shorter than the half millisecond between two looks may be missed.

use std::fs;

use workload::tree;

/// Observations of a runner and its descendants.
#[derive(Debug)]
pub(super) struct Peaks {
    pid: u32,
    own_threads: u64,
    /// Resident before the sample: the runner, and all below it.
    before: Option<u64>,
    below_before: u64,
    /// At its highest.
    own_peak: Option<u64>,
    below_peak: u64,
    threads: Option<u64>,
    processes: Option<u64>,
}

impl Peaks {
    /// Looks at a runner that is loaded and idle, and has the kernel forget its peak so far.
    pub(super) fn before(pid: u32, own_threads: u64) -> Peaks {
        // 5 resets the peak of the resident set, see proc_pid_clear_refs(5).
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        Peaks {
            pid,
            own_threads,
            before: tree::status_bytes(pid, "VmRSS"),
            below_before: resident(&tree::descendants(pid)),
            own_peak: None,
            below_peak: 0,
            threads: None,
            processes: None,
        }
    }

    /// Looks once.
    pub(super) fn look(&mut self) {
        let Some(own) = tree::threads(self.pid) else {
            return;
        };
        let below = tree::descendants(self.pid);
        let threads = own
            + below
                .iter()
                .filter_map(|pid| tree::threads(*pid))
                .sum::<u64>();
        self.threads = self.threads.max(Some(threads));
        self.processes = self.processes.max(Some(1 + below.len() as u64));
        if !below.is_empty() {
            self.below_peak = self.below_peak.max(resident(&below));
        }
    }

    /// Reads what the kernel kept.
    pub(super) fn finish(&mut self) {
        self.look();
        self.own_peak = tree::status_bytes(self.pid, "VmHWM");
    }

    /// Threads alive at once, the runner's own ones left out; `None` where the system does not
    /// tell.
    pub(super) fn threads(&self) -> Option<u64> {
        self.all_threads()
            .map(|all| all.saturating_sub(self.own_threads))
    }

    /// Threads alive at once, including those that the contestant says serve the protocol.
    pub(super) fn all_threads(&self) -> Option<u64> {
        self.threads
    }

    /// Processes alive at once, the runner included.
    pub(super) fn processes(&self) -> Option<u64> {
        self.processes
    }

    /// Memory at its highest, less what was resident before.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let own = self.own_peak?.saturating_sub(self.before?);
        Some(own + self.below_peak.saturating_sub(self.below_before))
    }
}

fn resident(processes: &[u32]) -> u64 {
    processes
        .iter()
        .filter_map(|pid| tree::status_bytes(*pid, "VmRSS"))
        .sum()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn own_threads_hide_none_of_the_observed_ones() {
        let mut peaks = Peaks::before(std::process::id(), 1_000_000);
        peaks.look();
        assert_eq!(peaks.threads(), Some(0));
        let all = peaks.all_threads().unwrap();
        assert!((1..1_000_000).contains(&all), "{all}");
    }
}
