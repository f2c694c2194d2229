//! Reaping of orphans that jobs leave behind, when this process is PID 1 of a container or a
//! subreaper.
//!
//! An orphan, a process whose parent has ended, is normally re-parented to an init that reaps it.
//! Here it would remain a zombie. Orphans are found by the process group of their worker, so no
//! child of another part of the program is touched. A process that has left the group is not found.

use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, child_subreaper, getpid, waitpgid};

/// The interval between checks for ended orphans.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The interval between checks for killed orphans, and how long to keep it: they end within
/// moments.
const KILLED_INTERVAL: Duration = Duration::from_millis(5);
const KILLED_TIME: Duration = Duration::from_secs(2);

/// Whether orphans are re-parented to this process.
pub(super) fn come_here() -> bool {
    getpid().is_init() || child_subreaper().is_ok_and(|reaper| reaper.is_some())
}

/// Reaps one ended child in the group.
pub(super) fn reap_one(group: Pid) -> Option<(Pid, WaitStatus)> {
    rustix::io::retry_on_intr(|| waitpgid(group, WaitOptions::NOHANG)).ok()?
}

/// Reaps all ended children in the group of a worker that has itself been reaped. Returns whether
/// others still live; as long as they do, the group's number stays theirs.
pub(super) fn reap_group(group: Pid) -> bool {
    loop {
        match waitpgid(group, WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// The process groups of dead workers in which this process may have children.
#[derive(Default)]
pub(super) struct Orphans {
    groups: Vec<Group>,
}

struct Group {
    number: Pid,
    /// When the whole group was killed.
    killed: Option<Instant>,
}

impl Group {
    fn ends_soon(&self, now: Instant) -> bool {
        self.killed
            .is_some_and(|since| now.saturating_duration_since(since) < KILLED_TIME)
    }
}

impl Orphans {
    /// Adds the group of a worker that has just been reaped.
    pub(super) fn add(&mut self, group: Pid, was_killed: bool) {
        self.groups.push(Group {
            number: group,
            killed: was_killed.then(Instant::now),
        });
    }

    /// Reaps all ended orphans. Returns when to check again, if others are left.
    pub(super) fn reap(&mut self) -> Option<Duration> {
        self.groups.retain(|group| reap_group(group.number));
        let now = Instant::now();
        let looks = self.groups.iter().map(|group| {
            if group.ends_soon(now) {
                KILLED_INTERVAL
            } else {
                CHECK_INTERVAL
            }
        });
        looks.min()
    }

    /// Waits for the groups that were killed.
    pub(super) fn finish(&mut self) {
        while self.reap().is_some() && {
            let now = Instant::now();
            self.groups.iter().any(|group| group.ends_soon(now))
        } {
            thread::sleep(KILLED_INTERVAL);
        }
    }
}
