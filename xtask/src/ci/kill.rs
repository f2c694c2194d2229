//! Killing a hung step with everything it started.
//!
//! A hung test is a grandchild: `cargo test` starts the test programs. The steps stay in the
//! process group of this program, so that Ctrl-C at a terminal still reaches all of them; a hung
//! step is therefore found by the parents of its processes and not by a group.

use std::io;
use std::process::Child;

/// Kills a child and its descendants. The child is left to be reaped.
pub(super) fn kill_tree(child: &mut Child) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    linux::kill_descendants(child.id());
    child.kill()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    use workload::tree::descendants;

    /// The limit on looks at the tree, for processes that start others faster than they are found.
    const MOST_LOOKS: u32 = 100;

    /// Stops the whole tree before it kills any of it, so that none starts another meanwhile.
    pub(super) fn kill_descendants(root: u32) {
        let mut held: BTreeMap<u32, Option<OwnedFd>> = BTreeMap::new();
        for _ in 0..MOST_LOOKS {
            let mut found = descendants(root);
            found.push(root);
            found.retain(|process| !held.contains_key(process));
            if found.is_empty() {
                break;
            }
            for process in found {
                // It may have ended since.
                let descriptor = Pid::from_raw(process.cast_signed())
                    .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
                if let Some(descriptor) = &descriptor {
                    let _ = pidfd_send_signal(descriptor, Signal::STOP);
                }
                held.insert(process, descriptor);
            }
        }
        for descriptor in held.values().flatten() {
            let _ = pidfd_send_signal(descriptor, Signal::KILL);
        }
    }
}
