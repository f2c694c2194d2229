//! A program that forks without an `execve`.

mod support;

use std::time::Duration;

use effective_child_process::{Command, Error, Input};
use futures::executor::block_on;
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use support::inside::{Where, is_inside, run_inside};
use support::within;

/// Runs it in a forked copy of this program; true if it says so.
fn in_a_copy(test: impl FnOnce() -> bool) -> bool {
    // SAFETY: no other thread of this program holds the allocator's lock, since none does anything.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap() == WaitStatus::Exited(child, 0)
        }
        ForkResult::Child => {
            let holds = test();
            // SAFETY: it ends the copy at once.
            unsafe { libc::_exit(i32::from(!holds)) }
        }
    }
}

#[test]
fn drop_in_a_forked_copy_leaves_the_child_alone() {
    if !is_inside() {
        return run_inside(
            Where::Process,
            "drop_in_a_forked_copy_leaves_the_child_alone",
        );
    }
    within(Duration::from_secs(60), || {
        let mut child = Some(Command::new("cat").stdin(Input::Pipe).spawn().unwrap());
        assert!(in_a_copy(|| {
            child.take();
            true
        }));
        let mut child = child.unwrap();
        child.write("still here\n").unwrap();
        assert_eq!(child.finish().unwrap().stdout, b"still here\n");
    });
}

#[test]
fn future_in_a_forked_copy_is_refused() {
    if !is_inside() {
        return run_inside(Where::Process, "future_in_a_forked_copy_is_refused");
    }
    within(Duration::from_secs(60), || {
        let echo = Command::new("echo").arg("x");
        block_on(echo.run_async()).unwrap();
        assert!(in_a_copy(|| {
            let refused = block_on(echo.run_async());
            let runs = echo.run().is_ok_and(|finished| finished.stdout == b"x\n");
            matches!(refused, Err(Error::Watch { .. })) && runs
        }));
        assert_eq!(block_on(echo.run_async()).unwrap().stdout, b"x\n");
    });
}
