//! The numbered faults of input and output, with real processes. The tests run one at a time, since
//! they count what the program holds.

mod support;

use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess};
use support::fault::{SECOND, fault};
use support::mark::Mark;
use support::{sh, with_enough_time};

/// A script that fills both outputs before it reads a byte.
const BOTH_WAYS: &str = "head -c $N /dev/zero; head -c $N /dev/zero >&2; wc -c";

#[test]
fn fault_33_hundred_mebibytes_each_way_do_not_deadlock() {
    fault(1, 60 * SECOND, || {
        const N: usize = 100 << 20;
        let finished = sh(BOTH_WAYS)
            .env("N", N.to_string())
            .input(vec![b'x'; N])
            .run()
            .expect("it runs");
        assert!(finished.success(), "{}", finished.status);
        let (zeros, count) = finished.stdout.split_at(N);
        assert!(zeros.iter().all(|byte| *byte == 0));
        assert_eq!(String::from_utf8_lossy(count).trim(), N.to_string());
        assert_eq!(finished.stderr.len(), N);
    });
}

#[test]
fn fault_33_truncation_never_blocks_the_child() {
    fault(2, 60 * SECOND, || {
        const N: usize = 10 << 20;
        let finished = sh(BOTH_WAYS)
            .env("N", N.to_string())
            .input(vec![b'x'; N])
            .capture_at_most(1000, Excess::Truncate)
            .run()
            .expect("it runs");
        assert!(finished.success());
        assert_eq!((finished.stdout.len(), finished.stderr.len()), (1000, 1000));
        assert!(finished.stdout_dropped > (N - 1000) as u64);
        assert_eq!(finished.stderr_dropped, (N - 1000) as u64);
        assert!(
            finished.stdout.capacity() <= 1 << 20,
            "{}",
            finished.stdout.capacity()
        );
    });
}

#[test]
fn fault_33_output_beyond_the_limit_kills_the_tree() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let error = mark
            .on(sh("yes | cat"))
            .capture_at_most(5, Excess::Fail)
            .run()
            .expect_err("yes never ends");
        assert!(
            matches!(error, Error::TooMuchOutput { cap: 5, .. }),
            "{error}"
        );
        assert_eq!(
            error.finished().expect("it has a result").stdout,
            b"y\ny\ny"
        );
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_34_grandchild_holding_stdout_is_flagged_as_leak() {
    fault(5, 60 * SECOND, || {
        let mark = Mark::new();
        let start = Instant::now();
        let finished = mark
            .on(sh("sleep 60 & echo done; exit 3"))
            .drain(Duration::from_millis(50))
            .run()
            .expect("it runs");
        assert!(start.elapsed() < 20 * SECOND);
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.stdout, b"done\n");
        assert!(finished.leaked);
        assert_eq!(mark.living().len(), 1, "background processes run on");
        mark.kill_all();

        let finished = mark.on(sh("echo done")).run().expect("it runs");
        assert!(!finished.leaked);
    });
}

#[test]
fn fault_34_endless_writer_does_not_extend_drain_time() {
    fault(2, 60 * SECOND, || {
        let mark = Mark::new();
        let finished = mark
            .on(sh("yes & echo done"))
            .drain(Duration::from_millis(50))
            .run()
            .expect("it runs");
        assert!(finished.leaked);
        // Its pipe is closed, so SIGPIPE ends it.
        mark.wait_for(0);
    });
}

#[test]
fn fault_34_kill_leftovers_kills_background_processes() {
    fault(5, 60 * SECOND, || {
        let mark = Mark::new();
        let finished = mark
            .on(sh("sleep 60 & echo done"))
            .kill_leftovers()
            .run()
            .expect("it runs");
        assert_eq!(
            (&finished.stdout[..], finished.leaked),
            (&b"done\n"[..], false)
        );
        mark.wait_for(0);
    });
}

#[test]
fn fault_36_unread_stdin_is_no_error() {
    fault(20, 60 * SECOND, || {
        let finished = sh("exit 4").input(vec![0; 1 << 20]).run().expect("it runs");
        assert_eq!(finished.status.code(), Some(4));
        let finished = Command::new("head")
            .args(["-c", "3"])
            .input(vec![b'x'; 1 << 20])
            .run()
            .expect("it runs");
        assert_eq!(
            (finished.success(), &finished.stdout[..]),
            (true, &b"xxx"[..])
        );
    });
}

#[test]
fn fault_33_background_output_beyond_the_limit_kills_the_tree() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let error = mark
            .on(sh("(sleep 0.2; exec yes) & exit 0"))
            .capture_at_most(1000, Excess::Fail)
            .drain(40 * SECOND)
            .run()
            .expect_err("yes never ends");
        let Error::TooMuchOutput { finished, .. } = error else {
            panic!("{error}");
        };
        assert!(finished.success() && finished.took < 20 * SECOND);
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_34_time_limit_cuts_drain_time_short() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let leaves = mark.on(sh("sleep 60 & echo done")).drain(40 * SECOND);
        let finished = with_enough_time(
            Duration::from_millis(100),
            |limit| leaves.clone().time_limit(limit).run().ok(),
            Option::is_some,
        );
        let finished = finished.expect("it ended in time");
        assert!(finished.leaked && finished.took < 20 * SECOND);
        assert_eq!(finished.stdout, b"done\n");
        mark.kill_all();
    });
}
