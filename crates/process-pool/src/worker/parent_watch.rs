//! The thread that kills a worker when its parent ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, kill_process, kill_process_group};

use super::file_id::FileId;

/// The thread only sleeps.
const STACK: usize = 64 * 1024;
/// The interval between checks for the parent once a job has closed the descriptors that announce
/// its death.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Starts the thread that kills this process, and its process group, as soon as the parent is gone.
///
/// The parent's pidfd announces its death, and the socket an `exec`, which the pool does not
/// survive. A parent that may not signal this process any more, because it has dropped its
/// privileges, shuts the socket down to end it. `PR_SET_PDEATHSIG` would fire too early: when the
/// *thread* that started the worker ends.
pub(super) fn start(pidfd: OwnedFd, socket: &OwnedFd) -> io::Result<()> {
    let socket = socket.as_fd().try_clone_to_owned()?;
    let file_ids = [FileId::of(&pidfd)?, FileId::of(&socket)?];
    let parent = getppid();
    thread::Builder::new()
        .name("parent-watch".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            if !wait_for_end(&pidfd, &socket, &file_ids) {
                wait_for_new_parent(parent);
            }
            // The group is this worker's alone, and holds what its jobs have started.
            if getpgrp() == getpid() {
                let _ = kill_process_group(getpgrp(), Signal::KILL);
            }
            let _ = kill_process(getpid(), Signal::KILL);
            process::abort();
        })?;
    Ok(())
}

/// Waits until the parent has ended or hung up. Returns `false` if a job has closed the descriptors
/// that say so.
fn wait_for_end(pidfd: &OwnedFd, socket: &OwnedFd, file_ids: &[FileId; 2]) -> bool {
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
            && file_ids[at].matches(descriptor)
    };
    has_ended(0) || has_ended(1)
}

fn wait_for_new_parent(parent: Option<Pid>) {
    while getppid() == parent {
        thread::sleep(CHECK_INTERVAL);
    }
}
