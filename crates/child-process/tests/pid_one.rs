//! The first process of a container, to which all orphans are re-parented.

mod support;

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use effective_child_process::Command;
use support::holdings::zombies;
use support::inside::{Where, is_inside, run_inside};
use support::{eventually, sh, within};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test as the first process of a PID namespace.
fn as_pid_one(name: &str, test: impl FnOnce() + Send + 'static) {
    if !is_inside() {
        return run_inside(Where::PidOne, name);
    }
    assert_eq!(std::process::id(), 1);
    within(LIMIT, test);
}

#[track_caller]
fn assert_no_zombie_is_left() {
    eventually("all zombies are reaped", || {
        // Background processes are reaped at the next start.
        Command::new("true").run().unwrap();
        zombies() == 0
    });
}

#[test]
fn timed_out_trees_leave_no_zombies_as_pid_one() {
    as_pid_one("timed_out_trees_leave_no_zombies_as_pid_one", || {
        for script in ["sleep 60 & sleep 60", "setsid sleep 60 & sleep 60; :"] {
            for limit in 10..30 {
                let command = sh(script).time_limit(Duration::from_millis(limit));
                assert!(command.run().unwrap_err().is_timeout());
            }
        }
        assert_eq!(zombies(), 0);
    });
}

#[test]
fn dropped_futures_leave_no_zombies_as_pid_one() {
    as_pid_one("dropped_futures_leave_no_zombies_as_pid_one", || {
        let mut context = Context::from_waker(Waker::noop());
        for n in 0..40 {
            let mut running = sh("sleep 60 & sleep 60").run_async();
            assert!(Pin::new(&mut running).poll(&mut context).is_pending());
            std::thread::sleep(Duration::from_micros(100 * n));
            drop(running);
        }
        assert_no_zombie_is_left();
    });
}

#[test]
fn background_processes_leave_no_zombies_as_pid_one() {
    as_pid_one("background_processes_leave_no_zombies_as_pid_one", || {
        for _ in 0..10 {
            let ended = sh("sleep 60 & sleep 61 & :").kill_leftovers();
            assert!(ended.run().unwrap().success());
            // This background process ends a moment after its parent.
            let left = sh("sleep 0.1 >/dev/null 2>&1 & :");
            assert!(left.run().unwrap().success());
        }
        assert_no_zombie_is_left();
    });
}
