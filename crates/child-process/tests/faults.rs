//! The faults that must be survived, with real processes. One test at a time: they count what the program holds.

mod support;

use std::fs;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use effective_child_process::{Command, Error, Excess, Input};
use support::{Holdings, Mark, eventually, sh, time_out_after, with_enough_time, within};

/// Runs a test so many times, alone, under a deadline, and sees that everything is given back.
fn fault(times: usize, limit: Duration, test: fn()) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    within(limit, move || {
        let before = Holdings::now();
        for _ in 0..times {
            test();
        }
        before.are_back();
    });
}

const SECOND: Duration = Duration::from_secs(1);

/// It writes both outputs before it reads a byte.
const BOTH_WAYS: &str = "head -c $N /dev/zero; head -c $N /dev/zero >&2; wc -c";

#[test]
fn fault_33_a_hundred_mebibytes_each_way_do_not_deadlock() {
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
fn fault_33_a_cap_truncates_and_never_holds_the_child_up() {
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
fn fault_33_a_cap_ends_who_goes_beyond_it() {
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
fn fault_34_a_grandchild_that_holds_stdout_is_not_waited_for_and_the_leak_is_flagged() {
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
        assert_eq!(
            mark.living().len(),
            1,
            "what is left in the background is left alone"
        );
        mark.clean_up();

        let finished = mark.on(sh("echo done")).run().expect("it runs");
        assert!(!finished.leaked);
    });
}

#[test]
fn fault_34_a_grandchild_that_writes_on_and_on_does_not_prolong_the_grace() {
    fault(2, 60 * SECOND, || {
        let mark = Mark::new();
        let finished = mark
            .on(sh("yes & echo done"))
            .drain(Duration::from_millis(50))
            .run()
            .expect("it runs");
        assert!(finished.leaked);
        // Its pipe is closed, so it ends by itself.
        mark.wait_for(0);
    });
}

#[test]
fn fault_34_leftovers_are_ended_if_that_is_asked_for() {
    fault(5, 60 * SECOND, || {
        let mark = Mark::new();
        let finished = mark
            .on(sh("sleep 60 & echo done"))
            .end_leftovers()
            .run()
            .expect("it runs");
        assert_eq!(
            (&finished.stdout[..], finished.leaked),
            (&b"done\n"[..], false)
        );
        mark.wait_for(0);
    });
}

/// Three generations, none of which minds `SIGTERM`; the last says that all are there.
const DEAF: &str =
    r#"trap "" TERM; sh -c 'sh -c "echo all here; sleep 61; sleep 62"; sleep 63'; sleep 64"#;

#[test]
fn fault_35_a_timeout_ends_a_tree_of_three_that_ignores_sigterm_and_returns_its_output() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let deaf = mark.on(sh(DEAF)).grace(Duration::from_millis(100));
        let error = time_out_after(b"all here\n", Duration::from_millis(400), &deaf);
        let Error::TimedOut { limit, finished } = error else {
            panic!("{error}");
        };
        assert!(limit >= Duration::from_millis(400));
        assert_eq!(finished.stdout, b"all here\n");
        assert!(finished.took >= limit + Duration::from_millis(100));
        assert!(finished.took < limit + 20 * SECOND);
        assert!(mark.living().is_empty(), "{:?}", mark.living());
    });
}

#[test]
fn fault_35_who_heeds_sigterm_has_the_grace_time_to_tidy_up() {
    fault(3, 60 * SECOND, || {
        let tidy = "trap 'echo tidied; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
        let tidy = sh(tidy).grace(30 * SECOND);
        let error = time_out_after(b"ready\n", Duration::from_millis(300), &tidy);
        let finished = error.into_finished().expect("it has a result");
        assert_eq!(finished.stdout, b"ready\ntidied\n");
        assert_eq!(finished.status.code(), Some(5));
        assert!(
            finished.took < 30 * SECOND,
            "nobody waits for a grace that nobody needs"
        );
    });
}

#[test]
fn fault_35_what_left_the_group_is_ended_as_well() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        // A session of its own, and below it another one.
        let script = r#"setsid sh -c 'trap "" TERM; setsid sh -c "trap \"\" TERM; echo here; sleep 61; :"; sleep 62; :'; :"#;
        let left = mark.on(sh(script)).grace(Duration::from_millis(50));
        time_out_after(b"here\n", Duration::from_millis(400), &left);
        assert!(mark.living().is_empty(), "{:?}", mark.living());
    });
}

#[test]
fn fault_35_a_tree_that_starts_processes_as_fast_as_it_can_is_ended_whole() {
    fault(3, 100 * SECOND, || {
        let mark = Mark::new();
        let script = "trap '' TERM; i=0; while [ $i -lt 4000 ]; do setsid sleep 30 & i=$((i+1)); done; sleep 30";
        let error = mark
            .on(sh(script))
            .timeout(Duration::from_millis(150))
            .grace(Duration::ZERO)
            .run()
            .expect_err("it does not end");
        assert!(error.is_timeout(), "{error}");
        assert_eq!(mark.living(), [0; 0]);
    });
}

#[test]
fn fault_35_one_that_is_stopped_is_ended_too() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let error = mark
            .on(sh("kill -STOP $$"))
            .timeout(Duration::from_millis(100))
            .grace(20 * SECOND)
            .run()
            .expect_err("it stands still");
        let finished = error.into_finished().expect("a result");
        assert!(finished.took < 15 * SECOND, "SIGTERM reached it");
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_36_a_child_that_does_not_read_its_stdin_has_its_status_and_no_error() {
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
fn fault_37_the_leader_died_first_and_its_group_is_still_swept() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        // Dropped, killed, or ended because of its output: each time the leader is long dead.
        let script = "sh -c 'trap \"\" TERM; sleep 61; :' & exit 0";
        let mut child = mark
            .on(sh(script))
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        assert!(child.wait().expect("it ends").success());
        mark.wait_for(2);
        drop(child);
        assert!(mark.living().is_empty());

        let mut child = mark
            .on(sh(script))
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        assert!(child.wait().expect("it ends").success());
        mark.wait_for(2);
        assert!(
            child.kill().expect("it is over").success(),
            "its status is its own"
        );
        assert!(mark.living().is_empty());

        // SIGTERM ends the leader alone; the others are deaf.
        let script = "(trap '' TERM; sleep 61; :) & wait";
        let error = mark
            .on(sh(script))
            .timeout(Duration::from_millis(200))
            .grace(Duration::from_millis(50))
            .run()
            .expect_err("it does not end");
        assert!(error.is_timeout(), "{error}");
        assert!(mark.living().is_empty());
    });
}

#[test]
fn fault_37_the_number_of_the_leader_is_kept_until_its_group_was_swept() {
    fault(20, 60 * SECOND, || {
        let mut child = sh("sleep 61 & exit 0")
            .drain(600 * SECOND)
            .spawn()
            .expect("it starts");
        child.wait().expect("it ends");
        // A zombie: ended, and its number cannot be given to anybody else.
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it is there");
        assert!(stat.contains(") Z "), "{stat}");
        let id = child.id();
        drop(child);
        assert!(
            !fs::exists(format!("/proc/{id}")).expect("/proc"),
            "reaped after that"
        );
    });
}

#[test]
fn fault_38_no_descriptor_leaks_from_sibling_to_sibling() {
    fault(2, 100 * SECOND, || {
        const THREADS: usize = 8;
        // What this program was itself started with, and what a shell opens for itself.
        const OPEN: &str = "ls /proc/$$/fd; read line; echo $line";
        let alone = sh(OPEN).input("end\n").read().expect("it runs");
        let together = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    together.wait();
                    let children: Vec<_> = (0..8)
                        .map(|_| sh(OPEN).stdin(Input::Pipe).spawn().expect("it starts"))
                        .collect();
                    for mut child in children {
                        child.write("end\n").expect("it reads");
                        let finished = child.finish().expect("it runs");
                        // A pipe of a sibling would be among them, and hold the sibling's stdin open.
                        let open = finished.stdout_text().expect("text").trim();
                        assert_eq!(open, alone);
                    }
                });
            }
        });
    });
}

#[test]
fn fault_38_two_hundred_children_started_and_dropped_leave_nothing() {
    fault(1, 100 * SECOND, || {
        for round in 0..200 {
            let child = sh("sleep 30").spawn().expect("it starts");
            if round % 4 == 0 {
                thread::sleep(Duration::from_micros(500));
            }
            drop(child);
        }
        let mark = Mark::new();
        let child = mark
            .on(sh("sleep 30 & setsid sleep 31 & wait"))
            .spawn()
            .expect("it starts");
        mark.wait_for(3);
        drop(child);
        eventually("nobody is left", || mark.living().is_empty());
    });
}

#[test]
fn fault_37_what_is_dead_already_is_not_waited_for() {
    fault(20, 60 * SECOND, || {
        let child = sh("exit 0").spawn().expect("it starts");
        let stat = format!("/proc/{}/stat", child.id());
        eventually("it ends, unseen", || {
            fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "))
        });
        drop(child);
    });
}

#[test]
fn fault_33_what_is_left_in_the_background_is_ended_when_it_goes_beyond_the_cap() {
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
fn fault_34_the_time_limit_holds_for_the_reading_of_what_is_left_too() {
    fault(3, 60 * SECOND, || {
        let mark = Mark::new();
        let leaves = mark.on(sh("sleep 60 & echo done")).drain(40 * SECOND);
        let finished = with_enough_time(
            Duration::from_millis(100),
            |limit| leaves.clone().timeout(limit).run().ok(),
            Option::is_some,
        );
        let finished = finished.expect("it ended in time");
        assert!(finished.leaked && finished.took < 20 * SECOND);
        assert_eq!(finished.stdout, b"done\n");
        mark.clean_up();
    });
}
