//! A program that forks without `exec`.

mod support;

use std::fs;
use std::time::Duration;

use effective_child_process::{Command, Error, Input};
use futures::executor::block_on;
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use support::inside::{Where, is_inside, run_inside};
use support::within;

/// Runs `test` in a forked copy of this program, and returns its result.
fn in_forked_copy(test: impl FnOnce() -> bool) -> bool {
    // SAFETY: no other thread holds the allocator's lock, because all others are idle.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap() == WaitStatus::Exited(child, 0)
        }
        ForkResult::Child => {
            let holds = test();
            // SAFETY: the call ends the copy at once.
            unsafe { libc::_exit(i32::from(!holds)) }
        }
    }
}

#[test]
fn drop_in_forked_copy_does_not_kill_the_child() {
    if !is_inside() {
        return run_inside(
            Where::Process,
            "drop_in_forked_copy_does_not_kill_the_child",
        );
    }
    within(Duration::from_secs(60), || {
        let mut child = Some(Command::new("cat").stdin(Input::Pipe).spawn().unwrap());
        assert!(in_forked_copy(|| {
            child.take();
            true
        }));
        let mut child = child.unwrap();
        child.write("still here\n").unwrap();
        assert_eq!(child.finish().unwrap().stdout, b"still here\n");
    });
}

#[test]
fn future_in_forked_copy_is_refused() {
    if !is_inside() {
        return run_inside(Where::Process, "future_in_forked_copy_is_refused");
    }
    within(Duration::from_secs(60), || {
        let echo = Command::new("echo").arg("x");
        block_on(echo.run_async()).unwrap();
        assert!(in_forked_copy(|| {
            let refused = block_on(echo.run_async());
            let runs = echo.run().is_ok_and(|finished| finished.stdout == b"x\n");
            matches!(refused, Err(Error::Watch { .. })) && runs
        }));
        assert_eq!(block_on(echo.run_async()).unwrap().stdout, b"x\n");
    });
}

/// The number of threads of this process with this name.
fn threads_named(name: &str) -> usize {
    fs::read_dir("/proc/self/task")
        .expect("/proc")
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .filter(|thread| thread.trim_end() == name)
        .count()
}

#[test]
fn start_in_forked_copy_has_its_own_watch_thread() {
    if !is_inside() {
        return run_inside(
            Where::Process,
            "start_in_forked_copy_has_its_own_watch_thread",
        );
    }
    within(Duration::from_secs(60), || {
        // The watch thread of this program is still running at the time of the fork.
        assert!(Command::new("true").run().unwrap().success());
        assert!(in_forked_copy(|| {
            let before = threads_named("child-process");
            // The thread names itself, a moment after it was created.
            let has_thread = (0..20).any(|_| {
                let ran = Command::new("true").run().is_ok();
                ran && threads_named("child-process") == 1
            });
            before == 0 && has_thread
        }));
    });
}
