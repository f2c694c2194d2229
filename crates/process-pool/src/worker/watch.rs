//! No worker outlives its parent.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};

/// The thread does nothing but sleep.
const STACK: usize = 64 * 1024;

/// Starts the thread that ends this process, and what it started, as soon as the parent is no more.
///
/// The parent's pidfd tells of its death, however it comes, and the socket of an `exec`, which the pool does not
/// survive. `PR_SET_PDEATHSIG` would fire too early: when the *thread* ends that started the worker.
pub(super) fn parent(pidfd: OwnedFd, socket: &OwnedFd) -> io::Result<()> {
    let socket = socket.as_fd().try_clone_to_owned()?;
    thread::Builder::new()
        .name("parent-watch".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let mut descriptors = [
                PollFd::new(&pidfd, PollFlags::IN),
                // Only a hang-up: messages are for somebody else.
                PollFd::new(&socket, PollFlags::empty()),
            ];
            while poll(&mut descriptors, None).is_err() {}
            // What a job started belongs to the group too, which is ours alone.
            if getpgrp() == getpid() {
                let _ = kill_process_group(getpgrp(), Signal::KILL);
            }
            let _ = kill_process(getpid(), Signal::KILL);
            process::abort();
        })?;
    Ok(())
}
