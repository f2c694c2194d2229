//! A process that is forked: the child has the calling thread only.

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

/// Runs `body` in a forked child, which has to come to its end.
pub(crate) fn in_a_forked_child(body: impl FnOnce()) {
    // SAFETY: the child has one thread. It allocates, which the C library keeps possible after a fork, uses what the test
    // has made, and leaves by `_exit`, so it never comes back to the test runner.
    let child = unsafe { fork() };
    assert!(child >= 0, "the system refuses a process");
    if child == 0 {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: it ends this process.
        unsafe { _exit(if ended.is_ok() { 42 } else { 1 }) }
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut status = 0;
    loop {
        // SAFETY: the child is this process's own, and the status a local.
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
