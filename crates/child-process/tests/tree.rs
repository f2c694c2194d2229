//! Processes of a tree that look dead but are alive.

mod support;

use std::fs;
use std::time::Duration;

use support::{eventually, has, sh, with_enough_time, within};

/// A program whose main thread ends while another thread runs on.
const NO_MAIN_THREAD: &str = "import ctypes, os, threading, time
def run():
    while open('/proc/self/stat').read().rsplit(')')[1].split()[0] != 'Z': time.sleep(0.01)
    os.write(1, b'%d\\n' % os.getpid())
    time.sleep(60)
threading.Thread(target=run).start()
ctypes.CDLL(None).syscall(EXIT, 0)";

/// The number of the system call that ends a single thread.
const EXIT: &str = if cfg!(target_arch = "aarch64") {
    "93"
} else {
    "60"
};

#[test]
fn process_without_main_thread_is_killed_with_its_tree() {
    within(Duration::from_secs(60), || {
        if !has("python3") {
            return;
        }
        let python = NO_MAIN_THREAD.replace("EXIT", EXIT);
        // It has a session of its own, so no signal to the group reaches it.
        let command = sh("echo up; setsid python3 -c \"$0\" & sleep 60")
            .arg(python)
            .grace(Duration::from_millis(100));
        let error = with_enough_time(
            Duration::from_millis(500),
            |limit| command.clone().time_limit(limit).run().unwrap_err(),
            |error| error.finished().unwrap().stdout.len() > b"up\n".len(),
        );
        assert!(error.is_timeout(), "{error}");
        let output = error.into_finished().unwrap().stdout;
        let id = String::from_utf8(output[b"up\n".len()..].to_vec()).unwrap();
        eventually("it has ended", || {
            !fs::exists(format!("/proc/{}", id.trim())).unwrap()
        });
    });
}
