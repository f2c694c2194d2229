//! Children that other code in this program reaps. That code reaps every child, so each test runs
//! in a process of its own.

mod support;

use std::collections::BTreeMap;
use std::iter;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use effective_child_process::{Command, Error, Finished, Many};
use futures::executor::block_on;
use nix::sys::signal::{SigHandler, Signal, signal};
use rustix::process::{WaitOptions, wait};
use support::inside::{Where, is_inside, run_inside};
use support::{sh, with_enough_time, within};

const LIMIT: Duration = Duration::from_secs(60);

/// Asserts that the result has the output of `echo x`, and returns whether its status is lost.
#[track_caller]
fn kind(result: Result<Finished, Error>) -> &'static str {
    let (kind, output) = match result {
        Ok(finished) => ("status", finished.stdout),
        Err(Error::StatusLost { stdout, .. }) => ("status lost", stdout),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(output, b"x\n", "{kind}");
    kind
}

/// Runs `echo x` through every kind of call, and counts the kinds of results.
fn echo_in_all_ways(rounds: usize) -> BTreeMap<&'static str, u32> {
    let echo = Command::new("echo").arg("x").time_limit(LIMIT);
    let many = Many::new().limit(NonZeroUsize::new(4).unwrap());
    let mut kinds = BTreeMap::new();
    let mut note = |result| *kinds.entry(kind(result)).or_default() += 1;
    for _ in 0..rounds {
        note(echo.run());
        note(block_on(echo.run_async()));
        note(
            echo.spawn()
                .and_then(effective_child_process::Child::finish),
        );
        many.map(iter::repeat_n(echo.clone(), 4))
            .into_iter()
            .for_each(&mut note);
        let piped = echo
            .clone()
            .pipe(Command::new("cat").time_limit(LIMIT))
            .run();
        piped.stages.into_iter().skip(1).for_each(&mut note);
    }
    kinds
}

#[test]
fn output_survives_if_another_thread_reaps_the_child() {
    if !is_inside() {
        let name = "output_survives_if_another_thread_reaps_the_child";
        return run_inside(Where::Process, name);
    }
    static OVER: AtomicBool = AtomicBool::new(false);
    let reaper = thread::spawn(|| {
        while !OVER.load(Ordering::Relaxed) {
            while wait(WaitOptions::NOHANG).is_ok_and(|reaped| reaped.is_some()) {}
            thread::sleep(Duration::from_micros(50));
        }
    });
    within(LIMIT, || println!("{:?}", echo_in_all_ways(40)));
    OVER.store(true, Ordering::Relaxed);
    reaper.join().unwrap();
}

fn ignore_sigchld() {
    // SAFETY: no handler is installed, the signal is ignored.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
}

#[test]
fn output_survives_if_sigchld_is_ignored() {
    if !is_inside() {
        return run_inside(Where::Process, "output_survives_if_sigchld_is_ignored");
    }
    ignore_sigchld();
    within(LIMIT, || {
        let kinds = echo_in_all_ways(40);
        println!("{kinds:?}");
        assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ["status lost"]);
    });
}

#[test]
fn time_limit_holds_if_sigchld_is_ignored() {
    if !is_inside() {
        return run_inside(Where::Process, "time_limit_holds_if_sigchld_is_ignored");
    }
    ignore_sigchld();
    within(LIMIT, || {
        let command = sh("echo so far; exec sleep 60");
        let stdout = with_enough_time(
            Duration::from_millis(300),
            |limit| match command.clone().time_limit(limit).run() {
                Err(Error::StatusLost { stdout, .. }) => stdout,
                result => panic!("{result:?}"),
            },
            |stdout| !stdout.is_empty(),
        );
        assert_eq!(stdout, b"so far\n");
        let missing = Command::new("no-such-program-anywhere");
        for missing in [missing.clone(), missing.env("PATH", "/nowhere:/bin")] {
            let error = missing.run().unwrap_err();
            assert!(matches!(error, Error::Start { .. }), "{error}");
        }
    });
}
