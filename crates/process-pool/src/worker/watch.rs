//! No worker outlives its parent.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, kill_process, kill_process_group};

use super::identity::Identity;

/// The thread does nothing but sleep.
const STACK: usize = 64 * 1024;
/// How often to look for the parent once a job has closed the descriptors that tell of its death.
const LOOK: Duration = Duration::from_millis(100);

/// Starts the thread that ends this process, and what it started, as soon as the parent is no more.
///
/// The parent's pidfd tells of its death, however it comes, and the socket of an `exec`, which the pool does not
/// survive. A parent that may not signal this process any more, since it has dropped its privileges, shuts the socket
/// down to end it. `PR_SET_PDEATHSIG` would fire too early: when the *thread* ends that started the worker.
pub(super) fn parent(pidfd: OwnedFd, socket: &OwnedFd) -> io::Result<()> {
    let socket = socket.as_fd().try_clone_to_owned()?;
    let identities = [Identity::of(&pidfd)?, Identity::of(&socket)?];
    let parent = getppid();
    thread::Builder::new()
        .name("parent-watch".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            if !wait_for_end(&pidfd, &socket, &identities) {
                wait_for_new_parent(parent);
            }
            // What a job started belongs to the group too, which is ours alone.
            if getpgrp() == getpid() {
                let _ = kill_process_group(getpgrp(), Signal::KILL);
            }
            let _ = kill_process(getpid(), Signal::KILL);
            process::abort();
        })?;
    Ok(())
}

/// Waits until the parent has ended or has hung up; `false` if a job has closed the descriptors that say so.
fn wait_for_end(pidfd: &OwnedFd, socket: &OwnedFd, identities: &[Identity; 2]) -> bool {
    let mut descriptors = [
        PollFd::new(pidfd, PollFlags::IN),
        // Only a hang-up: messages are for the main thread.
        PollFd::new(socket, PollFlags::empty()),
    ];
    while poll(&mut descriptors, None).is_err() {}
    let known = [pidfd, socket].map(AsFd::as_fd);
    let has_ended = |at: usize| -> bool {
        let revents = descriptors[at].revents();
        let descriptor: BorrowedFd<'_> = known[at];
        !revents.is_empty()
            && !revents.contains(PollFlags::NVAL)
            && identities[at].is_that_of(descriptor)
    };
    has_ended(0) || has_ended(1)
}

fn wait_for_new_parent(parent: Option<Pid>) {
    while getppid() == parent {
        thread::sleep(LOOK);
    }
}
