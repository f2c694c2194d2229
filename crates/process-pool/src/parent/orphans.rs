//! Reaping what jobs leave behind, where it comes to this process: as PID 1 of a container, or as a subreaper.
//!
//! A process that a job started and whose parent has ended is re-parented. Elsewhere it goes to an
//! init that collects its status. Here it would remain as a zombie. It is found by the process group
//! of its worker, so no child that belongs to another part of the program is touched. A process that
//! has left the group is not found.

use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, child_subreaper, getpid, waitpgid};

use super::process::Ports;

/// How often to look for what has ended.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How often to look for what has been killed, and for how long: it ends within moments.
const SOON: Duration = Duration::from_millis(5);
const KILLED: Duration = Duration::from_secs(2);

/// Whether orphans come to this process.
pub(super) fn come_here() -> bool {
    getpid().is_init() || child_subreaper().is_ok_and(|reaper| reaper.is_some())
}

/// Collects the status of one child in the group that has ended.
pub(super) fn reap_one(group: Pid) -> Option<(Pid, WaitStatus)> {
    rustix::io::retry_on_intr(|| waitpgid(group, WaitOptions::NOHANG)).ok()?
}

/// Collects the status of all that have ended in the group of a worker that has itself been
/// collected; whether there are others, which live. As long as there are, the number of the group is
/// theirs.
pub(super) fn reap_group(group: Pid) -> bool {
    loop {
        match waitpgid(group, WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// The groups of dead workers in which this process has children.
#[derive(Default)]
pub(super) struct Orphans {
    groups: Vec<Group>,
}

struct Group {
    number: Pid,
    /// When it was killed as a whole.
    killed: Option<Instant>,
}

impl Group {
    fn ends_soon(&self, now: Instant) -> bool {
        self.killed
            .is_some_and(|since| now.saturating_duration_since(since) < KILLED)
    }
}

impl Orphans {
    /// The group of a worker whose status has been collected just now.
    pub(super) fn add(&mut self, ports: &Ports) {
        self.groups.push(Group {
            number: ports.group(),
            killed: ports.was_killed().then(Instant::now),
        });
    }

    /// Collects the status of all that have ended. Returns when to look again, if there are others.
    pub(super) fn reap(&mut self) -> Option<Duration> {
        self.groups.retain(|group| reap_group(group.number));
        let now = Instant::now();
        let looks = self
            .groups
            .iter()
            .map(|group| if group.ends_soon(now) { SOON } else { LOOK });
        looks.min()
    }

    /// Waits for the groups that have been killed.
    pub(super) fn finish(&mut self) {
        while self.reap().is_some() && {
            let now = Instant::now();
            self.groups.iter().any(|group| group.ends_soon(now))
        } {
            thread::sleep(SOON);
        }
    }
}
