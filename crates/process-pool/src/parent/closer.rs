//! Threads that close descriptors whose closing may block.
//!
//! Closing the last descriptor of a lingering socket, or of a file on a slow file system, can take
//! as long as the worker that sent it likes. So it happens neither under a lock of the pool nor on
//! its supervisor, and a worker can occupy only a few threads with it.

use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::thread;

use rustix::net::sockopt::set_socket_linger;

use crate::sync::lock;

/// The maximum number of closing threads. Further descriptors wait in the list.
const MAX_THREADS: usize = 4;
/// A closing thread needs next to nothing.
const STACK: usize = 64 * 1024;

static CLOSER: Mutex<Closer> = Mutex::new(Closer {
    waiting: Vec::new(),
    threads: 0,
});

/// One for all pools, since a thread that is stuck outlives its pool.
struct Closer {
    waiting: Vec<OwnedFd>,
    threads: usize,
}

/// Closes descriptors that a worker sent and that belong to no result. Does not block.
pub(super) fn close(rejected: Vec<OwnedFd>) {
    if rejected.is_empty() {
        return;
    }
    let mut closer = lock(&CLOSER);
    closer.waiting.extend(rejected);
    if closer.threads == MAX_THREADS {
        return;
    }
    let thread = thread::Builder::new()
        .name("process-pool-closer".to_owned())
        .stack_size(STACK);
    // If the system refuses the thread, the descriptors wait for the next call.
    if thread.spawn(run).is_ok() {
        closer.threads += 1;
    }
}

fn run() {
    loop {
        let descriptor = {
            let mut closer = lock(&CLOSER);
            let Some(descriptor) = closer.waiting.pop() else {
                closer.threads -= 1;
                return;
            };
            descriptor
        };
        // A worker that is being started holds a copy until its `exec`, and closing that copy would
        // linger there. The call fails for anything but a socket, where there is nothing to set.
        let _ = set_socket_linger(&descriptor, None);
        drop(descriptor);
    }
}
