//! Ending a contestant with everything that it started.
//!
//! A process group is not enough: what a contestant starts may lead a session of its own, or have
//! been orphaned on purpose. So the comparison makes itself the adopter of orphans (a subreaper,
//! which is for programs and never for libraries), gives each runner a mark in its environment that
//! its descendants inherit, and ends three things: the group, the tree, and the orphans that bear
//! the mark or none at all. Each is stopped before it is killed, so that none can start another
//! while the others are looked for.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use workload::tree;

use crate::compare::guard::Guardian;

/// The children that the comparison started itself: all others were adopted.
static OURS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// The environment mark that identifies a runner's descendants.
#[derive(Debug)]
pub(super) struct Mark(String);

/// Orphans that this process has adopted, ended ones included, as seen from one contestant.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    /// Those with the contestant's mark, or without any in its process group.
    pub(crate) its_own: Vec<u32>,
    /// Those that have no mark: their environment was wiped, or is gone since they have ended.
    pub(crate) of_unknown_origin: Vec<u32>,
}

/// The environment variable that holds a contestant's mark.
pub(crate) const MARK: &str = "XTASK_COMPARE_RUNNER";

/// The common prefix of the marks of this comparison: its process id, and its start time since ids
/// are reused.
fn beginning() -> &'static str {
    static BEGINNING: OnceLock<String> = OnceLock::new();
    BEGINNING.get_or_init(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default().as_nanos();
        format!("{}-{since}-", std::process::id())
    })
}

impl Mark {
    pub(super) fn new() -> Mark {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Mark(format!("{}{next}", beginning()))
    }

    pub(super) fn value(&self) -> &str {
        &self.0
    }
}

/// While it lives, this process is the parent of its orphaned descendants; dropping it ends those
/// that are left. Where the system knows no such thing, a descendant that leaves its process group
/// and its parent is not found.
#[derive(Debug)]
pub(crate) struct Adoption {
    _guardian: Option<Guardian>,
}

impl Adoption {
    /// Before any contestant is started.
    pub(crate) fn begin() -> Adoption {
        // A shell may have replaced itself with this program and left its own children to it.
        tree::children(std::process::id())
            .into_iter()
            .for_each(ours);
        #[cfg(target_os = "linux")]
        // Without it the comparison still works; only the worst of contestants get away.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        // Optional as well: it only matters if the comparison is killed.
        let guardian = Guardian::start(beginning()).ok();
        if let Some(guardian) = &guardian {
            ours(guardian.id());
        }
        Adoption {
            _guardian: guardian,
        }
    }
}

impl Drop for Adoption {
    fn drop(&mut self) {
        imp::sweep();
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(None);
    }
}

/// Counts a child as started by the comparison, so that it is never taken for an orphan.
pub(crate) fn ours(pid: u32) {
    OURS.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(pid);
}

fn no_longer_ours(pid: u32) {
    OURS.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&pid);
}

#[cfg(target_os = "linux")]
mod imp {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::io::Errno;
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, pidfd_send_signal,
        waitpid,
    };
    use workload::tree::{children, descendants, stat_fields};

    use super::{Adopted, MARK, Mark, OURS, PoisonError};

    /// How long killed processes may take to be gone.
    const GONE_WITHIN: Duration = Duration::from_secs(2);

    /// Stops and kills `leader`, its group, all below it, and the orphans that are its own. The
    /// leader stays unreaped, so that until now its number and its group's could not be anybody
    /// else's.
    pub(super) fn end_tree(leader: u32, mark: &Mark) {
        if let Some(group) = pid(leader) {
            // Fails when the group is gone, which is what is wanted.
            let _ = kill_process_group(group, Signal::STOP);
        }
        let deadline = Instant::now() + GONE_WITHIN;
        loop {
            let (mut held, all) = stop_all(leader, mark, deadline);
            for descriptor in held.values() {
                let _ = pidfd_send_signal(descriptor, Signal::KILL);
            }
            if let Some(group) = pid(leader) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            held.remove(&leader);
            reap(held.into_keys().collect());
            if all || Instant::now() >= deadline {
                return;
            }
        }
    }

    /// Stops what there is of a tree, and says whether that is all of it: there may be more
    /// processes than descriptors.
    fn stop_all(leader: u32, mark: &Mark, deadline: Instant) -> (BTreeMap<u32, OwnedFd>, bool) {
        let mut held: BTreeMap<u32, OwnedFd> = BTreeMap::new();
        loop {
            let mut found: Vec<u32> = vec![leader];
            found.extend(descendants(leader));
            for orphan in orphans(mark) {
                found.push(orphan);
                found.extend(descendants(orphan));
            }
            found.retain(|process| !held.contains_key(process));
            // A stopped process starts nothing: once a look finds no new one, all are held.
            if found.is_empty() {
                return (held, true);
            }
            if Instant::now() >= deadline {
                return (held, false);
            }
            for process in found {
                match hold(process) {
                    Ok(descriptor) => {
                        // A descriptor never means another process than the one it was opened for.
                        let _ = pidfd_send_signal(&descriptor, Signal::STOP);
                        held.insert(process, descriptor);
                    }
                    // It has ended since, but may have left a child: another look will show.
                    Err(Errno::SRCH) => {}
                    Err(_) => return (held, false),
                }
            }
        }
    }

    /// Ends every orphan, whoever's it is.
    pub(super) fn sweep() {
        let deadline = Instant::now() + GONE_WITHIN;
        while Instant::now() < deadline {
            let orphans: Vec<u32> = adopted().collect();
            if orphans.is_empty() {
                return;
            }
            for orphan in &orphans {
                for process in std::iter::once(*orphan).chain(descendants(*orphan)) {
                    if let Ok(descriptor) = hold(process) {
                        let _ = pidfd_send_signal(&descriptor, Signal::KILL);
                    }
                }
            }
            reap(orphans);
        }
    }

    fn pid(raw: u32) -> Option<Pid> {
        Pid::from_raw(raw.cast_signed())
    }

    fn hold(process: u32) -> Result<OwnedFd, Errno> {
        pidfd_open(pid(process).ok_or(Errno::SRCH)?, PidfdFlags::empty())
    }

    /// Children that were not started here.
    fn adopted() -> impl Iterator<Item = u32> {
        let ours = OURS.lock().unwrap_or_else(PoisonError::into_inner).clone();
        children(std::process::id())
            .into_iter()
            .filter(move |child| !ours.contains(child))
    }

    /// The adopted that bear the mark, or none: a contestant that wiped its traces belongs to
    /// whoever ends first. One that is dead already has no environment to show, and is only to be
    /// reaped.
    fn orphans(mark: &Mark) -> Vec<u32> {
        let is_ours = |process: &u32| mark_of(*process).is_none_or(|found| found == mark.value());
        adopted().filter(is_ours).collect()
    }

    /// The adopted, by whether they come from this contestant.
    pub(super) fn adopted_from(leader: u32, mark: &Mark) -> Adopted {
        let mut sorted = Adopted::default();
        for process in adopted() {
            match mark_of(process) {
                Some(found) if found == mark.value() => sorted.its_own.push(process),
                Some(_) => {}
                None if group_of(process) == Some(leader) => sorted.its_own.push(process),
                None => sorted.of_unknown_origin.push(process),
            }
        }
        sorted
    }

    /// The mark in the environment of a process.
    fn mark_of(process: u32) -> Option<String> {
        let environment = fs::read(format!("/proc/{process}/environ")).ok()?;
        let prefix = format!("{MARK}=");
        let mut entries = environment.split(|byte| *byte == 0);
        let mark = entries.find_map(|entry| entry.strip_prefix(prefix.as_bytes()))?;
        Some(String::from_utf8_lossy(mark).into_owned())
    }

    fn group_of(process: u32) -> Option<u32> {
        let fields = stat_fields(process)?;
        fields.split_ascii_whitespace().nth(2)?.parse().ok()
    }

    /// Reaps our dead children. Killed processes below them are re-parented to us once their parent
    /// is gone, so the look is repeated until all are.
    fn reap(mut killed: Vec<u32>) {
        let deadline = Instant::now() + GONE_WITHIN;
        while !killed.is_empty() && Instant::now() < deadline {
            killed.retain(|process| {
                let Some(id) = pid(*process) else {
                    return false;
                };
                match waitpid(Some(id), WaitOptions::NOHANG) {
                    Ok(None) => true,
                    Ok(Some(_)) => false,
                    // Not our child: gone with its own parent, or about to become ours.
                    Err(_) => fs::exists(format!("/proc/{process}")).unwrap_or(false),
                }
            });
            if !killed.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use rustix::process::{Pid, Signal, kill_process_group};

    use super::{Adopted, Mark};

    /// Nothing is adopted here.
    pub(super) fn adopted_from(_: u32, _: &Mark) -> Adopted {
        Adopted::default()
    }

    /// Kills the process group. Processes that left it are out of reach here.
    pub(super) fn end_tree(leader: u32, _: &Mark) {
        if let Some(group) = Pid::from_raw(leader.cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    pub(super) fn sweep() {}
}

/// Kills a child with everything it started. The child itself is left to be waited for by its
/// owner.
pub(super) fn end_tree(child: &Child, mark: &Mark) {
    imp::end_tree(child.id(), mark);
    no_longer_ours(child.id());
}

/// The orphans that this process has adopted, by whether they come from the contestant `leader`.
pub(super) fn adopted_from(leader: u32, mark: &Mark) -> Adopted {
    imp::adopted_from(leader, mark)
}
