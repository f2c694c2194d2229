//! A forked process: the child has only the forking thread.

use std::ffi::c_int;
use std::thread;
use std::time::{Duration, Instant};

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

const WNOHANG: c_int = 1;
const SIGKILL: c_int = 9;

/// Runs `body` in a forked child, and fails if it panics or hangs.
pub(crate) fn in_a_forked_child(body: impl FnOnce()) {
    // SAFETY: the child has one thread. It may allocate, which the C library supports after a fork,
    // and it leaves by `_exit`, so it never returns to the test runner.
    let child = unsafe { fork() };
    assert!(child >= 0, "the system refuses a process");
    if child == 0 {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: this ends the child.
        unsafe { _exit(if ended.is_ok() { 42 } else { 1 }) }
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut status = 0;
    loop {
        // SAFETY: `child` is a child of this process, and `status` a local.
        match unsafe { waitpid(child, &mut status, WNOHANG) } {
            0 if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            0 => {
                // SAFETY: as above, and it has not been waited for.
                unsafe { kill(child, SIGKILL) };
                // SAFETY: as above.
                unsafe { waitpid(child, &mut status, 0) };
                panic!("the child hangs");
            }
            _ => break,
        }
    }
    assert_eq!(status, 42 << 8, "the status of the child");
}
